using System.Data;
using System.Data.Common;
using System.Net.Sockets;
using Npgsql;

namespace Scheduler.Storage.Journal;

/// <summary>A journal in a PostgreSQL database, which several machines can reach.</summary>
/// <remarks>
/// Each call has a connection and a transaction of its own. Transactions that commit at the same time share a sync of the
/// server's log already, so there is nothing to gather here. After any failure the idle connections are closed: the next call
/// connects anew, and so goes on when the server is back.
/// </remarks>
public sealed class PostgresJournal : SqlJournal
{
    private const int ConnectSeconds = 5;
    private const int ConnectionsMax = 16;

    // A server or role whose setting says that a commit need not be on its disk is overruled, a stricter one is not.
    private const string Durable = """
        SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'
        """;

    // A process that is stopped in the middle of a transaction would keep others waiting for what it has locked.
    private const string NotForEver = """
        ; SET LOCAL idle_in_transaction_session_timeout = '5s'
        """;

    // The lock of whoever takes the lease waits for this one.
    private const string Term = """
        SELECT 1 FROM volume_lease WHERE volume = @volume AND epoch = @epoch FOR SHARE
        """;

    private readonly NpgsqlDataSource _source;

    private PostgresJournal(string name, NpgsqlDataSource source)
        : base(name) => _source = source;

    /// <summary>Opens a journal, and makes its tables where they are missing.</summary>
    /// <param name="connectionString">Npgsql's, such as <c>Host=db;Database=scheduler;Username=scheduler</c>.</param>
    /// <param name="create">Makes missing tables.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The connection string is wrong.</exception>
    /// <exception cref="JournalUnavailableException">The server can't be reached, refuses, or keeps nothing durably.</exception>
    /// <exception cref="JournalDamagedException">Tables of these names are something else.</exception>
    public static async Task<PostgresJournal> OpenAsync(string connectionString, bool create = true, CancellationToken cancellation = default)
    {
        NpgsqlConnectionStringBuilder settings = WithBounds(connectionString);
        PostgresJournal journal = new($"{settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}", NpgsqlDataSource.Create(settings));
        try
        {
            await journal.WriteAsync(
                async (connection, token) =>
                {
                    await using DbCommand sync = connection.Command("SHOW fsync");
                    if (await sync.ExecuteScalarAsync(token) is not "on")
                        throw new JournalUnavailableException($"Journal {journal.Name}: the server runs with fsync = off, so nothing on it is durable; turn it on");
                    await PostgresSchema.EnsureAsync(connection, journal.Name, create, token);
                },
                CallTime,
                cancellation);
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>Nothing: the server checks what it reads as it reads it, with pages' checksums where they were turned on.</summary>
    /// <param name="cancellation">Not used.</param>
    public override ValueTask<IReadOnlyList<string>> CheckDatabaseAsync(CancellationToken cancellation = default) => ValueTask.FromResult<IReadOnlyList<string>>([]);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation) =>
        RunAsync(
            IsolationLevel.ReadCommitted,
            async (connection, token) =>
            {
                _ = await connection.ExecuteAsync(limit == Timeout.InfiniteTimeSpan ? Durable : Durable + NotForEver, token);
                await work(connection, token);
            },
            limit,
            cancellation);

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation) =>
        RunAsync(IsolationLevel.RepeatableRead, work, limit, cancellation);

    /// <inheritdoc/>
    private protected override async Task<bool> IsOnAsync(DbConnection connection, VolumeTerm term, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(Term, ("volume", term.Volume), ("epoch", term.Epoch));
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <inheritdoc/>
    private protected override bool IsDuplicate(DbException e) => e is PostgresException postgres && PostgresErrors.IsDuplicate(postgres);

    private static NpgsqlConnectionStringBuilder WithBounds(string connectionString)
    {
        NpgsqlConnectionStringBuilder settings = new(connectionString) { ApplicationName = "scheduler", Enlist = false };

        // The operator's own bounds hold, but none of them may be for ever (0).
        if (settings.CommandTimeout is 0 or > StatementSeconds)
            settings.CommandTimeout = StatementSeconds;
        if (settings.Timeout is 0 or > ConnectSeconds)
            settings.Timeout = ConnectSeconds;
        settings.MaxPoolSize = Math.Min(settings.MaxPoolSize, ConnectionsMax);
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, settings.MaxPoolSize);
        return settings;
    }

    private async ValueTask RunAsync(
        IsolationLevel isolation, Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(limit);
        try
        {
            await using NpgsqlConnection connection = await _source.OpenConnectionAsync(within.Token);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(isolation, within.Token);
            await work(connection, within.Token);
            await transaction.CommitAsync(within.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new JournalUnavailableException($"Journal {Name}: the server has not answered for {limit.TotalSeconds:0} s; check it", e);
        }
        catch (InvalidCastException e)
        {
            throw new JournalDamagedException($"Journal {Name}: a column holds what does not belong there: {e.Message}", e);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException or IOException)
        {
            _source.Clear();
            throw PostgresErrors.Translate(Name, e);
        }
    }
}
