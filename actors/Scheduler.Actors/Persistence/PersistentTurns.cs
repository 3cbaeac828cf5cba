// How the local and the simulated engine run a persistent actor.
//
//   opening -> reading, page by page -> commands, one after the other <-> an append is under way
//
// - What comes before recovery is over, or while an append is under way, is held and released in order. What is held is
//   bounded: it is asserted (S4), but for messages whose sender waits for an answer: those are refused.
// - What a turn persisted is appended in one call at its end. Its handlers run when that is answered, each with the sender
//   that its command had.
// - Whatever the journal answers but "done" stops the actor: the outcome is unknown, and only recovery knows it.
using Scheduler.Core;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>The journal or its content stops a persistent actor.</summary>
/// <param name="message">Whose events, what is wrong, and what helps.</param>
/// <param name="inner">What the journal said.</param>
public sealed class PersistenceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What an engine needs for persistent actors.</summary>
/// <param name="Journal">Where events are kept.</param>
/// <param name="Format">How they are written.</param>
public sealed record PersistenceSetup(IJournalCalls Journal, EventFormat Format);

/// <summary>One incarnation of a persistent actor between its engine and the journal. Used on the actor's turns.</summary>
public sealed class PersistentTurns : IPersistence
{
    /// <summary>Most messages that wait for recovery or an append: the sum of what the senders may have unanswered.</summary>
    public const int HeldMax = 4096;

    private readonly PersistentActor _actor;
    private readonly PersistenceSetup _setup;
    private readonly ActorRef _self;
    private readonly Queue<(object Message, ActorRef? Sender)> _held = new();
    private List<Persisted> _pending = [];
    private List<Persisted> _inFlight = [];
    private object? _command;
    private ActorRef? _sender;
    private int _handled;
    private long _highest;
    private long _appended;
    private bool _recovered;

    /// <summary>Ties an actor to the journal. <see cref="Start"/> follows, after the actor's own start.</summary>
    /// <param name="actor">The actor.</param>
    /// <param name="setup">The journal; null is an error that says so.</param>
    /// <param name="self">The actor's address.</param>
    public PersistentTurns(PersistentActor actor, PersistenceSetup? setup, ActorRef self)
    {
        _setup = setup ?? throw new PersistenceException($"{actor.PersistenceId} is a persistent actor, and its engine was given no journal");
        _actor = actor;
        _self = self;
        actor.Persistence = this;
    }

    /// <inheritdoc/>
    public long LastSequenceNr { get; private set; }

    private bool IsHolding => !_recovered || _inFlight.Count > 0;

    /// <summary>Begins recovery.</summary>
    public void Start() => _setup.Journal.Open(_actor.PersistenceId, _self);

    /// <summary>Handles a message of the mailbox, or holds it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="sender">Who the actor sees as its sender; changed for the handlers of what earlier commands persisted.</param>
    public void Receive(object message, ref ActorRef? sender)
    {
        switch (message)
        {
            case JournalOpened opened:
                Open(opened);
                break;
            case JournalPage page:
                Replay(page.Events);
                break;
            case JournalAppended:
                Appended(ref sender);
                break;
            case JournalFailed failed:
                throw new PersistenceException(
                    $"{_actor.PersistenceId}: the journal failed {(_recovered ? "to append, so the outcome is unknown" : "in recovery")}: {failed.Cause.Message}",
                    failed.Cause);
            default:
                if (IsHolding)
                {
                    Hold(message, sender);
                    return;
                }

                _sender = sender;
                _command = message;
                _actor.Receive(message);
                break;
        }

        AppendPending();
    }

    /// <summary>Takes out the first held message, if it may be handled now.</summary>
    /// <param name="message">The message.</param>
    /// <param name="sender">Its sender.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryRelease(out object message, out ActorRef? sender)
    {
        if (!IsHolding && _held.TryDequeue(out (object Message, ActorRef? Sender) first))
        {
            (message, sender) = first;
            return true;
        }

        (message, sender) = (this, null);
        return false;
    }

    /// <summary>The actor has stopped: who waits for an answer to what is being written, or held, is told.</summary>
    public void Stopped()
    {
        foreach (object? command in _inFlight.Skip(_handled).Select(persisted => persisted.Command).Distinct())
            (command as IExpectsAnswer)?.Refuse($"{_actor.PersistenceId} has stopped while it was writing; the change may or may not have been made: look, then try again");
        foreach ((object message, _) in _held)
            RefuseAnswer(message, _self);
        _held.Clear();
    }

    /// <summary>Tells who waits for an answer that a stopped actor drops the message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="actor">The actor.</param>
    public static void RefuseAnswer(object message, ActorRef actor) => (message as IExpectsAnswer)?.Refuse($"{actor.Path} has stopped; try again");

    void IPersistence.Persist(object happened, Action<object> handler)
    {
        if (!_recovered)
            throw new InvalidOperationException($"{_actor.PersistenceId} persists during recovery, which only replays");
        (string manifest, byte[] text) = _setup.Format.Write(happened);
        JournalEvent stored = new(_actor.PersistenceId, ++_appended, manifest, EventFormat.SerializerId, text);
        _pending.Add(new Persisted(stored, happened, handler, _command, _sender));
    }

    void IPersistence.SaveSnapshot(object snapshot)
    {
        (string manifest, byte[] text) = _setup.Format.Write(snapshot);
        _setup.Journal.Save(new JournalSnapshot(_actor.PersistenceId, LastSequenceNr, manifest, EventFormat.SerializerId, text), _self);
    }

    private void Hold(object message, ActorRef? sender)
    {
        if (_held.Count < HeldMax)
            _held.Enqueue((message, sender));
        else if (message is IExpectsAnswer expects)
            expects.Refuse($"{_actor.PersistenceId} has {HeldMax} messages waiting for its journal; try again later");
        else
            throw new InvariantException("S4", $"{_actor.PersistenceId} has more than {HeldMax} messages waiting for its journal");
    }

    private void Open(JournalOpened opened)
    {
        _highest = opened.Highest;
        if (opened.Snapshot is { } saved)
        {
            LastSequenceNr = saved.SequenceNumber;
            object snapshot = _setup.Format.Read(saved.Manifest, saved.SerializerId, saved.State, At(saved.SequenceNumber, "snapshot"));
            _actor.OnRecover(new SnapshotOffer(saved.SequenceNumber, snapshot));
        }

        ReadOn();
    }

    private void Replay(IReadOnlyList<JournalEvent> events)
    {
        foreach (JournalEvent stored in events)
        {
            object happened = _setup.Format.Read(stored.Manifest, stored.SerializerId, stored.Message, At(stored.SequenceNumber, "event"));
            LastSequenceNr = stored.SequenceNumber;
            _actor.OnRecover(happened);
        }

        // What is missing at the end was deleted: its numbers are used up all the same.
        if (events.Count == 0)
            LastSequenceNr = _highest;
        ReadOn();
    }

    private void ReadOn()
    {
        if (LastSequenceNr < _highest)
        {
            _setup.Journal.Read(_actor.PersistenceId, LastSequenceNr + 1, _self);
            return;
        }

        _appended = LastSequenceNr;
        _recovered = true;
        _actor.OnRecover(RecoveryCompleted.Instance);
    }

    private void AppendPending()
    {
        if (_pending.Count == 0 || _inFlight.Count > 0)
            return;
        (_pending, _inFlight) = (_inFlight, _pending);
        _setup.Journal.Append([.. _inFlight.Select(persisted => persisted.Stored)], _self);
    }

    private void Appended(ref ActorRef? sender)
    {
        foreach (Persisted persisted in _inFlight)
        {
            _handled++;
            LastSequenceNr = persisted.Stored.SequenceNumber;
            sender = _sender = persisted.Sender;
            _command = persisted.Command;
            persisted.Handler(persisted.Happened);
        }

        _inFlight.Clear();
        _handled = 0;
    }

    private string At(long sequenceNumber, string what) => $"{what} {sequenceNumber} of {_actor.PersistenceId}";

    private sealed record Persisted(JournalEvent Stored, object Happened, Action<object> Handler, object? Command, ActorRef? Sender);
}
