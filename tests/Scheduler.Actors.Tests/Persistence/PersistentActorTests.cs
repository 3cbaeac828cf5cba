using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>What the seam promises of persistent actors, on the local engine.</summary>
public sealed class PersistentActorTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TestJournal _journal = new();
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly List<object> _recovered = [];
    private readonly LocalSystem _system;

    public PersistentActorTests() => _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
    {
        Persistence = new PersistenceSetup(new LocalJournal(_journal), Counter.Format),
    };

    [Fact]
    public async Task Commands_wait_in_order_for_recovery_and_for_each_others_events()
    {
        ActorRef counter = Start();
        foreach (int amount in (int[])[1, 0, 2, 0, 3])
            counter.Tell(new Add(amount, Answer), counter);
        Assert.Equal(["1 after 1", "1 after 1", "3 after 2", "3 after 2", "6 after 3"], await Answers(5));
        Assert.Equal(["added/2", "added/2", "added/2"], _journal.Events.Select(stored => stored.Manifest));
    }

    [Fact]
    public async Task A_command_is_not_answered_before_its_event_is_durable_and_what_comes_meanwhile_waits()
    {
        ActorRef counter = Start();
        counter.Tell(new Add(0, Answer));
        Assert.Equal(["0 after 0"], await Answers(1));
        TaskCompletionSource gate = _journal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        counter.Tell(new Add(1, Answer));
        counter.Tell(new Add(0, Answer));
        await Task.Delay(50);
        Assert.False(_answers.Reader.TryPeek(out _));
        gate.SetResult();
        Assert.Equal(["1 after 1", "1 after 1"], await Answers(2));
    }

    [Fact]
    public async Task A_new_incarnation_continues_from_the_snapshot_and_the_events_since()
    {
        ActorRef first = Start(snapshotEvery: 4);
        for (int i = 0; i < 6; i++)
            first.Tell(new Add(1, Answer));
        _ = await Answers(6);
        LocalSystem.Stop(first);
        await _journal.SavedAsync(4);
        Start().Tell(new Add(10, Answer));
        Assert.Equal(["16 after 7"], await Answers(1));
        Assert.Equal([new SnapshotOffer(4, new Total(4)), new Added(1, "test"), new Added(1, "test"), RecoveryCompleted.Instance], _recovered);
    }

    [Fact]
    public async Task Recovery_reads_many_pages()
    {
        await _journal.AppendAsync([.. Enumerable.Range(1, 1000).Select(Stored)]);
        Start().Tell(new Add(0, Answer));
        Assert.Equal(["1000 after 1000"], await Answers(1));
        Assert.Equal(1001, _recovered.Count);
    }

    [Theory]
    [InlineData(false, "2 after 2")]
    [InlineData(true, "7 after 3")]
    public async Task A_failed_append_stops_the_actor_and_its_owner_has_it_recover_what_really_happened(bool written, string after)
    {
        ActorRef owner = _system.ActorOf(
            new Props(() => new PersistentOwner("counter", new Props(() => new Counter(recovered: _recovered)), StartActor)), "owner", ThreadPoolDispatcher.Instance);
        owner.Tell(new Add(1, Answer));
        owner.Tell(new Add(1, Answer));
        Assert.Equal(["1 after 1", "2 after 2"], await Answers(2));
        TaskCompletionSource gate = _journal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _journal.FailNext = written;
        owner.Tell(new Add(5, Answer));
        owner.Tell(new Add(6, Answer));
        await Task.Delay(20);
        _journal.Gate = null;
        gate.SetResult();

        List<string> refused = await Answers(2);
        Assert.Contains("may or may not", refused[0], StringComparison.Ordinal);
        Assert.Contains("try again", refused[1], StringComparison.Ordinal);
        string answer;
        do
        {
            owner.Tell(new Add(0, Answer));
            answer = (await Answers(1))[0];
        }
        while (answer.StartsWith("refused: ", StringComparison.Ordinal));
        Assert.Equal(after, answer);
    }

    [Fact]
    public async Task Two_incarnations_do_not_both_write()
    {
        ActorRef one = Start();
        ActorRef other = Start();
        one.Tell(new Add(0, Answer));
        other.Tell(new Add(0, Answer));
        _ = await Answers(2);
        one.Tell(new Add(1, Answer));
        Assert.Equal(["1 after 1"], await Answers(1));
        other.Tell(new Add(1, Answer));
        await Stopped(other);
        _ = Assert.Single(_journal.Events);
    }

    [Fact]
    public async Task An_event_of_a_newer_program_stops_recovery_and_who_waits_is_told()
    {
        await _journal.AppendAsync([Stored(1), Stored(2) with { Manifest = "added/9" }]);
        ActorRef counter = Start();
        counter.Tell(new Add(1, Answer));
        Assert.StartsWith("refused: ", (await Answers(1))[0], StringComparison.Ordinal);
        await Stopped(counter);
        Assert.Equal(2, _journal.Events.Count);
    }

    [Fact]
    public async Task Beyond_the_bound_who_waits_for_an_answer_is_refused()
    {
        ActorRef counter = Start();
        counter.Tell(new Add(0, Answer));
        _ = await Answers(1);
        TaskCompletionSource gate = _journal.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (int i = 0; i < PersistentTurns.HeldMax + 10; i++)
            counter.Tell(new Add(1, Answer));

        // One is being written, so many wait.
        Assert.All(await Answers(9), answer => Assert.Contains("messages waiting", answer, StringComparison.Ordinal));
        gate.SetResult();
        Assert.Equal("4097 after 4097", (await Answers(PersistentTurns.HeldMax + 1))[^1]);
    }

    [Fact]
    public async Task Without_a_journal_a_persistent_actor_does_not_start()
    {
        LocalSystem system = new(NullLogger<LocalSystem>.Instance);
        ActorRef counter = system.ActorOf(new Props(() => new Counter()), "counter", ThreadPoolDispatcher.Instance);
        counter.Tell(new Add(1, Answer));
        Assert.StartsWith("refused: ", (await Answers(1))[0], StringComparison.Ordinal);
    }

    private static JournalEvent Stored(int number) =>
        new("counter", number, "added/2", EventFormat.SerializerId, Counter.Format.Write(new Added(1, "test")).Text);

    private ActorRef Start(int snapshotEvery = int.MaxValue)
    {
        _recovered.Clear();
        return StartActor(new Props(() => new Counter(snapshotEvery, _recovered)));
    }

    private ActorRef StartActor(Props props) => _system.ActorOf(props, "counter", ThreadPoolDispatcher.Instance);

    private void Answer(string text) => Assert.True(_answers.Writer.TryWrite(text));

    private async Task<List<string>> Answers(int count)
    {
        using CancellationTokenSource patience = new(s_patience);
        List<string> answers = [];
        while (answers.Count < count)
            answers.Add(await _answers.Reader.ReadAsync(patience.Token));
        return answers;
    }

    private async Task Stopped(ActorRef actor)
    {
        for (DateTime end = DateTime.UtcNow + s_patience; _system.Actors.Contains(actor) && DateTime.UtcNow < end;)
            await Task.Delay(5);
        Assert.DoesNotContain(actor, _system.Actors);
    }
}
