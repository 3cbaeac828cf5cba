using Scheduler.Actors;

namespace Scheduler.Simulation.Tests;

/// <summary>What the simulated engine promises beyond the seam: virtual time, and orders that the seed decides.</summary>
public sealed class SimulatedEngineTests
{
    private readonly SimulatedSystem _system = new(new Random(1), 0);
    private readonly List<object> _seen = [];

    [Fact]
    public void Time_passes_when_there_is_nothing_else_to_do()
    {
        SimulatedActor actor = Start((context, message) =>
        {
            if (message is "start")
                context.TellSelfAfter(TimeSpan.FromHours(1), "later");
        });
        actor.Tell("start");
        RunAll();
        Assert.Equal(["start", "later"], _seen);
        Assert.InRange(_system.NowNs, (long)TimeSpan.FromHours(1).TotalNanoseconds, (long)TimeSpan.FromHours(1.1).TotalNanoseconds);
    }

    [Fact]
    public void The_seed_decides_which_mailbox_is_next()
    {
        HashSet<string> orders = [];
        for (int seed = 0; seed < 50; seed++)
        {
            SimulatedSystem system = new(new Random(seed), 0);
            List<object> seen = [];
            for (int i = 0; i < 3; i++)
            {
                int number = i;
                system.ActorOf(new Props(() => new Probe((_, _) => seen.Add(number), [])), "a").Tell("go");
            }

            while (system.Advance())
            {
            }

            _ = orders.Add(string.Concat(seen));
        }

        Assert.Equal(6, orders.Count);
    }

    private SimulatedActor Start(Action<IActorContext, object> receive) => _system.ActorOf(new Props(() => new Probe(receive, _seen)), "probe");

    private void RunAll()
    {
        while (_system.Advance())
        {
        }
    }

    private sealed class Probe(Action<IActorContext, object> receive, List<object> seen) : Actor
    {
        public override void Receive(object message)
        {
            seen.Add(message);
            receive(Context, message);
        }
    }
}
