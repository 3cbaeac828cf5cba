using Scheduler.Actors;
using Scheduler.Actors.Tests;
using Scheduler.Storage.Journal;

namespace Scheduler.Simulation.Tests;

public sealed class SimulatedEngineContractTests : EngineContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => Task.FromResult<EngineUnderTest>(new SimulatedUnderTest(persistent));
}

public sealed class SimulatedPersistenceTests : PersistenceContract
{
    protected override Task<EngineUnderTest> StartEngineAsync(bool persistent) => Task.FromResult<EngineUnderTest>(new SimulatedUnderTest(persistent));
}

/// <summary>Works only while a test waits: all on the test's thread.</summary>
internal sealed class SimulatedUnderTest : EngineUnderTest
{
    private readonly SimulatedSystem _system = new(new Random(1), 0);
    private readonly JournalRecords _records = new();
    private readonly SimulatedJournal _journal;
    private int _failures;

    public SimulatedUnderTest(bool persistent)
    {
        _journal = new SimulatedJournal(_system, _records, new Random(1));
        if (persistent)
            _system.Persistence = new PersistenceSetup(_journal, Counter.Format);
    }

    public override ActorRef ActorOf(Props props, string name) => _system.ActorOf(props, name);

    public override void Stop(ActorRef actor) => ActorOf(new Props(() => new Scripted((_, context) => context.Stop(actor))), "stop").Tell("stop");

    public override void Register(string volume, ActorRef actor) => _system.Register(volume, actor);

    public override Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
        {
            Assert.True(_system.Advance(), "it has not come about, and there is nothing left to do");
            for (; _failures < _system.Failures.Count; _failures++)
                Failures.Enqueue(_system.Failures[_failures]);
        }

        return Task.CompletedTask;
    }

    public override Task AppendAsync(IReadOnlyList<JournalEvent> events)
    {
        _records.Add(events);
        return Task.CompletedTask;
    }

    public override Task<IReadOnlyList<JournalEvent>> StoredAsync(string persistenceId) => Task.FromResult(_records.Events(persistenceId));

    public override Task BreakJournalAsync()
    {
        _journal.FailOneOf = 1;
        return Task.CompletedTask;
    }

    public override Task MendJournalAsync()
    {
        _journal.FailOneOf = 0;
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
