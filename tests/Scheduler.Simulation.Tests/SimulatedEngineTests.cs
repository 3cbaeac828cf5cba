using Scheduler.Actors;

namespace Scheduler.Simulation.Tests;

/// <summary>The seam's promises, on the simulated engine.</summary>
public sealed class SimulatedEngineTests
{
    private readonly SimulatedSystem _system = new(new Random(1), 0);
    private readonly List<object> _seen = [];

    [Fact]
    public void Messages_of_a_sender_keep_their_order()
    {
        SimulatedActor actor = Start((_, _) => { });
        for (int i = 0; i < 20; i++)
            actor.Tell(i);
        RunAll();
        Assert.Equal(Enumerable.Range(0, 20).Cast<object>(), _seen);
    }

    [Fact]
    public void An_exception_stops_the_actor_and_its_watchers_are_told()
    {
        SimulatedActor failing = Start((_, _) => throw new InvalidOperationException("on purpose"));
        SimulatedActor watcher = Start((context, message) =>
        {
            if (message is "watch")
                context.Watch(failing);
        });
        watcher.Tell("watch");
        RunAll();
        failing.Tell("fail");
        failing.Tell("dropped");
        RunAll();
        Assert.Equal("on purpose", Assert.Single(_system.Failures).Message);
        Assert.Equal(["watch", "fail"], _seen.Where(message => message is string));
        Assert.Same(failing, Assert.Single(_seen.OfType<Terminated>()).Ref);
    }

    [Fact]
    public void Watching_an_actor_that_has_stopped_tells_so_at_once()
    {
        SimulatedActor watcher = Start((context, message) =>
        {
            if (message is "watch")
                context.Watch(context.Resolve("no such volume"));
        });
        watcher.Tell("watch");
        RunAll();
        Assert.Single(_seen.OfType<Terminated>());
    }

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
