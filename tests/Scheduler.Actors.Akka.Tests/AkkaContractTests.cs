using System.Data.Common;
using Scheduler.Actors.Tests;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Akka.Tests;

public sealed class AkkaEngineTests : EngineContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => AkkaUnderTest.StartAsync(persistent: false);
}

public sealed class AkkaEngineOnALoopTests : EngineContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => AkkaUnderTest.StartAsync(persistent: false, onLoop: true);
}

public sealed class AkkaPersistenceTests : PersistenceContract
{
    [Fact]
    public async Task Beyond_the_bound_who_waits_for_an_answer_is_refused()
    {
        int answered = 0;
        int refused = 0;
        ActorRef counter = Engine.ActorOf(new Props(() => new Counter()), "counter");
        counter.Tell(new Add(0, _ => answered++));
        await Engine.UntilAsync(() => Volatile.Read(ref answered) == 1);
        await using (await ((AkkaUnderTest)Engine).LockJournalAsync())
        {
            for (int i = 0; i < PersistentTurns.HeldMax + 10; i++)
                counter.Tell(new Add(1, answer => _ = Interlocked.Increment(ref answer.StartsWith("refused: ", StringComparison.Ordinal) ? ref refused : ref answered)));

            // One is being written, so many wait.
            await Engine.UntilAsync(() => Volatile.Read(ref refused) == 9);
            Assert.Equal(1, Volatile.Read(ref answered));
        }

        // Those that waited are handled one by one, and what a stopped actor leaves is refused: nobody waits for ever.
        await Engine.UntilAsync(() => Volatile.Read(ref answered) > 20);
        Assert.Equal(9, refused);
        Engine.Stop(counter);
        await Engine.UntilAsync(() => Volatile.Read(ref answered) + Volatile.Read(ref refused) == PersistentTurns.HeldMax + 11);
        Assert.Empty(Engine.Failures);
    }

    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => AkkaUnderTest.StartAsync(persistent);
}

internal sealed class AkkaUnderTest : EngineUnderTest
{
    private readonly JournalPlace? _place;
    private readonly AkkaNode _node;
    private readonly EventLoop? _loop;

    private AkkaUnderTest(JournalPlace? place, bool onLoop)
    {
        _place = place;
        _node = new AkkaNode(place is null ? null : new AkkaPersistence(place.Name, Counter.Format), Failures.Enqueue);
        if (!onLoop)
            return;
        _loop = new EventLoop("test");
        _loop.Start();
    }

    public static async Task<EngineUnderTest> StartAsync(bool persistent, bool onLoop = false) =>
        new AkkaUnderTest(persistent ? await JournalPlace.InFileAsync() : null, onLoop);

    public override ActorRef ActorOf(Props props, string name) => _node.System.ActorOf(props, name, _loop);

    public override void Stop(ActorRef actor) => _node.System.Stop(actor);

    public override void Register(string volume, ActorRef actor) => _node.System.Register(volume, actor);

    public override async Task AppendAsync(IReadOnlyList<JournalEvent> events)
    {
        await using SqlJournal journal = await EventJournals.OpenAsync(_place!.Name);
        await journal.AppendAsync(events);
    }

    public override async Task<IReadOnlyList<JournalEvent>> StoredAsync(string persistenceId)
    {
        await using SqlJournal journal = await EventJournals.OpenAsync(_place!.Name);
        List<JournalEvent> events = [];
        await foreach (JournalEvent stored in journal.ReadAsync(persistenceId))
            events.Add(stored);
        return events;
    }

    public override Task BreakJournalAsync() => _place!.SqlAsync("ALTER TABLE journal RENAME TO journal_away");

    public override Task MendJournalAsync() => _place!.SqlAsync("ALTER TABLE journal_away RENAME TO journal");

    /// <summary>Keeps everybody from writing until it is disposed.</summary>
    public async Task<IAsyncDisposable> LockJournalAsync()
    {
        DbConnection connection = _place!.Open();
        await connection.OpenAsync();
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        _ = await command.ExecuteNonQueryAsync();
        return connection;
    }

    public override async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _loop?.Dispose();
        _place?.Dispose();
    }
}
