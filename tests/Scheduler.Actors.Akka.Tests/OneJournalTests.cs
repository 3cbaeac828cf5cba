using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Actors.Tests;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Actors.Akka.Tests;

/// <summary>The local engine and Akka.NET's use one journal, and nodes of the latter hand its actors to each other.</summary>
[Collection("postgres")]
public sealed class OneJournalTests(PostgresServer server)
{
    private const int Never = int.MaxValue;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_local_engine_began_goes_on_on_Akka_and_back(bool onPostgres)
    {
        using JournalPlace place = await PlaceAsync(onPostgres);
        Assert.Equal(["1 after 1", "2 after 2", "3 after 3", "4 after 4"], await OnLocalAsync(place, 1, 1, 1, 1));
        Assert.Equal(["4 after 4", "14 after 5", "24 after 6"], await OnAkkaAsync(place, 0, 10, 10));
        Assert.Equal(["24 after 6", "124 after 7", "224 after 8"], await OnLocalAsync(place, 0, 100, 100));
        Assert.Equal(["224 after 8", "1224 after 9"], await OnAkkaAsync(place, 0, 1000));

        await using SqlJournal journal = await EventJournals.OpenAsync(place.Name);
        Assert.Empty((await JournalCheck.RunAsync(journal)).Problems);
        List<StoredEvent> events = [];
        List<StoredSnapshot> snapshots = [];
        await journal.ReadAllAsync(
            stored =>
            {
                events.Add(stored);
                return ValueTask.CompletedTask;
            },
            stored =>
            {
                snapshots.Add(stored);
                return ValueTask.CompletedTask;
            });
        Assert.Equal(Enumerable.Range(1, 9).Select(number => $"{number} added/3 7109"), events.Select(stored => $"{stored.SequenceNumber} {stored.Manifest} {stored.SerializerId}"));

        // The starts, in their order; and who wrote, of Akka.NET's rows too.
        Assert.Equal([4, 2, 2, 1], events.GroupBy(stored => stored.WriterUuid).Select(writer => writer.Count()));
        Assert.All(events, stored => Assert.Matches("^[0-9a-f]{32}$", stored.WriterUuid));
        Assert.Equal(["8 total/2 7109"], snapshots.Select(stored => $"{stored.SequenceNumber} {stored.Manifest} {stored.SerializerId}"));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_returns_to_a_node_that_never_stopped_is_recovered_whole_by_another(bool onPostgres)
    {
        using JournalPlace place = await PlaceAsync(onPostgres);
        await using AkkaNode a = new(new AkkaPersistence(place.Name, Counter.Format));
        await using AkkaNode b = new(new AkkaPersistence(place.Name, Counter.Format));
        await using AkkaNode c = new(new AkkaPersistence(place.Name, Counter.Format));

        // Without snapshots, so that all of the events are replayed.
        Assert.Equal(["1 after 1", "2 after 2"], await OnAsync(a, Never, 1, 1));
        Assert.Equal(["3 after 3"], await OnAsync(b, Never, 1));
        Assert.Equal(["4 after 4", "5 after 5"], await OnAsync(a, Never, 1, 1));
        Assert.Equal(["5 after 5"], await OnAsync(c, Never, 0));
    }

    private async Task<JournalPlace> PlaceAsync(bool onPostgres) =>
        onPostgres ? await JournalPlace.OnAsync(server.Cluster) : await JournalPlace.InFileAsync();

    private static async Task<List<string>> OnLocalAsync(JournalPlace place, params int[] amounts)
    {
        await using SqlJournal journal = await EventJournals.OpenAsync(place.Name);
        LocalSystem system = new(NullLogger<LocalSystem>.Instance) { Persistence = new PersistenceSetup(new LocalJournal(journal), Counter.Format) };
        return await CountAsync(props => system.ActorOf(props, "counter", ThreadPoolDispatcher.Instance), LocalSystem.Stop, 4, amounts);
    }

    private static async Task<List<string>> OnAkkaAsync(JournalPlace place, params int[] amounts)
    {
        await using AkkaNode node = new(new AkkaPersistence(place.Name, Counter.Format));
        return await OnAsync(node, 4, amounts);
    }

    private static Task<List<string>> OnAsync(AkkaNode node, int snapshotEvery, params int[] amounts) =>
        CountAsync(props => node.System.ActorOf(props, "counter"), node.System.Stop, snapshotEvery, amounts);

    // One incarnation, from recovery until it has stopped: what it answers. It has taken its snapshot by then.
    private static async Task<List<string>> CountAsync(Func<Props, ActorRef> start, Action<ActorRef> stop, int snapshotEvery, int[] amounts)
    {
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource saved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef counter = start(new Props(() => new Counter(snapshotEvery, message =>
        {
            if (message is SaveSnapshotSuccess)
                saved.TrySetResult();
        })));
        List<string> answers = [];
        foreach (int amount in amounts)
        {
            TaskCompletionSource<string> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            counter.Tell(new Add(amount, answer.SetResult));
            answers.Add(await answer.Task.WaitAsync(s_patience));
        }

        if (amounts[^1] != 0 && int.Parse(answers[^1].Split(' ')[^1], CultureInfo.InvariantCulture) % snapshotEvery == 0)
            await saved.Task.WaitAsync(s_patience);
        ActorRef watcher = start(new Props(() => new Scripted((message, context) =>
        {
            if (message is Terminated)
            {
                stopped.SetResult();
                context.Stop(context.Self);
            }
            else
            {
                context.Watch(counter);
            }
        })));
        watcher.Tell("watch");
        stop(counter);
        await stopped.Task.WaitAsync(s_patience);
        return answers;
    }
}
