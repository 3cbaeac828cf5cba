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
            expires timestamptz NOT NULL
        );
        """;

    private const string Take = """
        INSERT INTO volume_lease AS lease (volume, owner, epoch, expires) VALUES (@volume, @owner, 1, clock_timestamp() + @duration)
        ON CONFLICT (volume) DO UPDATE SET owner = @owner, epoch = lease.epoch + 1, expires = clock_timestamp() + @duration
        WHERE lease.expires <= clock_timestamp()
        RETURNING epoch
        """;

    private const string Renew = """
        UPDATE volume_lease SET expires = clock_timestamp() + @duration
        WHERE volume = @volume AND owner = @owner AND epoch = @epoch AND expires > clock_timestamp()
        RETURNING epoch
        """;

    private const string Release = """
        UPDATE volume_lease SET expires = clock_timestamp() WHERE volume = @volume AND owner = @owner AND epoch = @epoch
        """;

    private const string Held = """
        SELECT owner, epoch, greatest(expires - clock_timestamp(), interval '0') FROM volume_lease WHERE volume = @volume
        """;

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
    public ValueTask<LeaseAnswer> TakeAsync(string volume, string owner, TimeSpan duration, CancellationToken cancellation = default) =>
        AskAsync(volume, Take, owner, cancellation, ("volume", volume), ("owner", owner), ("duration", duration));

    /// <inheritdoc/>
    public ValueTask<LeaseAnswer> RenewAsync(string volume, string owner, long epoch, TimeSpan duration, CancellationToken cancellation = default) =>
        AskAsync(volume, Renew, owner, cancellation, ("volume", volume), ("owner", owner), ("epoch", epoch), ("duration", duration));

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(string volume, string owner, long epoch, CancellationToken cancellation = default) =>
        _ = await RunAsync(
            volume,
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(Release, ("volume", volume), ("owner", owner), ("epoch", epoch));
                return await command.ExecuteNonQueryAsync(token);
            },
            cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async ValueTask<LeaseAnswer> AskAsync(
        string volume, string text, string owner, CancellationToken cancellation, params (string Name, object? Value)[] parameters) =>
        await RunAsync(
            volume,
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(text, parameters);
                if (await command.NumberAsync(token) is long epoch)
                    return new LeaseAnswer(true, epoch, owner, (TimeSpan)parameters[^1].Value!);
                await using DbCommand held = connection.Command(Held, ("volume", volume));
                await using DbDataReader row = await held.ExecuteReaderAsync(token);
                return await row.ReadAsync(token)
                    ? new LeaseAnswer(false, row.GetInt64(1), row.GetString(0), row.GetFieldValue<TimeSpan>(2))
                    : new LeaseAnswer(false, 0, "", TimeSpan.Zero);
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
