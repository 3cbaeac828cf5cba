using System.Data;
using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Lease;

/// <summary>Leases in a PostgreSQL database: a row for each volume, which stays when the lease is over, so that epochs only rise.</summary>
/// <remarks>
/// Each call is one statement in a transaction that is on the server's disk before it is answered: a server that came back
/// without it would grant an epoch twice. Expiry is by <c>clock_timestamp()</c>, evaluated when the row's lock is held.
/// <c>owner</c> is empty when the volume was released; <c>predecessors</c> are those that may still write, and, with <c>/left</c>
/// behind the name, those that released it. A program that does not know that form takes it for a name that says nothing, and serves
/// no volume before it is gone.
/// </remarks>
public sealed class PostgresLeases : ILeaseStore, IAsyncDisposable
{
    // Two nodes that start at once must not both make the table. Any constant does that nobody else uses.
    private const string Table = """
        SELECT pg_advisory_xact_lock(7592741083326135);
        CREATE TABLE IF NOT EXISTS volume_lease
        (
            volume text NOT NULL PRIMARY KEY,
            owner text NOT NULL,
            epoch bigint NOT NULL,
            expires timestamptz NOT NULL,
            predecessors text[] NOT NULL DEFAULT '{}'
        );
        """;

    // The bound (PredecessorsMax) forgets nobody that writes: an owner whose predecessors were not all fenced has never begun to.
    private const string Take = """
        INSERT INTO volume_lease AS lease (volume, owner, epoch, expires) VALUES (@volume, @owner, 1, clock_timestamp() + @duration)
        ON CONFLICT (volume) DO UPDATE SET owner = @owner, epoch = lease.epoch + 1, expires = clock_timestamp() + @duration,
            predecessors = array_remove(array_remove(lease.predecessors, @owner), @left) || CASE
                WHEN lease.owner IN ('', @owner) OR cardinality(lease.predecessors) >= @max THEN '{}'::text[]
                ELSE ARRAY[lease.owner] END
        WHERE lease.expires <= clock_timestamp()
        RETURNING epoch, predecessors
        """;

    private const string Renew = """
        UPDATE volume_lease SET expires = clock_timestamp() + @duration
        WHERE volume = @volume AND owner = @owner AND epoch = @epoch AND expires > clock_timestamp()
        RETURNING epoch, predecessors
        """;

    private const string Confirm = """
        UPDATE volume_lease SET predecessors = array_remove(predecessors, @fenced)
        WHERE volume = @volume AND owner = @owner AND epoch = @epoch
        RETURNING epoch, predecessors
        """;

    private const string Release = """
        UPDATE volume_lease SET owner = '', expires = clock_timestamp(),
            predecessors = predecessors || CASE WHEN cardinality(predecessors) >= @max THEN '{}'::text[] ELSE ARRAY[@left] END
        WHERE volume = @volume AND owner = @owner AND epoch = @epoch
        """;

    private const string Held = """
        SELECT owner, epoch, greatest(expires - clock_timestamp(), interval '0'), predecessors FROM volume_lease WHERE volume = @volume
        """;

    /// <summary>The most former owners of a volume that are named.</summary>
    public const int PredecessorsMax = 16;

    private const int ConnectSeconds = 5;
    private const int StatementSeconds = 10;

    private readonly NpgsqlDataSource _source;
    private readonly string _name;

    private PostgresLeases(NpgsqlDataSource source, string name)
    {
        _source = source;
        _name = name;
    }

    /// <summary>Opens the leases of a database, and makes their table where it is missing.</summary>
    /// <param name="connectionString">Npgsql's.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The connection string is wrong.</exception>
    /// <exception cref="LeaseStoreException">The server can't be reached or refuses.</exception>
    public static async Task<PostgresLeases> OpenAsync(string connectionString, CancellationToken cancellation = default)
    {
        NpgsqlConnectionStringBuilder settings = new(connectionString) { ApplicationName = "scheduler", Enlist = false, CommandTimeout = StatementSeconds };
        if (settings.Timeout is 0 or > ConnectSeconds)
            settings.Timeout = ConnectSeconds;
        PostgresLeases leases = new(NpgsqlDataSource.Create(settings), $"{settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}");
        try
        {
            _ = await leases.RunAsync("all", (connection, token) => connection.ExecuteAsync(Table, token), cancellation);
            return leases;
        }
        catch
        {
            await leases.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<LeaseAnswer> TakeAsync(string volume, string owner, TimeSpan duration, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        return AskAsync(
            volume, owner, duration, Take, cancellation, ("duration", duration), ("max", PredecessorsMax), ("left", FormerOwner.NameOfLeft(owner)));
    }

    /// <inheritdoc/>
    public ValueTask<LeaseAnswer> RenewAsync(string volume, string owner, long epoch, TimeSpan duration, CancellationToken cancellation = default) =>
        AskAsync(volume, owner, duration, Renew, cancellation, ("duration", duration), ("epoch", epoch));

    /// <inheritdoc/>
    public ValueTask<LeaseAnswer> ConfirmAsync(string volume, string owner, long epoch, string fenced, CancellationToken cancellation = default) =>
        AskAsync(volume, owner, TimeSpan.Zero, Confirm, cancellation, ("epoch", epoch), ("fenced", fenced));

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(string volume, string owner, long epoch, CancellationToken cancellation = default) =>
        _ = await RunAsync(
            volume,
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(
                    Release, ("volume", volume), ("owner", owner), ("epoch", epoch), ("max", PredecessorsMax), ("left", FormerOwner.NameOfLeft(owner)));
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    // A statement that answers with epoch and predecessors, or changes nothing.
    private async ValueTask<LeaseAnswer> AskAsync(
        string volume, string owner, TimeSpan left, string text, CancellationToken cancellation, params (string Name, object? Value)[] parameters) =>
        await RunAsync(
            volume,
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(text, [("volume", volume), ("owner", owner), .. parameters]);
                await using (DbDataReader granted = await command.ExecuteReaderAsync(token))
                {
                    if (await granted.ReadAsync(token))
                        return new LeaseAnswer(true, granted.GetInt64(0), owner, left, granted.GetFieldValue<string[]>(1));
                }

                await using DbCommand held = connection.Command(Held, ("volume", volume));
                await using DbDataReader row = await held.ExecuteReaderAsync(token);
                return await row.ReadAsync(token)
                    ? new LeaseAnswer(false, row.GetInt64(1), row.GetString(0), row.GetFieldValue<TimeSpan>(2), row.GetFieldValue<string[]>(3))
                    : new LeaseAnswer(false, 0, "", TimeSpan.Zero, []);
            },
            cancellation);

    private async Task<T> RunAsync<T>(string volume, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        try
        {
            await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellation);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);

            // Whatever the server or the role is set to.
            _ = await connection.ExecuteAsync("SET LOCAL synchronous_commit = on", cancellation);
            T answer = await work(connection, cancellation);
            await transaction.CommitAsync(cancellation);
            return answer;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException or IOException)
        {
            _source.Clear();
            throw new LeaseStoreException($"Lease of volume {volume} at {_name}: the database fails, and what it did is unknown; check that it runs ({e.Message.ReplaceLineEndings(" ")})", e);
        }
    }
}
