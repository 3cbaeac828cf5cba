namespace Scheduler.Storage.Journal;

/// <summary>What every journal asks of its callers: the bounds of <see cref="JournalEvent"/> and <see cref="JournalSnapshot"/>.</summary>
internal static class JournalRules
{
    private const int PersistenceIdLengthMax = 255;
    private const int ManifestLengthMax = 500; // the column's, in Akka.Persistence.Sql's mapping
    private const int MessageBytesMax = 1 << 20;
    private const int StateBytesMax = 64 << 20;

    /// <summary>Checks what is to be appended.</summary>
    /// <returns>For each persistence id in it, its first number.</returns>
    /// <exception cref="ArgumentException">It is empty, out of bounds, or not a run of numbers for each persistence id.</exception>
    public static Dictionary<string, long> CheckEvents(IReadOnlyList<JournalEvent> events)
    {
        if (events.Count == 0)
            throw new ArgumentException("There is no event to append.", nameof(events));
        Dictionary<string, long> first = [];
        Dictionary<string, long> next = [];
        foreach (JournalEvent item in events)
        {
            CheckId(item.PersistenceId);
            CheckNumber(item.SequenceNumber, item.PersistenceId);
            CheckManifest(item.Manifest, item.PersistenceId);
            if (item.Message.Length > MessageBytesMax)
                throw new ArgumentException($"Event {item.SequenceNumber} of {item.PersistenceId} has {item.Message.Length} bytes; {MessageBytesMax} are allowed.", nameof(events));
            if (next.TryGetValue(item.PersistenceId, out long expected) && item.SequenceNumber != expected)
                throw new ArgumentException($"Event {item.SequenceNumber} of {item.PersistenceId} comes where {expected} should.", nameof(events));
            _ = first.TryAdd(item.PersistenceId, item.SequenceNumber);
            next[item.PersistenceId] = item.SequenceNumber + 1;
        }

        return first;
    }

    /// <summary>Checks what is to be saved.</summary>
    /// <exception cref="ArgumentException">It is out of bounds.</exception>
    public static void CheckSnapshot(JournalSnapshot snapshot)
    {
        CheckId(snapshot.PersistenceId);
        CheckNumber(snapshot.SequenceNumber, snapshot.PersistenceId);
        CheckManifest(snapshot.Manifest, snapshot.PersistenceId);
        if (snapshot.State.Length > StateBytesMax)
            throw new ArgumentException($"The snapshot of {snapshot.PersistenceId} has {snapshot.State.Length} bytes; {StateBytesMax} are allowed.", nameof(snapshot));
    }

    /// <summary>Checks whose events are meant.</summary>
    /// <exception cref="ArgumentException">It is empty, too long, or holds a NUL, which PostgreSQL can't keep.</exception>
    public static void CheckId(string persistenceId)
    {
        if (persistenceId.Length is 0 or > PersistenceIdLengthMax || persistenceId.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"The persistence id '{persistenceId}' has not 1 to {PersistenceIdLengthMax} characters without NUL.", nameof(persistenceId));
    }

    /// <summary>What a refused writer is told.</summary>
    public static SequenceConflictException Conflict(string journal, string persistenceId, long number, long? highest, Exception? inner = null) =>
        new(
            $"Journal {journal}: event {number} of {persistenceId} is not appended, "
            + (highest is long there ? $"the highest there is {there}" : "that number was taken meanwhile")
            + "; somebody else writes too, or this writer has to recover first",
            inner);

    /// <summary>What a reader is told of missing events.</summary>
    public static JournalDamagedException Gap(string journal, string persistenceId, long expected, long found) =>
        new($"Journal {journal}: of {persistenceId}, event {expected} is missing, the next one is {found}; restore the journal from a backup");

    private static void CheckNumber(long number, string persistenceId) =>
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1, $"the sequence number of {persistenceId}");

    private static void CheckManifest(string manifest, string persistenceId)
    {
        if (manifest.Length > ManifestLengthMax || manifest.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"The manifest '{manifest}' of {persistenceId} has more than {ManifestLengthMax} characters, or a NUL.", nameof(manifest));
    }
}
