using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Running;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Tests.Api;

/// <summary>The real catalog over a journal in memory.</summary>
internal sealed class TestCatalog : ICatalogService, ICatalogObserver
{
    private readonly EventFormat _format = new(CatalogFormat.Kinds);
    private readonly MemoryJournal _journal = new();
    private readonly ActorRef _catalog;
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CatalogState _state = CatalogState.Empty;

    public TestCatalog(IReadOnlyList<CatalogEntity> declared)
    {
        LocalSystem system = new(NullLogger<LocalSystem>.Instance) { Persistence = new PersistenceSetup(new LocalJournal(_journal), _format) };
        CatalogSetup setup = new() { Declared = declared, Observer = this, IsAttached = Attached.Contains };
        _catalog = system.ActorOf(new Props(() => new Catalog(setup)), "catalog", ThreadPoolDispatcher.Instance);
    }

    /// <summary>Disks with rings.</summary>
    public HashSet<string> Attached { get; } = [];

    /// <summary>Called before each change is carried out, with its number.</summary>
    public Func<int, Task>? BeforeChange { get; set; }

    /// <summary>What a change waits for, until its client goes away.</summary>
    public Func<CancellationToken, Task>? Waits { get; set; }

    /// <summary>Refuses all changes, as a journal that is away does.</summary>
    public bool IsAway { get; set; }

    public Task Recovered => _recovered.Task;

    public int Changes { get; private set; }

    public CatalogState State => _state;

    public async Task<CatalogAnswer> ChangeAsync(CatalogCommand command, CancellationToken cancellation = default)
    {
        if (Waits is { } waits)
            await waits(cancellation);
        if (BeforeChange is { } before)
            await before(++Changes);
        return await CarryAsync(command);
    }

    public Task<CatalogAnswer> CarryAsync(CatalogCommand command)
    {
        TaskCompletionSource<CatalogAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ChangeCatalog change = new(command, done.SetResult);
        if (IsAway)
            change.Refuse("the catalog waits for its journal; try again");
        else
            _catalog.Tell(change);
        return done.Task;
    }

    public void Declared(CatalogState state) => _state = state;

    public Task<IReadOnlyList<CatalogChange>> HistoryAsync(long to, int count, CancellationToken cancellation) =>
        IsAway ? throw new JournalUnavailableException("the journal is away") : CatalogHistory.ReadAsync(_journal, _format, to, count, cancellation);

    public Task<int> DetachAsync(string disk) => Task.FromResult(Attached.Remove(disk) ? 1 : 0);

    void ICatalogObserver.Recovered(CatalogState state)
    {
        _state = state;
        _recovered.SetResult();
    }

    void ICatalogObserver.Changed(CatalogEvent happened, CatalogEntity? before, CatalogState state) => _state = state;

    void ICatalogObserver.Conflicts(string problem) => _recovered.SetException(new InvalidOperationException(problem));
}
