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
            ActorRef history = Start();
            _feed = system.ActorOf(new Props(() => new FaultFeed(history)), $"fault-feed-{volume}");
            _store = new HistoricFaultStore(store, _feed, TimeProvider.System);
            return _store;
        }
    }

    /// <summary>Has the history alone say which faults there are: of a volume whose next owner may be on another machine (F6).</summary>
    /// <param name="domains">The volume's domains. A fault that a marker tells, of a time when the volume was this machine's alone, goes
    /// to the history, and the marker goes.</param>
    /// <param name="timeMax">Longest time to wait for the journal.</param>
    /// <returns>Where faults are durable, and the domains with the faults that the history tells.</returns>
    /// <exception cref="VolumeOpenException">The journal does not say.</exception>
    public async Task<(IFaultStore Store, IReadOnlyList<VolumeDomain> Domains)> AloneAsync(IReadOnlyList<VolumeDomain> domains, TimeSpan timeMax)
    {
        JournalFaultStore store;
        lock (_lock)
            store = new JournalFaultStore(volume, Start(), TimeProvider.System);
        using CancellationTokenSource patience = new(timeMax);
        try
        {
            Dictionary<int, Fault> faults = (await store.ReadAsync(patience.Token)).ToDictionary(
                fault => fault.Domain, fault => new Fault(fault.Domain, fault.Errno, fault.At, "a sync of the volume failed; acknowledged writes may be lost"));
            for (int i = 0; i < domains.Count; i++)
            {
                if (domains[i].Fault is not { } marked)
                    continue;
                TaskCompletionSource<string?> moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
                store.Record(i, Math.Max(1, marked.Error), marked.Time, moved.SetResult);
                if (await moved.Task.WaitAsync(patience.Token) is { } problem)
                    throw new VolumeOpenException(domains[i].Path, problem, "see that the journal's database runs");
                faults[i] = marked;
                domains[i].Marker!.Clear();
            }

            return (store, [.. domains.Select((domain, i) => domain with { Fault = faults.GetValueOrDefault(i), Marker = null })]);
        }
        catch (OperationCanceledException e)
        {
            throw new VolumeOpenException(domains[0].Path, e.Message, "see that the journal's database runs");
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

    private ActorRef Start() => _history = system.ActorOf(
        new Props(() => new PersistentOwner(
            $"the history of volume {volume}", new Props(() => new FaultHistory(volume)), props => system.ActorOf(props, $"faults-{volume}"))),
        $"faults-of-{volume}");

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
