using System.Collections.Concurrent;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>What the seam promises of persistent actors, whatever engine runs them.</summary>
public abstract class PersistenceContract : EngineTests
{
    private readonly ConcurrentQueue<string> _answers = new();
    private readonly ConcurrentQueue<object> _recovered = new();

    [Fact]
    public async Task Commands_wait_in_order_for_recovery_and_for_each_others_events()
    {
        ActorRef counter = Start();
        foreach (int amount in (int[])[1, 0, 2, 0, 3])
            counter.Tell(new Add(amount, _answers.Enqueue), counter);
        await AnswersAsync("1 after 1", "1 after 1", "3 after 2", "3 after 2", "6 after 3");
        Assert.Equal(
            ["1 added/3 7109", "2 added/3 7109", "3 added/3 7109"],
            (await Engine.StoredAsync("counter")).Select(stored => $"{stored.SequenceNumber} {stored.Manifest} {stored.SerializerId}"));
    }

    [Fact]
    public async Task What_a_command_and_its_handlers_persist_is_handled_in_order_before_the_next_command()
    {
        ActorRef counter = Start();
        counter.Tell(new AddAll([1, 2, 3], Nested: false, _answers.Enqueue), counter);
        counter.Tell(new Add(0, _answers.Enqueue));
        counter.Tell(new AddAll([10, 20], Nested: true, _answers.Enqueue));
        counter.Tell(new Add(0, _answers.Enqueue));
        await AnswersAsync("1 after 1", "3 after 2", "6 after 3", "6 after 3", "16 after 4", "36 after 5", "36 after 5");
    }

    [Fact]
    public async Task A_new_incarnation_continues_from_the_snapshot_and_the_events_since()
    {
        ActorRef first = Start(snapshotEvery: 4);
        for (int i = 0; i < 10; i++)
            first.Tell(new Add(1, _answers.Enqueue));
        await Engine.UntilAsync(() => _answers.Count == 10 && _recovered.Contains(new SaveSnapshotSuccess(8)));
        await StopAsync(first);
        _answers.Clear();
        _recovered.Clear();
        Start().Tell(new Add(10, _answers.Enqueue));
        await AnswersAsync("20 after 11");
        Assert.Equal([new SnapshotOffer(8, new Total(8)), new Added(1, "test"), new Added(1, "test"), RecoveryCompleted.Instance], _recovered);
    }

    [Fact]
    public async Task Recovery_reads_many_events()
    {
        await Engine.AppendAsync([.. Enumerable.Range(1, 1000).Select(number => Stored(number))]);
        Start().Tell(new Add(0, _answers.Enqueue));
        await AnswersAsync("1000 after 1000");
        Assert.Equal(1001, _recovered.Count);
    }

    [Fact]
    public async Task An_event_of_an_older_program_is_upcast()
    {
        await Engine.AppendAsync([Stored(1) with { Manifest = "added/1", Message = """{"Amount":5}"""u8.ToArray() }]);
        Start().Tell(new Add(0, _answers.Enqueue));
        await AnswersAsync("5 after 1");
        Assert.Contains(new Added(5, "somebody"), _recovered);
    }

    [Theory]
    [InlineData("added/9", 7109)]
    [InlineData("S", 17)]
    public async Task An_event_of_a_newer_or_another_program_stops_recovery_and_who_waits_is_told(string manifest, int serializer)
    {
        await Engine.AppendAsync([Stored(1), Stored(2) with { Manifest = manifest, SerializerId = serializer }]);
        ActorRef counter = Start();
        counter.Tell(new Add(1, _answers.Enqueue));
        await Engine.UntilAsync(() => !_answers.IsEmpty);
        Assert.StartsWith("refused: ", Assert.Single(_answers), StringComparison.Ordinal);
        Assert.Contains(Engine.Failures, failure => failure is PersistenceException && failure.Message.Contains(serializer == 17 ? "17" : "'added/9'", StringComparison.Ordinal));
        Assert.Equal(2, (await Engine.StoredAsync("counter")).Count);
    }

    [Fact]
    public async Task Two_incarnations_do_not_both_write()
    {
        ActorRef one = Start();
        ActorRef other = Start();
        one.Tell(new Add(0, _answers.Enqueue));
        other.Tell(new Add(0, _answers.Enqueue));
        await AnswersAsync("0 after 0", "0 after 0");
        one.Tell(new Add(1, _answers.Enqueue));
        await AnswersAsync("1 after 1");
        other.Tell(new Add(1, _answers.Enqueue));
        await Engine.UntilAsync(() => !_answers.IsEmpty);
        Assert.Contains("may or may not", Assert.Single(_answers), StringComparison.Ordinal);
        _ = Assert.Single(await Engine.StoredAsync("counter"));
    }

    [Fact]
    public async Task A_failed_append_stops_the_actor_and_its_owner_has_it_recover_what_really_happened()
    {
        ActorRef owner = Engine.ActorOf(
            new Props(() => new PersistentOwner("counter", new Props(() => new Counter()), props => Engine.ActorOf(props, "counter"))), "owner");
        owner.Tell(new Add(1, _answers.Enqueue));
        await AnswersAsync("1 after 1");
        await Engine.BreakJournalAsync();
        owner.Tell(new Add(5, _answers.Enqueue));
        await Engine.UntilAsync(() => !_answers.IsEmpty);
        Assert.Contains("may or may not", Assert.Single(_answers), StringComparison.Ordinal);
        await Engine.MendJournalAsync();

        string? answer;
        do
        {
            _answers.Clear();
            owner.Tell(new Add(0, _answers.Enqueue));
            await Engine.UntilAsync(() => !_answers.IsEmpty);
        }
        while (!_answers.TryPeek(out answer) || answer.StartsWith("refused: ", StringComparison.Ordinal));
        Assert.Equal((await Engine.StoredAsync("counter")).Count == 1 ? "1 after 1" : "6 after 2", answer);
    }

    [Fact]
    public async Task Without_a_journal_a_persistent_actor_does_not_start()
    {
        await using EngineUnderTest engine = await StartEngineAsync(persistent: false);
        ActorRef counter = engine.ActorOf(new Props(() => new Counter()), "counter");
        counter.Tell(new Add(1, _answers.Enqueue));
        await engine.UntilAsync(() => !_answers.IsEmpty);
        Assert.StartsWith("refused: ", Assert.Single(_answers), StringComparison.Ordinal);
        Assert.Contains("no journal", Assert.Single(engine.Failures).Message, StringComparison.Ordinal);
    }

    private static JournalEvent Stored(int number) =>
        new("counter", number, "added/3", EventFormat.SerializerId, Counter.Format.Write(new Added(1, "test")).Text);

    private ActorRef Start(int snapshotEvery = int.MaxValue) =>
        Engine.ActorOf(new Props(() => new Counter(snapshotEvery, _recovered.Enqueue)), "counter");

    private async Task StopAsync(ActorRef actor)
    {
        bool gone = false;
        ActorRef watcher = Engine.ActorOf(
            new Props(() => new Scripted((message, context) =>
            {
                if (message is Terminated)
                    gone = true;
                else
                    context.Watch(actor);
            })),
            "watcher");
        watcher.Tell("watch");
        Engine.Stop(actor);
        await Engine.UntilAsync(() => Volatile.Read(ref gone));
    }

    // The answers so far, and no others.
    private async Task AnswersAsync(params string[] expected)
    {
        await Engine.UntilAsync(() => _answers.Count >= expected.Length);
        Assert.Equal(expected, _answers);
        _answers.Clear();
    }
}
