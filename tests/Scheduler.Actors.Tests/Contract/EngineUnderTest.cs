using System.Collections.Concurrent;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>An engine as the contract sees it. Linked into the tests of each engine.</summary>
public abstract class EngineUnderTest : IAsyncDisposable
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>What stopped actors.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    public abstract ActorRef ActorOf(Props props, string name);

    public abstract void Stop(ActorRef actor);

    public abstract void Register(string volume, ActorRef actor);

    /// <summary>Lets the actors work until something holds.</summary>
    public virtual async Task UntilAsync(Func<bool> holds)
    {
        for (DateTime end = DateTime.UtcNow + Patience; !holds();)
        {
            Assert.True(DateTime.UtcNow < end, "it has not come about");
            await Task.Delay(2);
        }
    }

    /// <summary>Writes to the journal beside the engine.</summary>
    public abstract Task AppendAsync(IReadOnlyList<JournalEvent> events);

    /// <summary>What the journal holds.</summary>
    public abstract Task<IReadOnlyList<JournalEvent>> StoredAsync(string persistenceId);

    /// <summary>Has the journal fail until it is mended.</summary>
    public abstract Task BreakJournalAsync();

    public abstract Task MendJournalAsync();

    public abstract ValueTask DisposeAsync();
}

/// <summary>A base for tests of one engine.</summary>
public abstract class EngineTests : IAsyncLifetime
{
    private EngineUnderTest? _engine;

    protected EngineUnderTest Engine => _engine!;

    public async Task InitializeAsync() => _engine = await StartEngineAsync(persistent: true);

    public async Task DisposeAsync() => await Engine.DisposeAsync();

    /// <summary>Starts an engine, with an empty journal of the counter's events or without one.</summary>
    protected abstract Task<EngineUnderTest> StartEngineAsync(bool persistent);
}

/// <summary>An actor whose acts are given.</summary>
internal sealed class Scripted(Action<object, IActorContext> receive, Action? stop = null) : Actor
{
    public override void Receive(object message) => receive(message, Context);

    public override void PostStop() => stop?.Invoke();
}
