using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Simulation;

/// <summary>
/// The simulated engine: the actors of one machine between two power-ons, on one thread, in virtual time. Each step is one
/// message or one event of the agenda, chosen by the seed.
/// </summary>
internal sealed class SimulatedSystem(SplitMix64 random, long nowNs)
{
    private readonly Agenda _agenda = new();
    private readonly List<SimulatedActor> _ready = [];
    private readonly Dictionary<string, ActorRef> _volumes = [];
    private SplitMix64 _random = random;
    private ActorRef? _settling;
    private int _actors;

    /// <summary>An engine that is seeded by what a generator gives next.</summary>
    public SimulatedSystem(Random random, long nowNs)
        : this(new SplitMix64((ulong)random.NextInt64()), nowNs)
    {
    }

    /// <summary>Now, in virtual nanoseconds.</summary>
    public long NowNs { get; private set; } = nowNs;

    /// <summary>What handling a message takes: from 0 to below this, so that messages and completions interleave. With 0 all
    /// that is ready is handled before time passes.</summary>
    public int TurnNsMax { get; init; } = 2_000;

    /// <summary>Where persistent actors keep their events; null: there are none.</summary>
    public PersistenceSetup? Persistence { get; set; }

    /// <summary>What actors threw, the first first.</summary>
    public List<Exception> Failures { get; } = [];

    /// <summary>Turns of actors so far.</summary>
    public long Turns { get; private set; }

    /// <summary>Sees each message as its receiver takes it, and as it is sent.</summary>
    public Action<object, ActorRef>? Taking { get; set; }
    public Action<object, ActorRef>? Sending { get; set; }

    /// <summary>Says of a message that it never arrives; null: all do.</summary>
    public Func<object, ActorRef, bool>? Loses { get; set; }

    /// <summary>Starts an actor.</summary>
    public SimulatedActor ActorOf(Props props, string name)
    {
        SimulatedActor actor = new(this, props, $"{name}#{++_actors}");
        MakeReady(actor);
        return actor;
    }

    /// <summary>Makes a volume's scheduler known under its name.</summary>
    public void Register(string volume, ActorRef actor) => _volumes[volume] = actor;

    /// <summary>The scheduler of a volume, or a ref that has stopped.</summary>
    public ActorRef Resolve(string volume) =>
        _volumes.TryGetValue(volume, out ActorRef? actor) ? actor : new SimulatedActor(this, null, "nobody");

    /// <summary>Puts something on the agenda.</summary>
    public void After(long delayNs, Action action) => At(NowNs + delayNs, new AgendaAction(action), 0);

    /// <summary>Puts something on the agenda, without an allocation.</summary>
    public void At(long timeNs, IAgendaItem item, long tag) => _agenda.Add(Math.Max(timeNs, NowNs), item, tag);

    /// <summary>Runs loop work: what a volume's devices post.</summary>
    public void Post(ILoopWork work) => After(0, work.Run);

    /// <summary>Sends <see cref="Settle"/> to the volume, of which there is one, when all that is ready or due now has been
    /// handled: as the volume's loop does at the end of its turn.</summary>
    public void SettleWhenIdle(ActorRef volume) => _settling = volume;

    /// <summary>Does one thing.</summary>
    /// <returns>False if there is nothing to do, now or later.</returns>
    public bool Advance()
    {
        long first = _agenda.FirstTimeNs;
        if (_ready.Count > 0 && (first > NowNs || _random.Below(2) == 0))
        {
            RunOne();
            return true;
        }

        if (first > NowNs && _settling is { } volume)
        {
            _settling = null;
            volume.Tell(Settle.Instance);
            return true;
        }

        if (first == long.MaxValue)
            return false;
        NowNs = Math.Max(NowNs, first);
        (IAgendaItem item, long tag) = _agenda.Take();
        item.Due(tag);
        return true;
    }

    internal void MakeReady(SimulatedActor actor) => _ready.Add(actor);

    private void RunOne()
    {
        int index = _ready.Count == 1 ? 0 : (int)_random.Below(_ready.Count);
        Turns++;
        if (!_ready[index].RunOne())
        {
            _ready[index] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
        }

        if (TurnNsMax > 0)
            NowNs += _random.Below(TurnNsMax);
    }

    private sealed class AgendaAction(Action action) : IAgendaItem
    {
        public void Due(long tag) => action();
    }
}
