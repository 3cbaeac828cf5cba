// A persistent actor as Akka.NET sees it. Recovery, waiting for an event to be durable and the journal are Akka.Persistence's;
// here is only what the seam promises beyond it:
//
// - What a command persists is one atomic write, made at the command's end; so is what its handlers persist, at their end.
// - An event of a kind that the format does not know is refused at once, and one that somebody else wrote stops recovery.
// - A snapshot that was saved replaces those before it.
// - Who waits for an answer is told when the actor stops: here for what is being written, by the dead letters for what waits.
// - What waits is bounded (S4): beyond it, who waits for an answer is refused, and anything else breaks the rule.
using Akka.Actor;
using Akka.Persistence;
using Scheduler.Core;

namespace Scheduler.Actors.Akka;

/// <summary>One incarnation of a persistent actor on Akka.Persistence.</summary>
internal sealed class PersistentShell(AkkaSystem system, PersistentActor actor, EventFormat format) : UntypedPersistentActor, IPersistence,
#pragma warning disable CS0618 // The only one of Akka.NET's stashes that has a bound in front of a mailbox without one.
    IWithBoundedStash
#pragma warning restore CS0618
{
    private readonly Queue<Persisted> _inFlight = new();
    private List<Persisted> _pending = [];
    private object? _message;
    private object? _command;

    public override string PersistenceId => actor.PersistenceId;

    // Asked for when a message can't be held.
    public override IStashOverflowStrategy InternalStashOverflowStrategy => _message is IExpectsAnswer
        ? DiscardToDeadLetterStrategy.Instance
        : throw Failure(new InvariantException("S4", $"{PersistenceId} has more than {PersistentTurns.HeldMax} messages waiting for its journal"));

    long IPersistence.LastSequenceNr => LastSequenceNr;

    void IPersistence.Persist(object happened, Action<object> handler)
    {
        if (IsRecovering)
            throw new InvalidOperationException($"{PersistenceId} persists during recovery, which only replays");
        _ = format.ManifestOf(happened);
        _pending.Add(new Persisted(happened, handler, _command));
    }

    void IPersistence.SaveSnapshot(object snapshot)
    {
        _ = format.ManifestOf(snapshot);
        SaveSnapshot(snapshot);
    }

    protected override bool AroundReceive(Receive receive, object message)
    {
        _message = message;
        return base.AroundReceive(receive, message);
    }

    protected override void PreStart() => Guarded(() =>
    {
        actor.Context = new AkkaContext(system, Context);
        actor.Persistence = this;
        actor.PreStart();
    });

    // What is thrown here comes back as OnRecoveryFailure.
    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case global::Akka.Persistence.SnapshotOffer offer:
                actor.OnRecover(new SnapshotOffer(offer.Metadata.SequenceNr, Known(offer.Snapshot, "snapshot", offer.Metadata.SequenceNr)));
                break;
            case global::Akka.Persistence.RecoveryCompleted:
                Guarded(() => actor.OnRecover(RecoveryCompleted.Instance));
                Append();
                break;
            default:
                actor.OnRecover(Known(message, "event", LastSequenceNr));
                break;
        }
    }

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case global::Akka.Persistence.SaveSnapshotSuccess saved:
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                Take(new SaveSnapshotSuccess(saved.Metadata.SequenceNr));
                break;
            case global::Akka.Persistence.SaveSnapshotFailure failed:
                Take(new SaveSnapshotFailure(failed.Metadata.SequenceNr, failed.Cause.Message));
                break;
            case DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                // An old snapshot that is still there costs room; the next one takes it along.
                break;
            default:
                Take(AkkaContext.Translate(message));
                break;
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        system.LogFailure(new PersistenceException($"{PersistenceId}: the journal failed to append, so the outcome is unknown: {cause.Message}", cause), Self);
    }

    // Nothing was written, and the actor's state is as before; but its commands count on their events.
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        system.LogFailure(new PersistenceException($"{PersistenceId}: event {sequenceNr} can't be written: {cause.Message}", cause), Self);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        base.OnRecoveryFailure(reason, message);
        system.LogFailure(new PersistenceException($"{PersistenceId}: the journal failed in recovery: {reason.Message}", reason), Self);
    }

    protected override void PostStop()
    {
        foreach (object? command in _inFlight.Select(persisted => persisted.Command).Distinct())
            (command as IExpectsAnswer)?.Refuse($"{PersistenceId} has stopped while it was writing; the change may or may not have been made: look, then try again");
        _inFlight.Clear();
        Guarded(actor.PostStop);
    }

    private void Take(object message)
    {
        _command = message;
        Guarded(() => actor.Receive(message));
        Append();
    }

    private void Append()
    {
        if (_pending.Count == 0 || _inFlight.Count > 0)
            return;
        List<Persisted> write = _pending;
        _pending = [];
        foreach (Persisted persisted in write)
            _inFlight.Enqueue(persisted);
        PersistAll(write.Select(persisted => persisted.Happened), Appended);
    }

    private void Appended(object happened)
    {
        Persisted persisted = _inFlight.Dequeue();
        _command = persisted.Command;
        Guarded(() => persisted.Handler(persisted.Happened));
        Append();
    }

    private object Known(object stored, string what, long sequenceNr) => format.Knows(stored)
        ? stored
        : throw new PersistenceException($"{what} {sequenceNr} of {PersistenceId} is a {stored.GetType()}: another program's");

    private void Guarded(Action act)
    {
        try
        {
            act();
        }
        catch (Exception exception)
        {
            throw Failure(exception);
        }
    }

    private Exception Failure(Exception exception)
    {
        system.LogFailure(exception, Self);
        return exception;
    }

    private sealed record Persisted(object Happened, Action<object> Handler, object? Command);
}
