namespace Scheduler.Actors;

/// <summary>
/// Owns a persistent actor: passes messages on to it, and starts it again with back-off when it has stopped. What comes while
/// there is none is refused if its sender waits for an answer, and dropped otherwise.
/// </summary>
public sealed class PersistentOwner : Actor
{
    /// <summary>The first pause; each further one is twice as long.</summary>
    public static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause. Who has lived as long begins anew with the first one.</summary>
    public static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    private readonly Props _props;
    private readonly Func<Props, ActorRef> _start;
    private readonly string _name;
    private ActorRef? _actor;
    private TimeSpan _pause = PauseMin;
    private int _incarnation;

    /// <summary>Creates an owner.</summary>
    /// <param name="name">The owned actor's name, for messages.</param>
    /// <param name="props">How to make an incarnation of the actor.</param>
    /// <param name="start">Starts an actor, on a dispatcher that suits it.</param>
    public PersistentOwner(string name, Props props, Func<Props, ActorRef> start)
    {
        _name = name;
        _props = props;
        _start = start;
    }

    /// <inheritdoc/>
    public override void PreStart() => Start();

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case Terminated:
                _actor = null;
                Context.TellSelfAfter(_pause, StartAgain.Instance);
                _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
                break;
            case StartAgain:
                Start();
                break;
            case StillAlive alive:
                if (alive.Incarnation == _incarnation && _actor is not null)
                    _pause = PauseMin;
                break;
            default:
                if (_actor is not null)
                    _actor.Tell(message, Sender);
                else
                    (message as IExpectsAnswer)?.Refuse($"{_name} waits for its journal; try again");
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop()
    {
        if (_actor is not null)
            Context.Stop(_actor);
    }

    private void Start()
    {
        _incarnation++;
        _actor = _start(_props);
        Context.Watch(_actor);
        Context.TellSelfAfter(PauseMax, new StillAlive(_incarnation));
    }

    private sealed record StartAgain
    {
        public static readonly StartAgain Instance = new();
    }

    private sealed record StillAlive(int Incarnation);
}
