namespace Scheduler.Storage.Journal;

/// <summary>
/// Where persistent actors keep their events and snapshots: SQLite, PostgreSQL, or memory for tests. Calls may come from
/// any thread; those for one persistence id come one after the other.
/// </summary>
/// <remarks>
/// The tables are those of Akka.Persistence.Sql 1.5 in its default mapping, so that a journal begun by one engine is
/// continued by another. Every method throws <see cref="JournalUnavailableException"/> if the database can't be reached or
/// fails; what an append did is then unknown, and its writer recovers before it writes again.
/// </remarks>
public interface IEventJournal : IAsyncDisposable
{
    /// <summary>What the journal is, for logs: a path, or a host and database without credentials.</summary>
    string Name { get; }

    /// <summary>Appends events, all or none, and returns when they are durable.</summary>
    /// <param name="events">At least one; per persistence id numbers that follow each other without a gap.</param>
    /// <param name="cancellation">Gives up waiting; the outcome is then unknown.</param>
    /// <exception cref="SequenceConflictException">A number is not one above the highest there: somebody else writes too.</exception>
    ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, CancellationToken cancellation = default);

    /// <summary>As <see cref="AppendAsync(IReadOnlyList{JournalEvent}, CancellationToken)"/>, but only while a volume has the owner that
    /// writes (S5). If another takes the volume at the same time, either nothing is appended, or that one finds it once it has the lease.</summary>
    /// <param name="events">As there.</param>
    /// <param name="term">The lease under which they are written.</param>
    /// <param name="cancellation">As there.</param>
    /// <exception cref="SequenceConflictException">As there.</exception>
    /// <exception cref="VolumeTakenException">Another has taken the volume.</exception>
    /// <exception cref="NotSupportedException">Leases are not in this journal's database.</exception>
    ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, VolumeTerm term, CancellationToken cancellation = default) =>
        throw new NotSupportedException($"Journal {Name} has no leases in its database");

    /// <summary>The events of one persistence id in order, without deleted ones.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="from">Lowest sequence number, at least 1.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JournalDamagedException">There is a gap between them.</exception>
    IAsyncEnumerable<JournalEvent> ReadAsync(string persistenceId, long from = 1, CancellationToken cancellation = default);

    /// <summary>The highest sequence number ever used, also of deleted events and of snapshots; 0 if there is none.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<long> HighestAsync(string persistenceId, CancellationToken cancellation = default);

    /// <summary>Deletes events up to and with a sequence number. The newest of all is kept, marked as deleted.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="to">Highest sequence number to delete.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask DeleteAsync(string persistenceId, long to, CancellationToken cancellation = default);

    /// <summary>Saves a snapshot, over one with the same number.</summary>
    /// <param name="snapshot">The state after the event with its sequence number.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellation = default);

    /// <summary>The newest snapshot; null if there is none.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<JournalSnapshot?> LoadSnapshotAsync(string persistenceId, CancellationToken cancellation = default);

    /// <summary>Deletes the snapshots up to and with a sequence number.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="to">Highest sequence number to delete.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask DeleteSnapshotsAsync(string persistenceId, long to, CancellationToken cancellation = default);
}
