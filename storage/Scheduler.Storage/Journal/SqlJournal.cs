using System.Data.Common;
using System.Runtime.CompilerServices;

namespace Scheduler.Storage.Journal;

/// <summary>What SQLite's and PostgreSQL's journals have in common: the tables, the statements, and what they mean.</summary>
/// <remarks>
/// The tables, and what is written to them, are those of Akka.Persistence.Sql 1.5 in its default mapping: <c>created</c> in
/// .NET ticks (UTC), a <c>writer_uuid</c> for each start, an empty manifest rather than none, no rows in <c>tags</c> for
/// events without tags. Deleting marks rows and removes all marked ones but the newest, which keeps the number. So the rows of
/// a persistence id are without a gap at all times: its newest deleted one if there is one, then all that are not deleted.
/// </remarks>
public abstract class SqlJournal : IEventJournal
{
    /// <summary>How long a statement waits for a lock or for the server, in seconds.</summary>
    protected const int StatementSeconds = 10;

    // What is read at once, so that neither a transaction nor memory is held for as long as a reader takes.
    private const int PageRows = 256;
    private const long PageBytes = 8 << 20;

    private const string Highest = """
        SELECT max(number) FROM (
            SELECT max(sequence_number) AS number FROM journal WHERE persistence_id = @id
            UNION ALL SELECT max(sequence_number) FROM snapshot WHERE persistence_id = @id) AS numbers
        """;

    private const string Insert = """
        INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
        VALUES (@created, @deleted, @id, @number, @message, @manifest, @serializer, @writer)
        """;

    private const string Page = """
        SELECT sequence_number, deleted, manifest, identifier, message FROM journal
        WHERE persistence_id = @id AND sequence_number >= @from ORDER BY sequence_number LIMIT @rows
        """;

    private const string InsertSnapshot = """
        INSERT INTO snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id)
        VALUES (@id, @number, @created, @state, @manifest, @serializer)
        """;

    // One for each start: which process wrote a row, when two of them write.
    private readonly string _writerUuid = Guid.NewGuid().ToString("N");

    /// <summary>Its place.</summary>
    /// <param name="name">For messages.</param>
    protected SqlJournal(string name) => Name = name;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>How long a call may take as a whole; beyond it the journal counts as unavailable.</summary>
    protected static TimeSpan CallTime { get; } = TimeSpan.FromSeconds(3 * StatementSeconds);

    /// <inheritdoc/>
    public ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, CancellationToken cancellation = default) => AppendAsync(events, null, cancellation);

    /// <inheritdoc/>
    public ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, VolumeTerm term, CancellationToken cancellation = default) =>
        AppendAsync(events, (VolumeTerm?)term, cancellation);

    private async ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, VolumeTerm? term, CancellationToken cancellation)
    {
        Dictionary<string, long> first = JournalRules.CheckEvents(events);
        await WriteAsync(
            async (connection, token) =>
            {
                foreach ((string id, long number) in first)
                {
                    long highest = await HighestAsync(connection, id, token);
                    if (number != highest + 1)
                        throw JournalRules.Conflict(Name, id, number, highest);
                }

                long created = DateTime.UtcNow.Ticks;
                foreach (JournalEvent item in events)
                {
                    StoredEvent row = new(
                        item.PersistenceId, item.SequenceNumber, created, false, item.Manifest, item.SerializerId, _writerUuid, [], item.Message);
                    await InsertAsync(connection, row, "", token);
                }

                // Last: an insertion may wait for another writer, and meanwhile the owner has to be able to renew its lease.
                if (term is { } written && !await IsOnAsync(connection, written, token))
                    throw new VolumeTakenException($"volume {written.Volume} has been taken by another owner since epoch {written.Epoch}");
            },
            CallTime,
            cancellation);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalEvent> ReadAsync(
        string persistenceId, long from = 1, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        long expected = from;
        while (true)
        {
            long start = expected;
            List<(long Number, JournalEvent? Event)> page = [];
            await ReadAsync((connection, token) => ReadPageAsync(connection, persistenceId, start, page, token), CallTime, cancellation);
            if (page.Count == 0)
                yield break;
            foreach ((long number, JournalEvent? item) in page)
            {
                // What was deleted before the newest deleted row is gone, and rightly so.
                if (item != null && number != expected)
                    throw JournalRules.Gap(Name, persistenceId, expected, number);
                expected = number + 1;
                if (item != null)
                    yield return item;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<long> HighestAsync(string persistenceId, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        long highest = 0;
        await ReadAsync(async (connection, token) => highest = await HighestAsync(connection, persistenceId, token), CallTime, cancellation);
        return highest;
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string persistenceId, long to, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        await WriteAsync(
            async (connection, token) =>
            {
                await using DbCommand mark = connection.Command(
                    "UPDATE journal SET deleted = @deleted WHERE persistence_id = @id AND sequence_number <= @to",
                    ("deleted", true),
                    ("id", persistenceId),
                    ("to", to));
                _ = await mark.ExecuteNonQueryAsync(token);
                await using DbCommand newest = connection.Command(
                    "SELECT max(sequence_number) FROM journal WHERE persistence_id = @id AND deleted = @deleted",
                    ("id", persistenceId),
                    ("deleted", true));
                await using DbCommand remove = connection.Command(
                    "DELETE FROM journal WHERE persistence_id = @id AND sequence_number < @kept AND deleted = @deleted",
                    ("id", persistenceId),
                    ("kept", await newest.NumberAsync(token) ?? 0),
                    ("deleted", true));
                _ = await remove.ExecuteNonQueryAsync(token);
                await using DbCommand tags = connection.Command(
                    "DELETE FROM tags WHERE persistence_id = @id AND sequence_nr <= @to", ("id", persistenceId), ("to", to));
                _ = await tags.ExecuteNonQueryAsync(token);
            },
            CallTime,
            cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellation = default)
    {
        JournalRules.CheckSnapshot(snapshot);
        StoredSnapshot row = new(
            snapshot.PersistenceId, snapshot.SequenceNumber, DateTime.UtcNow.Ticks, snapshot.Manifest, snapshot.SerializerId, snapshot.State);
        const string Over = """
             ON CONFLICT (persistence_id, sequence_number) DO UPDATE SET
            created = excluded.created, snapshot = excluded.snapshot, manifest = excluded.manifest, serializer_id = excluded.serializer_id
            """;
        await WriteAsync((connection, token) => InsertAsync(connection, row, Over, token), CallTime, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<JournalSnapshot?> LoadSnapshotAsync(string persistenceId, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        JournalSnapshot? snapshot = null;
        await ReadAsync(
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(
                    """
                    SELECT sequence_number, manifest, serializer_id, snapshot FROM snapshot
                    WHERE persistence_id = @id ORDER BY sequence_number DESC LIMIT 1
                    """,
                    ("id", persistenceId));
                await using DbDataReader reader = await command.ExecuteReaderAsync(token);
                if (!await reader.ReadAsync(token))
                    return;
                long number = reader.GetInt64(0);
                if (reader.IsDBNull(2) || reader.IsDBNull(3))
                    throw new JournalDamagedException($"Journal {Name}: snapshot {number} of {persistenceId} has no state or no serializer id");
                snapshot = new(persistenceId, number, reader.TextOrNull(1) ?? "", reader.GetInt32(2), reader.GetFieldValue<byte[]>(3));
            },
            CallTime,
            cancellation);
        return snapshot;
    }

    /// <inheritdoc/>
    public async ValueTask DeleteSnapshotsAsync(string persistenceId, long to, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        await WriteAsync(
            async (connection, token) =>
            {
                await using DbCommand command = connection.Command(
                    "DELETE FROM snapshot WHERE persistence_id = @id AND sequence_number <= @to", ("id", persistenceId), ("to", to));
                _ = await command.ExecuteNonQueryAsync(token);
            },
            CallTime,
            cancellation);
    }

    /// <summary>All that the journal holds, as of one moment: events in the order in which they were written, then snapshots.</summary>
    /// <param name="onEvent">Takes an event.</param>
    /// <param name="onSnapshot">Takes a snapshot.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    /// <exception cref="JournalDamagedException">The database can't read its own file.</exception>
    public ValueTask ReadAllAsync(
        Func<StoredEvent, ValueTask> onEvent, Func<StoredSnapshot, ValueTask> onSnapshot, CancellationToken cancellation = default) =>
        ReadAsync(
            async (connection, token) =>
            {
                Dictionary<long, List<string>> tags = await TagsAsync(connection, token);
                await using (DbCommand command = connection.Command(
                    """
                    SELECT ordering, persistence_id, sequence_number, created, deleted, manifest, identifier, writer_uuid, message
                    FROM journal ORDER BY ordering
                    """))
                await using (DbDataReader reader = await command.ExecuteReaderAsync(token))
                {
                    while (await reader.ReadAsync(token))
                    {
                        await onEvent(new StoredEvent(
                            reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetBoolean(4), reader.TextOrNull(5),
                            reader.NumberOrNull(6), reader.TextOrNull(7), tags.GetValueOrDefault(reader.GetInt64(0)) ?? [],
                            reader.GetFieldValue<byte[]>(8)));
                    }
                }

                await using DbCommand snapshots = connection.Command(
                    """
                    SELECT persistence_id, sequence_number, created, manifest, serializer_id, snapshot
                    FROM snapshot ORDER BY persistence_id, sequence_number
                    """);
                await using DbDataReader snapshot = await snapshots.ExecuteReaderAsync(token);
                while (await snapshot.ReadAsync(token))
                {
                    await onSnapshot(new StoredSnapshot(
                        snapshot.GetString(0), snapshot.GetInt64(1), snapshot.GetInt64(2), snapshot.TextOrNull(3),
                        snapshot.NumberOrNull(4), snapshot.IsDBNull(5) ? null : snapshot.GetFieldValue<byte[]>(5)));
                }
            },
            Timeout.InfiniteTimeSpan,
            cancellation);

    /// <summary>Fills an empty journal, with all or nothing, durably.</summary>
    /// <param name="fill">Calls its two arguments for each event, in the order in which they were written, and each snapshot.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>False if the journal is not empty: nothing was called or written then.</returns>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    public async ValueTask<bool> FillAsync(
        Func<Func<StoredEvent, Task>, Func<StoredSnapshot, Task>, Task> fill, CancellationToken cancellation = default)
    {
        bool empty = false;
        await WriteAsync(
            async (connection, token) =>
            {
                await using DbCommand any = connection.Command(
                    "SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM snapshot) + (SELECT count(*) FROM tags)");
                empty = await any.NumberAsync(token) == 0;
                if (empty)
                    await fill(item => InsertTaggedAsync(connection, item, token), snapshot => InsertAsync(connection, snapshot, "", token));
            },
            Timeout.InfiniteTimeSpan,
            cancellation);
        return empty;
    }

    /// <summary>Has the database look over what it holds.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What is wrong, in the database's words; nothing if all is well.</returns>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    public abstract ValueTask<IReadOnlyList<string>> CheckDatabaseAsync(CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Runs statements in a transaction that is durable when this returns. Other exceptions than the journal's undo it.</summary>
    /// <param name="work">The statements.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    protected abstract ValueTask WriteAsync(Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation);

    /// <summary>Runs statements that see one state of the database.</summary>
    /// <param name="work">The statements.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellation">Gives up.</param>
    protected abstract ValueTask ReadAsync(Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation);

    /// <summary>Whether a volume's owner still is who it was; if so, nobody takes it before the transaction has ended.</summary>
    /// <param name="connection">In the transaction.</param>
    /// <param name="term">The owner's.</param>
    /// <param name="cancellation">Gives up.</param>
    private protected virtual Task<bool> IsOnAsync(DbConnection connection, VolumeTerm term, CancellationToken cancellation) =>
        throw new NotSupportedException($"Journal {Name} has no leases in its database");

    /// <summary>Whether a statement failed because a row with that key is there.</summary>
    /// <param name="e">What the database said.</param>
    private protected abstract bool IsDuplicate(DbException e);

    private static async Task<long> HighestAsync(DbConnection connection, string persistenceId, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(Highest, ("id", persistenceId));
        return await command.NumberAsync(cancellation) ?? 0;
    }

    private async Task ReadPageAsync(
        DbConnection connection, string persistenceId, long from, List<(long Number, JournalEvent? Event)> page, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(Page, ("id", persistenceId), ("from", from), ("rows", PageRows));
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellation);
        long bytes = 0;
        while (bytes < PageBytes && await reader.ReadAsync(cancellation))
        {
            long number = reader.GetInt64(0);
            if (reader.GetBoolean(1))
            {
                page.Add((number, null));
                continue;
            }

            if (reader.IsDBNull(3))
                throw new JournalDamagedException($"Journal {Name}: event {number} of {persistenceId} has no serializer id");
            byte[] message = reader.GetFieldValue<byte[]>(4);
            page.Add((number, new JournalEvent(persistenceId, number, reader.TextOrNull(2) ?? "", reader.GetInt32(3), message)));
            bytes += message.Length;
        }
    }

    private static async Task<Dictionary<long, List<string>>> TagsAsync(DbConnection connection, CancellationToken cancellation)
    {
        Dictionary<long, List<string>> tags = [];
        await using DbCommand command = connection.Command("SELECT ordering_id, tag FROM tags ORDER BY ordering_id, tag");
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            if (!tags.TryGetValue(reader.GetInt64(0), out List<string>? ofEvent))
                tags.Add(reader.GetInt64(0), ofEvent = []);
            ofEvent.Add(reader.GetString(1));
        }

        return tags;
    }

    private async Task InsertTaggedAsync(DbConnection connection, StoredEvent row, CancellationToken cancellation)
    {
        long ordering = await InsertAsync(connection, row, " RETURNING ordering", cancellation);
        foreach (string tag in row.Tags)
        {
            await using DbCommand command = connection.Command(
                "INSERT INTO tags (ordering_id, tag, sequence_nr, persistence_id) VALUES (@ordering, @tag, @number, @id)",
                ("ordering", ordering),
                ("tag", tag),
                ("number", row.SequenceNumber),
                ("id", row.PersistenceId));
            _ = await command.ExecuteNonQueryAsync(cancellation);
        }
    }

    private async Task<long> InsertAsync(DbConnection connection, StoredEvent row, string tail, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(
            Insert + tail,
            ("created", row.Created),
            ("deleted", row.Deleted),
            ("id", row.PersistenceId),
            ("number", row.SequenceNumber),
            ("message", SqlCommands.Bytes(row.Message)),
            ("manifest", row.Manifest),
            ("serializer", row.SerializerId),
            ("writer", row.WriterUuid));
        try
        {
            return await command.NumberAsync(cancellation) ?? 0;
        }
        catch (DbException e) when (IsDuplicate(e))
        {
            throw JournalRules.Conflict(Name, row.PersistenceId, row.SequenceNumber, null, e);
        }
    }

    private static async Task InsertAsync(DbConnection connection, StoredSnapshot row, string tail, CancellationToken cancellation)
    {
        await using DbCommand command = connection.Command(
            InsertSnapshot + tail,
            ("id", row.PersistenceId),
            ("number", row.SequenceNumber),
            ("created", row.Created),
            ("state", row.State is ReadOnlyMemory<byte> state ? SqlCommands.Bytes(state) : null),
            ("manifest", row.Manifest),
            ("serializer", row.SerializerId));
        _ = await command.ExecuteNonQueryAsync(cancellation);
    }
}
