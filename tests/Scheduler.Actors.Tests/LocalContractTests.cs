using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Tests;

public sealed class LocalEngineOnTheThreadPoolTests : EngineContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => Task.FromResult<EngineUnderTest>(new LocalUnderTest(persistent));
}

public sealed class LocalEngineOnALoopTests : EngineContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => Task.FromResult<EngineUnderTest>(new LocalUnderTest(persistent, new EventLoop("test")));
}

public sealed class LocalPersistenceTests : PersistenceContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => Task.FromResult<EngineUnderTest>(new LocalUnderTest(persistent));
}

internal sealed class LocalUnderTest : EngineUnderTest
{
    private readonly TestJournal _journal = new();
    private readonly EventLoop? _loop;
    private readonly IDispatcher _dispatcher = ThreadPoolDispatcher.Instance;
    private readonly LocalSystem _system;

    public LocalUnderTest(bool persistent, EventLoop? loop = null)
    {
        _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
        {
            Persistence = persistent ? new PersistenceSetup(new LocalJournal(_journal), Counter.Format) : null,
            Failed = (_, failure) => Failures.Enqueue(failure),
        };
        _loop = loop;
        if (loop is null)
            return;
        _dispatcher = new LoopDispatcher(loop);
        loop.Start();
    }

    public override ActorRef ActorOf(Props props, string name) => _system.ActorOf(props, name, _dispatcher);

    public override void Stop(ActorRef actor) => LocalSystem.Stop(actor);

    public override void Register(string volume, ActorRef actor) => _system.Register(volume, actor);

    public override async Task AppendAsync(IReadOnlyList<JournalEvent> events) => await _journal.AppendAsync(events);

    public override Task<IReadOnlyList<JournalEvent>> StoredAsync(string persistenceId) =>
        Task.FromResult<IReadOnlyList<JournalEvent>>([.. _journal.Events.Where(stored => stored.PersistenceId == persistenceId)]);

    public override Task BreakJournalAsync()
    {
        _journal.Broken = true;
        return Task.CompletedTask;
    }

    public override Task MendJournalAsync()
    {
        _journal.Broken = false;
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _loop?.Dispose();
        return ValueTask.CompletedTask;
    }
}
