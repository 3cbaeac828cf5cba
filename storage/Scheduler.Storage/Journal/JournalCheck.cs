namespace Scheduler.Storage.Journal;

/// <summary>What a look over a whole journal found.</summary>
/// <param name="Events">Events, without deleted ones.</param>
/// <param name="Snapshots">Snapshots.</param>
/// <param name="PersistenceIds">Whose they are: how many.</param>
/// <param name="Problems">What is wrong, one line each; at most <see cref="JournalCheck.ProblemsMax"/>.</param>
public sealed record JournalFindings(long Events, long Snapshots, int PersistenceIds, IReadOnlyList<string> Problems);

/// <summary>Looks over a whole journal: the database's own check, and that each persistence id's events follow each other.</summary>
public static class JournalCheck
{
    /// <summary>Most problems that are listed.</summary>
    public const int ProblemsMax = 100;

    /// <summary>Looks.</summary>
    /// <param name="journal">The journal; it may be in use.</param>
    /// <param name="problemOf">Says what is wrong with an event or a snapshot, by its manifest, serializer and content, such as that
    /// nobody knows its manifest; null: nothing.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    /// <exception cref="JournalDamagedException">It is too corrupt to be looked over.</exception>
    public static async Task<JournalFindings> RunAsync(
        SqlJournal journal, Func<string?, int, ReadOnlyMemory<byte>, string?>? problemOf = null, CancellationToken cancellation = default)
    {
        List<string> problems = [.. (await journal.CheckDatabaseAsync(cancellation)).Take(ProblemsMax)];
        void Add(string problem)
        {
            if (problems.Count < ProblemsMax)
                problems.Add(problem);
        }

        Dictionary<string, List<(long Number, bool Deleted)>> numbers = [];
        HashSet<string> ids = [];
        long events = 0;
        long snapshots = 0;
        await journal.ReadAllAsync(
            item =>
            {
                _ = ids.Add(item.PersistenceId);
                if (!numbers.TryGetValue(item.PersistenceId, out List<(long, bool)>? own))
                    numbers.Add(item.PersistenceId, own = []);
                own.Add((item.SequenceNumber, item.Deleted));
                events += item.Deleted ? 0 : 1;
                if (!item.Deleted && item.SerializerId == null)
                    Add($"{item.PersistenceId}: event {item.SequenceNumber} has no serializer id");
                if (!item.Deleted && item.SerializerId is int serializer && problemOf?.Invoke(item.Manifest, serializer, item.Message) is string problem)
                    Add($"{item.PersistenceId}: event {item.SequenceNumber}: {problem}");
                return ValueTask.CompletedTask;
            },
            snapshot =>
            {
                _ = ids.Add(snapshot.PersistenceId);
                snapshots++;
                if (snapshot.State == null || snapshot.SerializerId == null)
                    Add($"{snapshot.PersistenceId}: snapshot {snapshot.SequenceNumber} has no state or no serializer id");
                else if (problemOf?.Invoke(snapshot.Manifest, snapshot.SerializerId.Value, snapshot.State.Value) is string problem)
                    Add($"{snapshot.PersistenceId}: snapshot {snapshot.SequenceNumber}: {problem}");
                return ValueTask.CompletedTask;
            },
            cancellation);
        foreach ((string id, List<(long Number, bool Deleted)> own) in numbers)
            CheckNumbers(id, own, Add);
        return new JournalFindings(events, snapshots, ids.Count, problems);
    }

    private static void CheckNumbers(string id, List<(long Number, bool Deleted)> own, Action<string> add)
    {
        own.Sort();
        long expected = 1;
        bool live = false;
        foreach ((long number, bool deleted) in own)
        {
            if (number < expected)
                add($"{id}: event {number} is there more than once, or below 1");
            else if (number > expected && (live || !deleted))
                add($"{id}: event {expected} is missing, the next one is {number}");
            if (deleted && live)
                add($"{id}: event {number} is deleted, though one before it is not");
            live |= !deleted;
            expected = Math.Max(expected, number + 1);
        }
    }
}
