// The seam between the actors and the engine that runs them: a closed set in the vocabulary of Akka.NET, so that the
// same actors run on the local engine, on the simulated one and on Akka.NET. Untyped refs, Tell, Sender, Props, Stop,
// Watch/Terminated, coarse timers, Resolve; Persist, recovery and snapshots in PersistentActor.cs. No ask, become, routers,
// stash or asynchronous handlers.
namespace Scheduler.Actors;

/// <summary>The address of an actor.</summary>
public abstract class ActorRef
{
    /// <summary>Unique name in its system, for logs.</summary>
    public abstract string Path { get; }

    /// <summary>Sends a message. Never blocks and never drops, unless the actor has stopped; order is kept per sender.</summary>
    /// <param name="message">The message; not changed after it was sent, unless the message says so.</param>
    /// <param name="sender">What the receiver sees as its sender; null for none.</param>
    public abstract void Tell(object message, ActorRef? sender = null);

    /// <inheritdoc/>
    public override string ToString() => Path;
}

/// <summary>How to make an actor.</summary>
/// <param name="Create">Makes a new incarnation.</param>
public sealed record Props(Func<Actor> Create);

/// <summary>A watched actor has stopped: it handles nothing any more.</summary>
/// <param name="Ref">The actor.</param>
public sealed record Terminated(ActorRef Ref);

/// <summary>What an actor can ask of its engine. Used on the actor's own turn only.</summary>
public interface IActorContext
{
    /// <summary>The actor's own address.</summary>
    ActorRef Self { get; }

    /// <summary>Who sent the current message, or null.</summary>
    ActorRef? Sender { get; }

    /// <summary>Stops an actor after the message that it handles now; what is in its mailbox is dropped.</summary>
    /// <param name="actor">The actor.</param>
    void Stop(ActorRef actor);

    /// <summary>Asks for <see cref="Terminated"/> when an actor has stopped; at once if it has already.</summary>
    /// <param name="actor">The actor.</param>
    void Watch(ActorRef actor);

    /// <summary>Asks for <see cref="Terminated"/> no more.</summary>
    /// <param name="actor">The actor.</param>
    void Unwatch(ActorRef actor);

    /// <summary>Sends a message to the actor itself later. Coarse: for time-outs, not for scheduling I/O.</summary>
    /// <param name="delay">At least this long.</param>
    /// <param name="message">The message.</param>
    void TellSelfAfter(TimeSpan delay, object message);

    /// <summary>The scheduler actor of a volume, wherever it runs; a ref that has stopped if there is none.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Its address.</returns>
    ActorRef Resolve(string volume);
}

/// <summary>
/// An actor: one message at a time, on whichever thread its dispatcher chooses. An exception stops it (supervision's
/// default is Stop, on every engine); its watchers are told.
/// </summary>
public abstract class Actor
{
    private IActorContext? _context;

    /// <summary>The engine's side. Set by the engine before <see cref="PreStart"/>.</summary>
    public IActorContext Context
    {
        get => _context ?? throw new InvalidOperationException("an actor has no context before its engine has started it");
        set => _context = value;
    }

    /// <summary>The actor's own address.</summary>
    protected ActorRef Self => Context.Self;

    /// <summary>Who sent the current message, or null.</summary>
    protected ActorRef? Sender => Context.Sender;

    /// <summary>Called before the first message.</summary>
    public virtual void PreStart()
    {
    }

    /// <summary>Handles one message.</summary>
    /// <param name="message">The message. An unknown one is ignored.</param>
    public abstract void Receive(object message);

    /// <summary>Called after the last message, also when an exception stops the actor.</summary>
    public virtual void PostStop()
    {
    }
}
