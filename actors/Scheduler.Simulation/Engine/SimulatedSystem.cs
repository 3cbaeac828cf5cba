using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Simulation;

/// <summary>
/// The simulated engine: the actors of one machine between two power-ons, on one thread, in virtual time. Each step is one
/// message or one event of the agenda, chosen by the seed.
/// </summary>
internal sealed class SimulatedSystem(Random random, long nowNs)
{
    // What handling a message takes, so that messages and completions interleave.
    private const int TurnNsMax = 2_000;

    private readonly PriorityQueue<Action, (long TimeNs, long Number)> _agenda = new();
    private readonly List<SimulatedActor> _ready = [];
    private readonly Dictionary<string, ActorRef> _volumes = [];
    private long _numbers;
    private int _actors;

    /// <summary>Now, in virtual nanoseconds.</summary>
    public long NowNs { get; private set; } = nowNs;

    /// <summary>What actors threw, the first first.</summary>
    public List<Exception> Failures { get; } = [];

    /// <summary>Turns of actors so far.</summary>
    public long Turns { get; private set; }

    /// <summary>Sees each message as its receiver takes it, and as it is sent.</summary>
    public Action<object, ActorRef> Taking { get; set; } = (_, _) => { };
    public Action<object, ActorRef> Sending { get; set; } = (_, _) => { };

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
    public void After(long delayNs, Action action) => At(NowNs + delayNs, action);

    /// <summary>Puts something on the agenda.</summary>
    public void At(long timeNs, Action action) => _agenda.Enqueue(action, (Math.Max(timeNs, NowNs), ++_numbers));

    /// <summary>Runs loop work: what a volume's devices post.</summary>
    public void Post(ILoopWork work) => After(0, work.Run);

    /// <summary>Does one thing.</summary>
    /// <returns>False if there is nothing to do, now or later.</returns>
    public bool Advance()
    {
        bool due = _agenda.TryPeek(out _, out (long TimeNs, long) first) && first.TimeNs <= NowNs;
        if (_ready.Count > 0 && (!due || random.Next(2) == 0))
        {
            int index = random.Next(_ready.Count);
            SimulatedActor actor = _ready[index];
            Turns++;
            if (!actor.RunOne())
            {
                _ready[index] = _ready[^1];
                _ready.RemoveAt(_ready.Count - 1);
            }

            NowNs += random.Next(TurnNsMax);
            return true;
        }

        if (!_agenda.TryDequeue(out Action? action, out (long TimeNs, long) at))
            return false;
        NowNs = Math.Max(NowNs, at.TimeNs);
        action();
        return true;
    }

    internal void MakeReady(SimulatedActor actor) => _ready.Add(actor);
}
