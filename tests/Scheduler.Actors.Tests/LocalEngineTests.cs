using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Tests;

/// <summary>What the seam promises, on the local engine, over each of its dispatchers.</summary>
public sealed class LocalEngineTests
{
    private readonly LocalSystem _system = new(NullLogger<LocalSystem>.Instance);
    private readonly ManualDispatcher _dispatcher = new();

    [Fact]
    public void Messages_are_handled_in_order_with_their_sender()
    {
        List<(object, ActorRef?)> seen = [];
        ActorRef actor = Start((message, context) => seen.Add((message, context.Sender)));
        ActorRef sender = Start((_, _) => { });
        actor.Tell("a", sender);
        actor.Tell("b");
        _dispatcher.RunAll();
        Assert.Equal([("a", sender), ("b", null)], seen);
    }

    [Fact]
    public void An_exception_stops_the_actor_alone_and_its_watchers_are_told_once()
    {
        List<object> seen = [];
        ActorRef failing = Start((_, _) => throw new InvalidOperationException("planted"));
        ActorRef watcher = Start((message, context) =>
        {
            seen.Add(message);
            if (message is ActorRef other)
            {
                context.Watch(other);
                context.Watch(other);
            }
        });
        watcher.Tell(failing);
        _dispatcher.RunAll();
        failing.Tell("boom");
        failing.Tell("dropped");
        _dispatcher.RunAll();
        watcher.Tell("still here");
        _dispatcher.RunAll();
        Assert.Equal([failing, new Terminated(failing), "still here"], seen);
        Assert.DoesNotContain(failing, _system.Actors);
    }

    [Fact]
    public void Watching_an_actor_that_has_stopped_answers_at_once_and_unwatching_silences_it()
    {
        List<object> seen = [];
        ActorRef stopped = Start((_, _) => { });
        LocalSystem.Stop(stopped);
        ActorRef alive = Start((_, _) => { });
        _dispatcher.RunAll();
        ActorRef watcher = Start((message, context) =>
        {
            if (message is Terminated)
                seen.Add(message);
            else
                context.Watch(stopped);
            if (message is "unwatch")
            {
                context.Watch(alive);
                context.Unwatch(alive);
            }
        });
        watcher.Tell("watch");
        _dispatcher.RunAll();
        Assert.Equal([new Terminated(stopped)], seen);
        watcher.Tell("unwatch");
        LocalSystem.Stop(alive);
        _dispatcher.RunAll();
        Assert.DoesNotContain(new Terminated(alive), seen);
    }

    [Fact]
    public void An_actor_that_stops_itself_handles_nothing_more_and_its_last_act_is_called_once()
    {
        int handled = 0;
        int stops = 0;
        ActorRef actor = Start(
            (_, context) =>
            {
                handled++;
                context.Stop(context.Self);
            },
            () => stops++);
        actor.Tell(1);
        actor.Tell(2);
        _dispatcher.RunAll();
        Assert.Equal((1, 1), (handled, stops));
    }

    [Fact]
    public void A_failure_to_start_counts_as_a_failure()
    {
        ActorRef actor = _system.ActorOf(new Props(() => throw new InvalidOperationException("planted")), "bad", _dispatcher);
        _dispatcher.RunAll();
        Assert.DoesNotContain(actor, _system.Actors);
    }

    [Fact]
    public async Task Timers_tell_the_actor_itself()
    {
        TaskCompletionSource<object> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef actor = _system.ActorOf(
            new Props(() => new Scripted((message, context) =>
            {
                if (message is "start")
                    context.TellSelfAfter(TimeSpan.FromMilliseconds(5), "later");
                else
                    told.SetResult(message);
            })),
            "timer",
            ThreadPoolDispatcher.Instance);
        actor.Tell("start");
        Assert.Equal("later", await told.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_senders_are_served_one_message_at_a_time(bool onLoop)
    {
        using EventLoop loop = new("test");
        loop.Start();
        int inside = 0;
        int handled = 0;

        // Not on the loop's thread: the test ends by disposing the loop.
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef actor = _system.ActorOf(
            new Props(() => new Scripted((_, _) =>
            {
                if (Interlocked.Increment(ref inside) != 1)
                    done.TrySetException(new InvalidOperationException("two messages at once"));
                if (++handled == 40_000)
                    done.TrySetResult();
                Interlocked.Decrement(ref inside);
            })),
            "busy",
            onLoop ? new LoopDispatcher(loop) : ThreadPoolDispatcher.Instance);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 10_000; i++)
                actor.Tell(this);
        })));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private ActorRef Start(Action<object, IActorContext> receive, Action? stop = null) =>
        _system.ActorOf(new Props(() => new Scripted(receive, stop)), "scripted", _dispatcher);

    private sealed class Scripted(Action<object, IActorContext> receive, Action? stop = null) : Actor
    {
        public override void Receive(object message) => receive(message, Context);

        public override void PostStop() => stop?.Invoke();
    }
}
