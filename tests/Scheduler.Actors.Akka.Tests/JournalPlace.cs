using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Actors.Akka.Tests;

/// <summary>A new journal of a test's own, in a file or in a database of the test's server.</summary>
internal sealed class JournalPlace : IDisposable
{
    private readonly string? _directory;

    private JournalPlace(string name, string? directory)
    {
        Name = name;
        _directory = directory;
    }

    /// <summary>As for <see cref="EventJournals.OpenAsync"/>.</summary>
    public string Name { get; }

    public static async Task<JournalPlace> InFileAsync()
    {
        string directory = Directory.CreateTempSubdirectory("scheduler-akka-").FullName;
        return await MadeAsync(new JournalPlace(Path.Combine(directory, "scheduler.db"), directory));
    }

    public static Task<JournalPlace> OnAsync(PostgresCluster cluster) => MadeAsync(new JournalPlace(cluster.NewDatabase(), null));

    /// <summary>Runs SQL beside whoever else uses the journal.</summary>
    public async Task SqlAsync(string text)
    {
        await using DbConnection connection = Open();
        await connection.OpenAsync();
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = text;
        _ = await command.ExecuteNonQueryAsync();
    }

    public DbConnection Open() => _directory is null ? new NpgsqlConnection(Name + ";Pooling=false") : new SqliteConnection($"Data Source={Name};Pooling=False");

    public void Dispose()
    {
        if (_directory is not null)
            Directory.Delete(_directory, recursive: true);
    }

    private static async Task<JournalPlace> MadeAsync(JournalPlace place)
    {
        await (await EventJournals.OpenAsync(place.Name)).DisposeAsync();
        return place;
    }
}
