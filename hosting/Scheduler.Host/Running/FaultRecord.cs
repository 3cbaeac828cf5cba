using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>The history of a volume's faults in the journal, while the volume runs. Nothing waits for it.</summary>
/// <param name="volume">Name of the volume.</param>
/// <param name="system">Runs its actors, and has a journal.</param>
internal sealed class FaultRecord(string volume, IActorSystem system) : IDisposable
{
    private readonly Lock _lock = new();
    private ActorRef? _history;
    private ActorRef? _feed;
    private HistoricFaultStore? _store;

    /// <summary>Has what a store records and clears written to the history too.</summary>
    /// <param name="store">Where faults are durable.</param>
    public IFaultStore Over(IFaultStore store)
    {
        lock (_lock)
        {
            _history = system.ActorOf(
                new Props(() => new PersistentOwner(
                    $"the history of volume {volume}", new Props(() => new FaultHistory(volume)), props => system.ActorOf(props, $"faults-{volume}"))),
                $"faults-of-{volume}");
            ActorRef history = _history;
            _feed = system.ActorOf(new Props(() => new FaultFeed(history)), $"fault-feed-{volume}");
            _store = new HistoricFaultStore(store, _feed, TimeProvider.System);
            return _store;
        }
    }

    /// <summary>Tells the history what was found when the volume was opened: what it missed is written.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <param name="fault">The fault that fences it, or null.</param>
    public void Found(int domain, Fault? fault)
    {
        if (fault is not null)
            _store!.Found(domain, Math.Max(1, fault.Error), fault.Time);
        else
            _store!.FoundNone(domain);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_feed is not null)
                system.Stop(_feed);
            if (_history is not null)
                system.Stop(_history);
        }
    }
}
