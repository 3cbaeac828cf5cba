using System.Runtime.CompilerServices;

namespace Scheduler.Storage.Journal;

/// <summary>A journal that lasts as long as its process, for tests and simulations. Every call is complete when it returns.</summary>
public sealed class MemoryJournal : IEventJournal
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, History> _histories = [];

    /// <inheritdoc/>
    public string Name => "memory";

    /// <inheritdoc/>
    public ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, CancellationToken cancellation = default)
    {
        try
        {
            Dictionary<string, long> first = JournalRules.CheckEvents(events);
            cancellation.ThrowIfCancellationRequested();
            Append(events, first);
            return ValueTask.CompletedTask;
        }
        catch (Exception e) when (e is ArgumentException or SequenceConflictException or OperationCanceledException)
        {
            // With the task, as from a journal that waits.
            return ValueTask.FromException(e);
        }
    }

    /// <inheritdoc/>
#pragma warning disable CS1998 // An enumeration that never waits.
    public async IAsyncEnumerable<JournalEvent> ReadAsync(
        string persistenceId, long from = 1, [EnumeratorCancellation] CancellationToken cancellation = default)
#pragma warning restore CS1998
    {
        JournalRules.CheckId(persistenceId);
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        JournalEvent[] events;
        long expected;
        lock (_lock)
        {
            History history = Of(persistenceId);
            events = [.. history.Events.Values.Where(item => item.SequenceNumber >= from)];
            expected = Math.Max(from, history.Deleted + 1);
        }

        foreach (JournalEvent item in events)
        {
            cancellation.ThrowIfCancellationRequested();
            if (item.SequenceNumber != expected++)
                throw JournalRules.Gap(Name, persistenceId, expected - 1, item.SequenceNumber);
            yield return item;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> HighestAsync(string persistenceId, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        lock (_lock)
            return ValueTask.FromResult(Of(persistenceId).Highest);
    }

    /// <inheritdoc/>
    public ValueTask DeleteAsync(string persistenceId, long to, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        lock (_lock)
        {
            History history = Of(persistenceId);
            foreach (long number in history.Events.Keys.Where(number => number <= to).ToArray())
            {
                _ = history.Events.Remove(number);
                history.Deleted = number;
            }

            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public ValueTask SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellation = default)
    {
        JournalRules.CheckSnapshot(snapshot);
        lock (_lock)
            Of(snapshot.PersistenceId).Snapshots[snapshot.SequenceNumber] = snapshot with { State = snapshot.State.ToArray() };
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<JournalSnapshot?> LoadSnapshotAsync(string persistenceId, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        lock (_lock)
            return ValueTask.FromResult<JournalSnapshot?>(Of(persistenceId).Snapshots.LastOrDefault().Value);
    }

    /// <inheritdoc/>
    public ValueTask DeleteSnapshotsAsync(string persistenceId, long to, CancellationToken cancellation = default)
    {
        JournalRules.CheckId(persistenceId);
        lock (_lock)
        {
            History history = Of(persistenceId);
            foreach (long number in history.Snapshots.Keys.Where(number => number <= to).ToArray())
                _ = history.Snapshots.Remove(number);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Nothing to do: what it holds stays readable.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Append(IReadOnlyList<JournalEvent> events, Dictionary<string, long> first)
    {
        lock (_lock)
        {
            foreach ((string id, long number) in first)
            {
                if (number != Of(id).Highest + 1)
                    throw JournalRules.Conflict(Name, id, number, Of(id).Highest);
            }

            foreach (JournalEvent item in events)
                Of(item.PersistenceId).Events.Add(item.SequenceNumber, item with { Message = item.Message.ToArray() });
        }
    }

    private History Of(string persistenceId)
    {
        if (!_histories.TryGetValue(persistenceId, out History? history))
            _histories.Add(persistenceId, history = new History());
        return history;
    }

    private sealed class History
    {
        public SortedList<long, JournalEvent> Events { get; } = [];

        public SortedList<long, JournalSnapshot> Snapshots { get; } = [];

        // The highest number of a deleted event: what the databases keep in a row that is marked.
        public long Deleted { get; set; }

        public long Highest => Math.Max(Deleted, Math.Max(Events.Keys.LastOrDefault(), Snapshots.Keys.LastOrDefault()));
    }
}
