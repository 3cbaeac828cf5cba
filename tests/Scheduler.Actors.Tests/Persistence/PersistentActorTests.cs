using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;

namespace Scheduler.Actors.Tests;

/// <summary>Persistent actors on the local engine, where the journal is told when it answers.</summary>
public sealed class PersistentActorTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TestJournal _journal = new();
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly LocalSystem _system;

    public PersistentActorTests() => _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
    {
        Persistence = new PersistenceSetup(new LocalJournal(_journal), Counter.Format),
    };

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

    [Theory]
    [InlineData(false, "2 after 2")]
    [InlineData(true, "7 after 3")]
    public async Task A_failed_append_stops_the_actor_and_its_owner_has_it_recover_what_really_happened(bool written, string after)
    {
        ActorRef owner = _system.ActorOf(
            new Props(() => new PersistentOwner("counter", new Props(() => new Counter()), StartActor)), "owner", ThreadPoolDispatcher.Instance);
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

    private ActorRef Start() => StartActor(new Props(() => new Counter()));

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
}
