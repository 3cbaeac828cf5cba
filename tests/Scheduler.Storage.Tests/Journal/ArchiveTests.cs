using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>A journal moves between SQLite and PostgreSQL, tags of other writers and deleted rows included.</summary>
[Collection("postgres")]
public sealed class ArchiveTests(PostgresServer server) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task From_PostgreSQL_to_SQLite_and_back()
    {
        string first = server.Cluster.NewDatabase();
        string name = new Npgsql.NpgsqlConnectionStringBuilder(first).Database!;
        server.Cluster.Sql(name, GoldenFile.Read("postgresql.sql"));
        await using SqlJournal postgres = await EventJournals.OpenAsync(first);
        await postgres.AppendAsync([new JournalEvent("a", 7, "m", 9, "{}"u8.ToArray())]);
        await postgres.SaveSnapshotAsync(new JournalSnapshot("a", 7, "s", 9, "{}"u8.ToArray()));
        await using SqlJournal sqlite = await EventJournals.OpenAsync(_directory.File("scheduler.db"));
        await using SqlJournal back = await EventJournals.OpenAsync(server.Cluster.NewDatabase());

        string text = await ExportAsync(postgres);
        Assert.Equal((6L, 3L), await JournalArchive.ImportAsync(sqlite, new StringReader(text)));
        Assert.Equal((6L, 3L), await JournalArchive.ImportAsync(back, new StringReader(await ExportAsync(sqlite))));

        Assert.Contains("\"tags\":[\"red\",\"tag4\"]", text, StringComparison.Ordinal);
        Assert.Equal(text, await ExportAsync(sqlite));
        Assert.Equal(text, await ExportAsync(back));
        await back.AppendAsync([new JournalEvent("a", 8, "m", 9, default)]);
        Assert.Null(await JournalArchive.ImportAsync(back, new StringReader(text)));
    }

    private static async Task<string> ExportAsync(SqlJournal journal)
    {
        StringWriter text = new();
        _ = await JournalArchive.ExportAsync(journal, text);
        return text.ToString();
    }
}
