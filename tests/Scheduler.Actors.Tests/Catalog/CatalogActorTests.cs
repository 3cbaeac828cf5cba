using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using static Scheduler.Actors.Tests.CatalogSamples;

namespace Scheduler.Actors.Tests;

/// <summary>The catalog as an actor over a journal.</summary>
public sealed class CatalogActorTests : ICatalogObserver
{
    private readonly TestJournal _journal = new();
    private readonly EventFormat _format = new(CatalogFormat.Kinds);
    private readonly LocalSystem _system;
    private readonly List<string> _seen = [];
    private readonly TaskCompletionSource<string> _conflict = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CatalogState? _state;

    public CatalogActorTests() => _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
    {
        Persistence = new PersistenceSetup(new LocalJournal(_journal), _format),
    };

    [Fact]
    public async Task A_change_is_durable_then_acted_upon_then_answered()
    {
        ActorRef catalog = Start();
        CatalogAnswer answer = await Do(catalog, new PutEntity(Guest(), "me"));
        Assert.Equal((1, Guest()), (answer.Entry!.Revision, answer.Entry.Entity));
        Assert.Equal(["recovered 0", "changed guest-added g by me, 1 in the journal"], _seen);
        _ = await Do(catalog, new PutEntity(Guest(), "me"));
        answer = await Do(catalog, new PutEntity(Guest() with { Weight = 0 }, "me"));
        Assert.Equal(CatalogProblem.Invalid, answer.Refusal!.Problem);
        Assert.Null(answer.Entry);
        answer = await Do(catalog, new DeleteEntity(CatalogKind.Guest, "g", "you"));
        Assert.Equal((null, null), (answer.Entry, answer.Refusal));
        Assert.Equal("changed guest-deleted g by you, 2 in the journal", _seen[^1]);
        Assert.Equal(3, _seen.Count);
    }

    [Fact]
    public async Task It_is_recovered_from_its_snapshot_and_its_history_stays()
    {
        ActorRef catalog = Start();
        for (int weight = 1; weight <= 25; weight++)
            _ = await Do(catalog, new PutEntity(Guest() with { Name = weight == 1 ? "first" : "g", Weight = weight }, "me"));
        await _journal.SavedAsync(20);
        LocalSystem.Stop(catalog);
        catalog = Start([Volume()]);
        CatalogAnswer answer = await Do(catalog, new PutEntity(Disk(), "me"));
        Assert.Equal(26, answer.Entry!.Revision);
        Assert.Equal(25, _state!.Find(CatalogKind.Guest, "g")!.Revision);
        Assert.Equal(25, _state.Find<CatalogGuest>("g")!.Weight);

        // The snapshot alone has it: the events since don't.
        Assert.Equal((1, 1), (_state.Find(CatalogKind.Guest, "first")!.Revision, _state.Find<CatalogGuest>("first")!.Weight));

        IReadOnlyList<CatalogChange> newest = await CatalogHistory.ReadAsync(_journal, _format, long.MaxValue, 2, default);
        Assert.Equal([26L, 25L], newest.Select(change => change.SequenceNumber));
        IReadOnlyList<CatalogChange> oldest = await CatalogHistory.ReadAsync(_journal, _format, 3, 1000, default);
        Assert.Equal([3L, 2L, 1L], oldest.Select(change => change.SequenceNumber));
        Assert.Equal([typeof(EntityChanged<CatalogGuest>), typeof(EntityAdded<CatalogGuest>), typeof(EntityAdded<CatalogGuest>)], oldest.Select(change => change.Event.GetType()));
        Assert.All(oldest, change => Assert.Equal(("me", At), (change.Event.By, change.Event.At)));
    }

    [Fact]
    public async Task What_the_file_declares_may_change_and_is_not_persisted()
    {
        ActorRef catalog = Start([Guest(), Volume()]);
        _ = await Do(catalog, new PutEntity(Disk(), "me"));
        Assert.Null(await Declare(Guest() with { Weight = 7 }, Volume()));
        Assert.Equal("declared", _seen[^1]);
        Assert.Equal((7, true), (_state!.Find<CatalogGuest>("g")!.Weight, _state.Find(CatalogKind.Guest, "g")!.IsDeclared));
        Assert.Equal(1, _state.Find(CatalogKind.Disk, "d")!.Revision);

        // A disk's guest can't go; then all stays as it was.
        Assert.Contains("guest g", await Declare(Volume()), StringComparison.Ordinal);
        Assert.Equal(7, _state.Find<CatalogGuest>("g")!.Weight);
        _ = Assert.Single(_journal.Events);

        Task<string?> Declare(params CatalogEntity[] declared)
        {
            TaskCompletionSource<string?> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            catalog.Tell(new DeclareCatalog(declared, done.SetResult));
            return done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    [Fact]
    public async Task A_conflict_with_the_file_is_told_and_stops_it()
    {
        ActorRef catalog = Start();
        _ = await Do(catalog, new PutEntity(Guest(), "me"));
        LocalSystem.Stop(catalog);
        catalog = Start([Guest()]);
        CatalogAnswer answer = await Do(catalog, new PutEntity(Guest("h"), "me"));
        Assert.Equal(CatalogProblem.Unavailable, answer.Refusal!.Problem);
        Assert.Contains("same name", await _conflict.Task.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
        _ = Assert.Single(_journal.Events);
    }

    [Fact]
    public async Task After_a_failed_write_it_recovers_what_happened_and_its_observer_is_told_of_all()
    {
        ActorRef owner = _system.ActorOf(
            new Props(() => new PersistentOwner("the catalog", Props([]), StartActor)), "owner", ThreadPoolDispatcher.Instance);
        _ = await Do(owner, new PutEntity(Guest(), "me"));
        _journal.FailNext = true;
        CatalogAnswer answer = await Do(owner, new PutEntity(Guest("h"), "me"));
        Assert.Equal(CatalogProblem.Unavailable, answer.Refusal!.Problem);
        do
            answer = await Do(owner, new PutEntity(Guest("h"), "me"));
        while (answer.Refusal?.Problem == CatalogProblem.Unavailable);
        Assert.Equal(2, answer.Entry!.Revision);
        Assert.Equal(["recovered 0", "changed guest-added g by me, 1 in the journal", "recovered 2"], _seen);
    }

    void ICatalogObserver.Recovered(CatalogState state)
    {
        _state = state;
        _seen.Add($"recovered {state.Entries.Count()}");
    }

    void ICatalogObserver.Changed(CatalogEvent happened, CatalogEntity? before, CatalogState state)
    {
        _state = state;
        Assert.Equal(happened.After, state.Find(happened.Key.Kind, happened.Key.Name)?.Entity);
        _seen.Add($"changed {_format.Write(happened).Manifest[..^2]} {happened.Key.Name} by {happened.By}, {_journal.Events.Count} in the journal");
    }

    void ICatalogObserver.Declared(CatalogState state)
    {
        _state = state;
        _seen.Add("declared");
    }

    void ICatalogObserver.Conflicts(string problem) => _ = _conflict.TrySetResult(problem);

    private static Task<CatalogAnswer> Do(ActorRef catalog, CatalogCommand command)
    {
        TaskCompletionSource<CatalogAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        catalog.Tell(new ChangeCatalog(command, done.SetResult));
        return done.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private ActorRef Start(params CatalogEntity[] declared) => StartActor(Props(declared));

    private ActorRef StartActor(Props props) => _system.ActorOf(props, "catalog", ThreadPoolDispatcher.Instance);

    private Props Props(CatalogEntity[] declared) => new(() => new Actors.Catalog(new CatalogSetup
    {
        Declared = declared,
        Observer = this,
        IsAttached = _ => false,
        Clock = new StoppedClock(),
        EventsPerSnapshot = 10,
    }));

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => At;
    }
}
