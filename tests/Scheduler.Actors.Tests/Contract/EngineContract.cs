using System.Collections.Concurrent;

namespace Scheduler.Actors.Tests;

/// <summary>What the seam promises of actors, whatever engine runs them.</summary>
public abstract class EngineContract : EngineTests
{
    private readonly ConcurrentQueue<object> _seen = new();

    [Fact]
    public async Task Messages_of_a_sender_are_handled_in_order_and_show_the_sender()
    {
        ConcurrentQueue<(object, ActorRef?)> seen = new();
        ActorRef actor = Start((message, context) => seen.Enqueue((message, context.Sender)));
        ActorRef sender = Start((_, _) => { });
        for (int i = 0; i < 100; i++)
            actor.Tell(i, i % 2 == 0 ? sender : null);
        await Engine.UntilAsync(() => seen.Count == 100);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => ((object)i, i % 2 == 0 ? sender : null)), seen);
    }

    [Fact]
    public async Task An_exception_stops_the_actor_alone_and_its_watchers_are_told_once()
    {
        ActorRef failing = Start((message, _) =>
        {
            _seen.Enqueue(message);
            throw new InvalidOperationException("planted");
        });
        ActorRef watcher = Watcher();
        watcher.Tell(failing);
        watcher.Tell(failing);
        failing.Tell("boom");
        failing.Tell("dropped");
        await Engine.UntilAsync(() => _seen.OfType<Terminated>().Any());
        watcher.Tell("still here");
        await Engine.UntilAsync(() => _seen.Contains("still here"));

        // In which order it stops and is watched is up to the engine.
        Assert.Equal(["boom", "still here"], _seen.OfType<string>());
        Assert.Equal([new Terminated(failing)], _seen.OfType<Terminated>());
        Assert.Equal("planted", Assert.Single(Engine.Failures).Message);
    }

    [Fact]
    public async Task Watching_an_actor_that_has_stopped_is_answered()
    {
        ActorRef stopped = Start((_, _) => { }, () => _seen.Enqueue("stopped"));
        Engine.Stop(stopped);
        await Engine.UntilAsync(() => _seen.Contains("stopped"));
        Watcher().Tell(stopped);
        await Engine.UntilAsync(() => _seen.Contains(new Terminated(stopped)));
    }

    [Fact]
    public async Task Unwatching_silences_it()
    {
        ActorRef actor = Start((_, _) => { });
        ActorRef other = Watcher();
        ConcurrentQueue<object> told = new();
        ActorRef watcher = Start((message, context) =>
        {
            told.Enqueue(message);
            if (message is "watch")
            {
                context.Watch(actor);
                context.Unwatch(actor);
            }
        });
        watcher.Tell("watch");
        other.Tell(actor);
        await Engine.UntilAsync(() => !told.IsEmpty && !_seen.IsEmpty);
        Engine.Stop(actor);
        await Engine.UntilAsync(() => _seen.Contains(new Terminated(actor)));
        watcher.Tell("marker");
        await Engine.UntilAsync(() => told.Contains("marker"));
        Assert.Equal(["watch", "marker"], told);
    }

    [Fact]
    public async Task An_actor_that_stops_itself_handles_nothing_more_and_its_last_act_is_called_once()
    {
        ActorRef actor = Start(
            (message, context) =>
            {
                _seen.Enqueue(message);
                context.Stop(context.Self);
            },
            () => _seen.Enqueue("last act"));
        ActorRef watcher = Watcher();
        watcher.Tell(actor);
        actor.Tell("first");
        actor.Tell("second");
        await Engine.UntilAsync(() => _seen.Contains(new Terminated(actor)));
        Assert.Equal(["first", "last act"], _seen.OfType<string>());
        Assert.Empty(Engine.Failures);
    }

    [Fact]
    public async Task A_failure_to_start_counts_as_a_failure()
    {
        ActorRef actor = Engine.ActorOf(new Props(() => throw new InvalidOperationException("planted")), "bad");
        Watcher().Tell(actor);
        await Engine.UntilAsync(() => _seen.Contains(new Terminated(actor)));
        Assert.Equal("planted", Assert.Single(Engine.Failures).Message);
    }

    [Fact]
    public async Task Timers_tell_the_actor_itself()
    {
        ActorRef actor = Start((message, context) =>
        {
            _seen.Enqueue((message, context.Sender));
            if (message is "start")
                context.TellSelfAfter(TimeSpan.FromMilliseconds(5), "later");
        });
        actor.Tell("start", actor);
        await Engine.UntilAsync(() => _seen.Count == 2);
        Assert.Equal([((object)"start", actor), ("later", (ActorRef?)null)], _seen.Cast<(object, ActorRef?)>());
    }

    [Fact]
    public async Task Many_senders_are_served_one_message_at_a_time()
    {
        int inside = 0;
        int handled = 0;
        bool together = false;
        ActorRef actor = Start((_, _) =>
        {
            together |= Interlocked.Increment(ref inside) != 1;
            handled++;
            _ = Interlocked.Decrement(ref inside);
        });
        foreach (ActorRef sender in Enumerable.Range(0, 4).Select(_ => Start((_, context) =>
        {
            for (int i = 0; i < 2_000; i++)
                actor.Tell(i, context.Self);
        })))
            sender.Tell("go");
        await Engine.UntilAsync(() => Volatile.Read(ref handled) == 8_000);
        Assert.False(together);
    }

    [Fact]
    public async Task A_volume_is_found_by_its_name_and_one_that_is_not_there_has_stopped()
    {
        ActorRef volume = Start((message, context) => _seen.Enqueue((message, context.Sender)));
        Engine.Register("v", volume);
        ActorRef ring = Start((message, context) =>
        {
            if (message is Terminated)
                _seen.Enqueue("gone");
            else
                context.Resolve("v").Tell(message, context.Self);
            if (message is "look")
                context.Watch(context.Resolve("none"));
        });
        ring.Tell("look");
        await Engine.UntilAsync(() => _seen.Count == 2);
        Assert.Contains(((object)"look", (ActorRef?)ring), _seen);
        Assert.Contains("gone", _seen);
    }

    [Fact]
    public async Task Who_hears_that_a_volume_has_stopped_finds_its_next_scheduler()
    {
        ActorRef first = Start((message, context) => context.Sender!.Tell("watched", context.Self));
        ActorRef second = Start((message, context) => _seen.Enqueue((message, context.Sender)));
        Engine.Register("v", first);
        ActorRef ring = Start((message, context) =>
        {
            _seen.Enqueue(message);
            if (message is "look")
                context.Watch(context.Resolve("v"));
            if (message is "look" or Terminated)
                context.Resolve("v").Tell(message is Terminated ? "again" : "first", context.Self);
        });
        ring.Tell("look");
        await Engine.UntilAsync(() => _seen.Contains("watched"));
        Engine.Register("v", second);
        Engine.Stop(first);
        await Engine.UntilAsync(() => _seen.Contains(((object)"again", (ActorRef?)ring)));
        Assert.Equal(["look", "watched", new Terminated(first), ((object)"again", (ActorRef?)ring)], _seen);
    }

    [Fact]
    public async Task Who_waits_for_an_answer_is_told_when_the_actor_has_stopped()
    {
        ActorRef actor = Start((message, _) =>
        {
            if (message is "boom")
                throw new InvalidOperationException("planted");
        });
        actor.Tell("boom");
        actor.Tell(new Add(1, _seen.Enqueue));
        ActorRef ring = Start((_, context) => context.Resolve("none").Tell(new Add(2, _seen.Enqueue)));
        ring.Tell("go");
        await Engine.UntilAsync(() => _seen.Count == 2);
        Assert.All(_seen, answer => Assert.StartsWith("refused: ", (string)answer, StringComparison.Ordinal));
    }

    private ActorRef Start(Action<object, IActorContext> receive, Action? stop = null) =>
        Engine.ActorOf(new Props(() => new Scripted(receive, stop)), "scripted");

    // Watches whom it is told of.
    private ActorRef Watcher() => Start((message, context) =>
    {
        _seen.Enqueue(message);
        if (message is ActorRef other)
            context.Watch(other);
    });
}
