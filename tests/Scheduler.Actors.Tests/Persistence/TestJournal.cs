using System.Runtime.CompilerServices;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>A journal in memory that fails when it is told to.</summary>
internal sealed class TestJournal : IEventJournal
{
    private readonly Lock _lock = new();
    private readonly List<JournalEvent> _events = [];
    private JournalSnapshot? _snapshot;

    public string Name => "memory";

    /// <summary>Fails the next append; with true after it was done.</summary>
    public bool? FailNext { get; set; }

    /// <summary>Appends wait for this.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public IReadOnlyList<JournalEvent> Events
    {
        get
        {
            lock (_lock)
                return [.. _events];
        }
    }

    public JournalSnapshot? Snapshot
    {
        get
        {
            lock (_lock)
                return _snapshot;
        }
    }

    public async ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, CancellationToken cancellation = default)
    {
        if (Gate is { } gate)
            await gate.Task;
        lock (_lock)
        {
            bool? fail = FailNext;
            FailNext = null;
            if (fail == false)
                throw new JournalUnavailableException("planted: not written");
            foreach (JournalEvent stored in events)
            {
                if (stored.SequenceNumber != Highest(stored.PersistenceId) + 1)
                    throw new SequenceConflictException($"{stored.PersistenceId} {stored.SequenceNumber}");
                _events.Add(stored);
            }

            if (fail == true)
                throw new JournalUnavailableException("planted: written, and then the connection broke");
        }
    }

    public async IAsyncEnumerable<JournalEvent> ReadAsync(
        string persistenceId, long from = 1, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await Task.Yield();
        foreach (JournalEvent stored in Events.Where(stored => stored.PersistenceId == persistenceId && stored.SequenceNumber >= from))
            yield return stored;
    }

    public ValueTask<long> HighestAsync(string persistenceId, CancellationToken cancellation = default)
    {
        lock (_lock)
            return ValueTask.FromResult(Highest(persistenceId));
    }

    public ValueTask DeleteAsync(string persistenceId, long to, CancellationToken cancellation = default) => throw new NotSupportedException();

    public ValueTask SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellation = default)
    {
        lock (_lock)
            _snapshot = snapshot;
        return ValueTask.CompletedTask;
    }

    public ValueTask<JournalSnapshot?> LoadSnapshotAsync(string persistenceId, CancellationToken cancellation = default) =>
        ValueTask.FromResult(Snapshot);

    public ValueTask DeleteSnapshotsAsync(string persistenceId, long to, CancellationToken cancellation = default) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private long Highest(string persistenceId) =>
        _events.LastOrDefault(stored => stored.PersistenceId == persistenceId)?.SequenceNumber ?? 0;
}
