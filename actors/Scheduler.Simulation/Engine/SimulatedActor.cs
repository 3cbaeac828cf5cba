using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>The address, the mailbox and the life of one actor of the simulated engine. As on every engine, order is kept
/// per sender, an exception stops the actor, and its watchers are told.</summary>
internal sealed class SimulatedActor(SimulatedSystem system, Props? props, string path) : ActorRef, IActorContext
{
    // The mailbox. Most actors never have more than one message in it, which then needs no memory elsewhere.
    private (object? Message, ActorRef? Sender) _first;
    private Queue<(object Message, ActorRef? Sender)>? _behind;
    private readonly List<SimulatedActor> _watchers = [];
    private readonly List<SimulatedActor> _watching = [];
    private Props? _props = props;
    private Actor? _actor;
    private PersistentTurns? _turns;
    private ActorRef? _sender;
    private bool _ready = props is not null;
    private bool _stopping;
    private bool _stopped = props is null;

    public override string Path { get; } = path;

    public ActorRef Self => this;

    public ActorRef? Sender => _sender;

    /// <summary>Its machine is gone.</summary>
    public bool IsGone { get; private set; }

    /// <summary>It has handled all that it was told.</summary>
    public bool IsIdle => _first.Message is null;

    public override void Tell(object message, ActorRef? sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        if ((sender is SimulatedActor { IsGone: true } && message is not Terminated) || system.Loses?.Invoke(message, this) == true)
            return;
        system.Sending?.Invoke(message, this);
        if (_first.Message is null)
            _first = (message, sender);
        else
            (_behind ??= new()).Enqueue((message, sender));
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

    /// <summary>Its machine is gone: it handles and says nothing more. Its watchers notice later.</summary>
    /// <param name="noticedNs">How much later.</param>
    public void Vanish(long noticedNs)
    {
        IsGone = true;
        _props = null;
        _stopping = true;
        StopIfAsked(noticedNs);
    }

    /// <summary>Of what came from a machine that is gone and was not handled yet, the last messages have not arrived.</summary>
    /// <param name="gone">Who sent it.</param>
    /// <param name="random">Draws how many of them.</param>
    /// <returns>What is lost.</returns>
    public List<object> Lose(SimulatedActor gone, Random random)
    {
        List<(object Message, ActorRef? Sender)> all = _first.Message is null ? [] : [(_first.Message, _first.Sender), .. _behind ?? []];
        int arrived = random.Next(all.Count(IsOfGone) + 1);
        List<object> lost = [.. all.Where(IsOfGone).Skip(arrived).Select(one => one.Message)];
        _first = default;
        _behind?.Clear();
        foreach ((object Message, ActorRef? Sender) one in all)
        {
            if (IsOfGone(one) && arrived-- <= 0)
                continue;
            if (_first.Message is null)
                _first = one;
            else
                (_behind ??= new()).Enqueue(one);
        }

        return lost;

        bool IsOfGone((object Message, ActorRef? Sender) one) => one.Sender == gone && one.Message is not Terminated;
    }

    /// <summary>Starts the actor, or handles one message.</summary>
    /// <returns>Whether there is more to do.</returns>
    public bool RunOne()
    {
        if (_props is not null)
        {
            Start();
        }
        else if (_first.Message is { } message)
        {
            ActorRef? sender = _first.Sender;
            _first = _behind is { Count: > 0 } ? _behind.Dequeue() : default;
            Handle(message, sender);
        }

        _ready = _first.Message is not null;
        return _ready;
    }

    private void Start()
    {
        Props props = _props!;
        _props = null;
        try
        {
            _actor = props.Create();
            _actor.Context = this;
            if (_actor is PersistentActor persistent)
                _turns = new PersistentTurns(persistent, system.Persistence, this);
            _actor.PreStart();
            _turns?.Start();
        }
        catch (Exception exception) when (StopsTheActor(exception))
        {
            _stopping = true;
        }

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
                {
                    PersistentTurns.RefuseAnswer(message, this);
                    return;
                }

                Receive(message, sender);
                while (_turns is not null && !_stopping && _turns.TryRelease(out object held, out ActorRef? heldSender))
                    Receive(held, heldSender);
                break;
        }

        StopIfAsked();
    }

    private void Receive(object message, ActorRef? sender)
    {
        _sender = sender;
        system.Taking?.Invoke(message, this);
        try
        {
            if (_turns is null)
                _actor!.Receive(message);
            else
                _turns.Receive(message, ref _sender);
        }
        catch (Exception exception) when (StopsTheActor(exception))
        {
            _stopping = true;
        }

        _sender = null;
    }

    private void StopIfAsked(long noticedNs = 0)
    {
        if (!_stopping || _stopped)
            return;
        _stopped = true;
        try
        {
            _actor?.PostStop();
        }
        catch (Exception exception) when (StopsTheActor(exception))
        {
            // It stops already.
        }

        _turns?.Stopped();
        _turns = null;
        _actor = null;
        foreach (SimulatedActor watched in _watching)
            watched.Tell(new WatchRequest(this, Wanted: false));
        foreach (SimulatedActor watcher in _watchers)
        {
            if (noticedNs == 0)
                watcher.Tell(new Terminated(this), this);
            else
                system.After(noticedNs, () => watcher.Tell(new Terminated(this), this));
        }

        _watching.Clear();
        _watchers.Clear();
    }

    // Supervision: whatever an actor throws stops that actor alone, and the run judges it. What a checker saw within the
    // turn ends the run instead.
    private bool StopsTheActor(Exception exception)
    {
        if (exception is RuleViolationException)
            return false;
        system.Failures.Add(exception);
        return true;
    }

    private sealed record StopRequest
    {
        public static readonly StopRequest Instance = new();
    }

    private sealed record WatchRequest(SimulatedActor Watcher, bool Wanted);
}
