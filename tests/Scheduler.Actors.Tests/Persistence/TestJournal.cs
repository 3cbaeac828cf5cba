using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>A journal in memory that waits and fails when it is told to, and shows what was written.</summary>
internal sealed class TestJournal : IEventJournal
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly MemoryJournal _journal = new();
    private readonly Lock _lock = new();
    private readonly List<JournalEvent> _events = [];
    private JournalSnapshot? _snapshot;

    public string Name => _journal.Name;

    /// <summary>Fails the next append; with true after it was done.</summary>
    public bool? FailNext { get; set; }

    /// <summary>No event is written, and none is found.</summary>
    public bool Broken { get; set; }

    /// <summary>Appends wait for this.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>All that were appended.</summary>
    public IReadOnlyList<JournalEvent> Events
    {
        get
        {
            lock (_lock)
                return [.. _events];
        }
    }

    /// <summary>The one that was saved last.</summary>
    public JournalSnapshot? Snapshot
    {
        get
        {
            lock (_lock)
                return _snapshot;
        }
    }

    /// <summary>Waits until a snapshot is saved.</summary>
    /// <param name="sequenceNumber">Its number; that of the newest one.</param>
    public async Task SavedAsync(long sequenceNumber)
    {
        for (DateTime end = DateTime.UtcNow + s_patience; Snapshot?.SequenceNumber != sequenceNumber; await Task.Delay(5))
            Assert.True(DateTime.UtcNow < end, $"snapshot {sequenceNumber} was not saved within {s_patience}");
    }

    public async ValueTask AppendAsync(IReadOnlyList<JournalEvent> events, CancellationToken cancellation = default)
    {
        if (Gate is { } gate)
            await gate.Task;
        bool? fail;
        lock (_lock)
        {
            fail = FailNext;
            FailNext = null;
        }

        if (fail == false || Broken)
            throw new JournalUnavailableException("planted: not written");
        await _journal.AppendAsync(events, cancellation);
        lock (_lock)
            _events.AddRange(events);
        if (fail == true)
            throw new JournalUnavailableException("planted: written, and then the connection broke");
    }

    public IAsyncEnumerable<JournalEvent> ReadAsync(string persistenceId, long from = 1, CancellationToken cancellation = default) =>
        _journal.ReadAsync(persistenceId, from, cancellation);

    public ValueTask<long> HighestAsync(string persistenceId, CancellationToken cancellation = default) =>
        Broken ? throw new JournalUnavailableException("planted: broken") : _journal.HighestAsync(persistenceId, cancellation);

    public ValueTask DeleteAsync(string persistenceId, long to, CancellationToken cancellation = default) => _journal.DeleteAsync(persistenceId, to, cancellation);

    public async ValueTask SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellation = default)
    {
        await _journal.SaveSnapshotAsync(snapshot, cancellation);
        lock (_lock)
            _snapshot = snapshot;
    }

    public ValueTask<JournalSnapshot?> LoadSnapshotAsync(string persistenceId, CancellationToken cancellation = default) =>
        _journal.LoadSnapshotAsync(persistenceId, cancellation);

    public ValueTask DeleteSnapshotsAsync(string persistenceId, long to, CancellationToken cancellation = default) =>
        _journal.DeleteSnapshotsAsync(persistenceId, to, cancellation);

    public ValueTask DisposeAsync() => _journal.DisposeAsync();
}
