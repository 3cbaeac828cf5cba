using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>The address, the mailbox and the life of one actor of the simulated engine. As on every engine, order is kept
/// per sender, an exception stops the actor, and its watchers are told.</summary>
internal sealed class SimulatedActor(SimulatedSystem system, Props? props, string path) : ActorRef, IActorContext
{
    private readonly Queue<(object Message, ActorRef? Sender)> _mailbox = new();
    private readonly List<SimulatedActor> _watchers = [];
    private readonly List<SimulatedActor> _watching = [];
    private Props? _props = props;
    private Actor? _actor;
    private bool _ready = props is not null;
    private bool _stopping;
    private bool _stopped = props is null;

    public override string Path { get; } = path;

    public ActorRef Self => this;

    public ActorRef? Sender { get; private set; }

    public override void Tell(object message, ActorRef? sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        system.Sending(message, this);
        _mailbox.Enqueue((message, sender));
        if (_ready)
            return;
        _ready = true;
        system.MakeReady(this);
    }

    public void Stop(ActorRef actor)
    {
        if (actor == this)
            _stopping = true;
        else
            actor.Tell(StopRequest.Instance);
    }

    public void Watch(ActorRef actor)
    {
        SimulatedActor other = (SimulatedActor)actor;
        if (_watching.Contains(other))
            return;
        _watching.Add(other);
        other.Tell(new WatchRequest(this, Wanted: true));
    }

    public void Unwatch(ActorRef actor)
    {
        SimulatedActor other = (SimulatedActor)actor;
        if (_watching.Remove(other))
            other.Tell(new WatchRequest(this, Wanted: false));
    }

    public void TellSelfAfter(TimeSpan delay, object message) => system.After((long)delay.TotalNanoseconds, () => Tell(message));

    public ActorRef Resolve(string volume) => system.Resolve(volume);

    /// <summary>Starts the actor, or handles one message.</summary>
    /// <returns>Whether there is more to do.</returns>
    public bool RunOne()
    {
        if (_props is not null)
            Start();
        else if (_mailbox.TryDequeue(out (object Message, ActorRef? Sender) envelope))
            Handle(envelope.Message, envelope.Sender);
        _ready = _mailbox.Count > 0;
        return _ready;
    }

    private void Start()
    {
        Props props = _props!;
        _props = null;
        Guarded(() =>
        {
            _actor = props.Create();
            _actor.Context = this;
            _actor.PreStart();
        });
        StopIfAsked();
    }

    private void Handle(object message, ActorRef? sender)
    {
        switch (message)
        {
            case WatchRequest watch:
                if (!watch.Wanted)
                    _ = _watchers.Remove(watch.Watcher);
                else if (_stopped)
                    watch.Watcher.Tell(new Terminated(this), this);
                else
                    _watchers.Add(watch.Watcher);
                return;
            case StopRequest:
                _stopping = true;
                break;
            case Terminated terminated when !_watching.Remove((SimulatedActor)terminated.Ref):
                // Unwatched after it was sent.
                return;
            default:
                if (_stopped)
                    return;
                Sender = sender;
                system.Taking(message, this);
                Guarded(() => _actor!.Receive(message));
                Sender = null;
                break;
        }

        StopIfAsked();
    }

    private void StopIfAsked()
    {
        if (!_stopping || _stopped)
            return;
        _stopped = true;
        Guarded(() => _actor?.PostStop());
        _actor = null;
        foreach (SimulatedActor watched in _watching)
            watched.Tell(new WatchRequest(this, Wanted: false));
        foreach (SimulatedActor watcher in _watchers)
            watcher.Tell(new Terminated(this), this);
        _watching.Clear();
        _watchers.Clear();
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (RuleViolationException)
        {
            // A checker saw it within the turn: it ends the run, not the actor.
            throw;
        }
#pragma warning disable CA1031 // Supervision: whatever an actor throws stops that actor alone. The run judges it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            system.Failures.Add(exception);
            _stopping = true;
        }
    }

    private sealed record StopRequest
    {
        public static readonly StopRequest Instance = new();
    }

    private sealed record WatchRequest(SimulatedActor Watcher, bool Wanted);
}
