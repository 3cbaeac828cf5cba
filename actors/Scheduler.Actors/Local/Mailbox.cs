using System.Collections.Concurrent;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Local;

/// <summary>
/// The address, the queue and the life of one local actor. The queue is not bounded itself: what is in it is bounded by the
/// credits that were granted (S4), and the receiver asserts that.
/// </summary>
public sealed class Mailbox : ActorRef, IActorContext, ILoopWork
{
    // A turn ends after so many messages, so that one actor does not keep its dispatcher's other actors waiting.
    private const int MessagesPerTurnMax = 64;

    private readonly LocalSystem _system;
    private readonly IDispatcher _dispatcher;
    private readonly ConcurrentQueue<Envelope> _queue = new();
    private readonly HashSet<Mailbox> _watchers = [];
    private readonly HashSet<Mailbox> _watching = [];
    private Props? _props;
    private Actor? _actor;
    private PersistentTurns? _turns;
    private ActorRef? _sender;
    private bool _stopping;
    private bool _stopped;
    private int _scheduled;

    internal Mailbox(LocalSystem system, Props? props, string path, IDispatcher dispatcher)
    {
        _system = system;
        _props = props;
        _dispatcher = dispatcher;
        Path = path;
        _stopped = props is null;
    }

    /// <inheritdoc/>
    public override string Path { get; }

    ActorRef IActorContext.Self => this;

    ActorRef? IActorContext.Sender => _sender;

    /// <inheritdoc/>
    public override void Tell(object message, ActorRef? sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        _queue.Enqueue(new Envelope(message, sender));
        Schedule();
    }

    /// <summary>Runs one turn. Called by the dispatcher, never twice at once.</summary>
    public void RunTurn()
    {
        if (_props is not null)
            StartActor();
        for (int i = 0; i < MessagesPerTurnMax && _queue.TryDequeue(out Envelope envelope); i++)
            Handle(envelope);

        // A full fence: the queue must not be looked at before the flag is seen to be down, or a message that is sent in
        // between would wait for the next one.
        _ = Interlocked.Exchange(ref _scheduled, 0);
        if (!_queue.IsEmpty)
            Schedule();
    }

    void ILoopWork.Run() => RunTurn();

    void IActorContext.Stop(ActorRef actor)
    {
        if (actor == this)
            _stopping = true;
        else
            LocalSystem.Stop(actor);
    }

    void IActorContext.Watch(ActorRef actor)
    {
        Mailbox other = (Mailbox)actor;
        if (_watching.Add(other))
            other.Tell(new WatchRequest(this, Wanted: true));
    }

    void IActorContext.Unwatch(ActorRef actor)
    {
        Mailbox other = (Mailbox)actor;
        if (_watching.Remove(other))
            other.Tell(new WatchRequest(this, Wanted: false));
    }

    void IActorContext.TellSelfAfter(TimeSpan delay, object message) =>
        _ = Task.Delay(delay).ContinueWith(
            (_, mailbox) => ((Mailbox)mailbox!).Tell(message), this, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    ActorRef IActorContext.Resolve(string volume) => _system.Resolve(volume);

    internal static Mailbox Nobody(LocalSystem system) => new(system, null, "nobody", ThreadPoolDispatcher.Instance);

    internal void Start() => Schedule();

    private void Schedule()
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0)
            _dispatcher.Schedule(this);
    }

    private void StartActor()
    {
        Props props = _props!;
        _props = null;
        try
        {
            _actor = props.Create();
            _actor.Context = this;
            if (_actor is PersistentActor persistent)
                _turns = new PersistentTurns(persistent, _system.Persistence, this);
            _actor.PreStart();
            _turns?.Start();
        }
#pragma warning disable CA1031 // Supervision: whatever an actor throws stops that actor alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _system.LogFailure(exception, Path);
            _stopping = true;
        }

        StopIfAsked();
    }

    private void Handle(in Envelope envelope)
    {
        switch (envelope.Message)
        {
            case WatchRequest watch:
                if (!watch.Wanted)
                    _ = _watchers.Remove(watch.Watcher);
                else if (_stopped)
                    watch.Watcher.Tell(new Terminated(this), this);
                else
                    _ = _watchers.Add(watch.Watcher);
                return;
            case StopRequest:
                _stopping = true;
                break;
            case Terminated terminated when !_watching.Remove((Mailbox)terminated.Ref):
                // Unwatched after it was sent.
                return;
            default:
                Receive(envelope);
                break;
        }

        StopIfAsked();
    }

    private void Receive(in Envelope envelope)
    {
        if (_stopped)
        {
            PersistentTurns.RefuseAnswer(envelope.Message, this);
            return;
        }

        Deliver(envelope.Message, envelope.Sender);
        while (_turns is not null && !_stopping && _turns.TryRelease(out object held, out ActorRef? sender))
            Deliver(held, sender);
    }

    private void Deliver(object message, ActorRef? sender)
    {
        _sender = sender;
        try
        {
            if (_turns is null)
                _actor!.Receive(message);
            else
                _turns.Receive(message, ref _sender);
        }
#pragma warning disable CA1031 // Supervision: whatever an actor throws stops that actor alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _system.LogFailure(exception, Path);
            _stopping = true;
        }

        _sender = null;
    }

    private void StopIfAsked()
    {
        if (!_stopping || _stopped)
            return;
        _stopped = true;
        try
        {
            _actor?.PostStop();
        }
#pragma warning disable CA1031 // Supervision: the actor is stopped, whatever its last act did.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _system.LogFailure(exception, Path);
        }

        _turns?.Stopped();
        _turns = null;
        _actor = null;
        _system.Forget(this);
        foreach (Mailbox watched in _watching)
            watched.Tell(new WatchRequest(this, Wanted: false));
        foreach (Mailbox watcher in _watchers)
            watcher.Tell(new Terminated(this), this);
        _watching.Clear();
        _watchers.Clear();
    }

    private readonly record struct Envelope(object Message, ActorRef? Sender);

    private sealed record WatchRequest(Mailbox Watcher, bool Wanted);
}
