namespace Scheduler.Actors;

/// <summary>A persistent actor's state as it was saved. Comes first in recovery, if there is one.</summary>
/// <param name="SequenceNr">The last event that it contains.</param>
/// <param name="Snapshot">What was given to <see cref="PersistentActor.SaveSnapshot"/>.</param>
public sealed record SnapshotOffer(long SequenceNr, object Snapshot);

/// <summary>Everything is replayed: the last message of recovery. Events may be persisted from here on.</summary>
public sealed record RecoveryCompleted
{
    /// <summary>The message.</summary>
    public static RecoveryCompleted Instance { get; } = new();
}

/// <summary>A command: the snapshot is saved, and those before it are deleted.</summary>
/// <param name="SequenceNr">The last event that it contains.</param>
public sealed record SaveSnapshotSuccess(long SequenceNr);

/// <summary>A command: the snapshot is not saved; the events are there all the same.</summary>
/// <param name="SequenceNr">The last event that it contains.</param>
/// <param name="Reason">For the log.</param>
public sealed record SaveSnapshotFailure(long SequenceNr, string Reason);

/// <summary>A message whose sender waits for an answer: told when nobody will give one any more.</summary>
public interface IExpectsAnswer
{
    /// <summary>The message was dropped, or its actor stopped while it made its event durable. Called at most once, from any
    /// thread, and only if it was not answered.</summary>
    /// <param name="reason">Why, whether something may have been changed, and what helps.</param>
    void Refuse(string reason);
}

/// <summary>What a persistent actor asks of its engine. Used on the actor's own turn only.</summary>
public interface IPersistence
{
    /// <summary>Sequence number of the event that was replayed or persisted last; 0 if there is none.</summary>
    long LastSequenceNr { get; }

    /// <summary>See <see cref="PersistentActor.Persist"/>.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="handler">Called when it is durable.</param>
    void Persist(object happened, Action<object> handler);

    /// <summary>See <see cref="PersistentActor.SaveSnapshot"/>.</summary>
    /// <param name="snapshot">The state.</param>
    void SaveSnapshot(object snapshot);
}

/// <summary>
/// An actor whose state is what its events say. It is recovered from a snapshot and the events since, then it takes
/// commands; what a command changes is an event, durable before anybody sees the change. Messages that come during
/// recovery, or while an event is being written, wait in order.
/// </summary>
/// <remarks>
/// If the journal fails, the outcome of what was being written is unknown and the actor stops; who owns it starts it again
/// (<see cref="PersistentOwner"/>), and it recovers. At most one incarnation of a persistence id lives at a time.
/// </remarks>
public abstract class PersistentActor : Actor
{
    private IPersistence? _persistence;

    /// <summary>Whose events these are: 1 to 255 characters, the same in each incarnation.</summary>
    public abstract string PersistenceId { get; }

    /// <summary>The engine's side. Set by the engine before <see cref="Actor.PreStart"/>.</summary>
    public IPersistence Persistence
    {
        get => _persistence ?? throw new InvalidOperationException("a persistent actor has no journal before its engine has started it");
        set => _persistence = value;
    }

    /// <summary>Sequence number of the event that was replayed or persisted last; 0 if there is none.</summary>
    protected long LastSequenceNr => Persistence.LastSequenceNr;

    /// <summary>A command; see <see cref="OnCommand"/>.</summary>
    /// <param name="message">The command.</param>
    public sealed override void Receive(object message) => OnCommand(message);

    /// <summary>Recovery: <see cref="SnapshotOffer"/> if there is one, each event since, <see cref="RecoveryCompleted"/>.</summary>
    /// <param name="message">What is replayed.</param>
    public abstract void OnRecover(object message);

    /// <summary>Handles one command.</summary>
    /// <param name="message">The command. An unknown one is ignored.</param>
    public abstract void OnCommand(object message);

    /// <summary>
    /// Makes an event durable. Later commands wait until <paramref name="handler"/> has run, with the sender of the command
    /// that persisted. Not during recovery.
    /// </summary>
    /// <param name="happened">The event, of a kind that the engine's <see cref="EventFormat"/> knows.</param>
    /// <param name="handler">Changes the state, when the event is durable.</param>
    protected void Persist(object happened, Action<object> handler) => Persistence.Persist(happened, handler);

    /// <summary>Saves the state after the last event; <see cref="SaveSnapshotSuccess"/> or <see cref="SaveSnapshotFailure"/>
    /// follows. Commands do not wait for it.</summary>
    /// <param name="snapshot">The state, not changed afterwards.</param>
    protected void SaveSnapshot(object snapshot) => Persistence.SaveSnapshot(snapshot);
}
