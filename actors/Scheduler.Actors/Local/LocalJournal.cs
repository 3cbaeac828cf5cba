using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Local;

/// <summary>A journal for the local engine: each call runs on the thread pool, never on the caller's loop.</summary>
/// <param name="journal">The journal; disposed by its owner, after the actors have stopped.</param>
public sealed class LocalJournal(IEventJournal journal) : IJournalCalls
{
    private const int EventsPerPage = 256;

    private readonly Dictionary<string, Task> _last = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Open(string persistenceId, ActorRef actor) => Call(persistenceId, actor, async () =>
    {
        JournalSnapshot? snapshot = await journal.LoadSnapshotAsync(persistenceId).ConfigureAwait(false);
        return new JournalOpened(snapshot, await journal.HighestAsync(persistenceId).ConfigureAwait(false));
    });

    /// <inheritdoc/>
    public void Read(string persistenceId, long from, ActorRef actor) => Call(persistenceId, actor, async () =>
    {
        List<JournalEvent> events = [];
        await foreach (JournalEvent stored in journal.ReadAsync(persistenceId, from).ConfigureAwait(false))
        {
            events.Add(stored);
            if (events.Count == EventsPerPage)
                break;
        }

        return new JournalPage(events);
    });

    /// <inheritdoc/>
    public void Append(IReadOnlyList<JournalEvent> events, ActorRef actor) => Call(events[0].PersistenceId, actor, async () =>
    {
        await journal.AppendAsync(events).ConfigureAwait(false);
        return JournalAppended.Instance;
    });

    /// <inheritdoc/>
    public void Save(JournalSnapshot snapshot, ActorRef actor) => Enqueue(snapshot.PersistenceId, async () =>
    {
        object answer;
        try
        {
            await journal.SaveSnapshotAsync(snapshot).ConfigureAwait(false);
            await journal.DeleteSnapshotsAsync(snapshot.PersistenceId, snapshot.SequenceNumber - 1).ConfigureAwait(false);
            answer = new SaveSnapshotSuccess(snapshot.SequenceNumber);
        }
#pragma warning disable CA1031 // Whatever goes wrong is the answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer = new SaveSnapshotFailure(snapshot.SequenceNumber, exception.Message);
        }

        actor.Tell(answer);
    });

    private void Call(string persistenceId, ActorRef actor, Func<Task<object>> call) => Enqueue(persistenceId, async () =>
    {
        object answer;
        try
        {
            answer = await call().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever goes wrong is the answer: the actor stops with it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer = new JournalFailed(exception);
        }

        actor.Tell(answer);
    });

    // The calls for one persistence id, of all its incarnations, come one after the other.
    private void Enqueue(string persistenceId, Func<Task> call)
    {
        lock (_last)
        {
            Task before = _last.GetValueOrDefault(persistenceId, Task.CompletedTask);
            _last[persistenceId] = before.ContinueWith(
                _ => call(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
        }
    }
}
