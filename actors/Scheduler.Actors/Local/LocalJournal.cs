using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Local;

/// <summary>A journal for the local engine: each call runs on the thread pool, never on the caller's loop.</summary>
/// <param name="journal">The journal; disposed by its owner, after the actors have stopped.</param>
public sealed class LocalJournal(IEventJournal journal) : IJournalCalls
{
    private const int EventsPerPage = 256;

    /// <inheritdoc/>
    public void Open(string persistenceId, ActorRef actor) => Call(actor, async () =>
    {
        JournalSnapshot? snapshot = await journal.LoadSnapshotAsync(persistenceId).ConfigureAwait(false);
        return new JournalOpened(snapshot, await journal.HighestAsync(persistenceId).ConfigureAwait(false));
    });

    /// <inheritdoc/>
    public void Read(string persistenceId, long from, ActorRef actor) => Call(actor, async () =>
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
    public void Append(IReadOnlyList<JournalEvent> events, ActorRef actor) => Call(actor, async () =>
    {
        await journal.AppendAsync(events).ConfigureAwait(false);
        return JournalAppended.Instance;
    });

    /// <inheritdoc/>
    public void Save(JournalSnapshot snapshot, ActorRef actor) => _ = Task.Run(async () =>
    {
        try
        {
            await journal.SaveSnapshotAsync(snapshot).ConfigureAwait(false);
            await journal.DeleteSnapshotsAsync(snapshot.PersistenceId, snapshot.SequenceNumber - 1).ConfigureAwait(false);
            actor.Tell(new SaveSnapshotSuccess(snapshot.SequenceNumber));
        }
#pragma warning disable CA1031 // Whatever goes wrong is the answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            actor.Tell(new SaveSnapshotFailure(snapshot.SequenceNumber, exception.Message));
        }
    });

    private static void Call(ActorRef actor, Func<Task<object>> call) => _ = Task.Run(async () =>
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
}
