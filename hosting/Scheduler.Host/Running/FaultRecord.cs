using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>A volume's faults in the journal, while the volume runs: their history, or all that there is of them.</summary>
/// <param name="volume">Name of the volume.</param>
/// <param name="system">Runs its actors, and has a journal.</param>
internal sealed class FaultRecord(string volume, IActorSystem system) : IDisposable
{
    private static readonly TimeSpan s_journalTimeMax = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private ActorRef? _history;
    private ActorRef? _feed;

    /// <summary>On one machine: the domains' markers say what is fenced, and the history is written too. Nothing waits for that.</summary>
    /// <param name="domains">The open domains.</param>
    /// <returns>Where faults are recorded, and those that were found, by domain; 0: rings do not outlive this volume's scheduler.</returns>
    public (IFaultStore Store, IReadOnlyList<Fault?> Found, long Clearings) BesideMarkers(IReadOnlyList<VolumeDomain> domains)
    {
        ActorRef history = StartHistory();
        ActorRef feed = system.ActorOf(new Props(() => new FaultFeed(history)), $"fault-feed-{volume}");
        lock (_lock)
            _feed = feed;
        HistoricFaultStore store = new(new MarkerFaultStore([.. domains.Select(domain => domain.Marker)]), feed, TimeProvider.System);

        // What the history missed is written.
        for (int i = 0; i < domains.Count; i++)
        {
            if (domains[i].Marked is { } fault)
                store.Found(i, ErrorOf(fault), fault.Time);
            else
                store.FoundNone(i);
        }

        return (store, [.. domains.Select(domain => domain.Marked)], 0);
    }

    /// <summary>
    /// Where other machines may own the volume next: the journal alone says what is fenced. Called when the volume is owned. A
    /// marker that is found, from a time before, is moved there. Blocks until the journal has answered.
    /// </summary>
    /// <param name="domains">The open domains.</param>
    /// <param name="epoch">Of this owner.</param>
    /// <returns>Where faults are recorded, those that were found, by domain, and how often one was cleared.</returns>
    /// <exception cref="VolumeOpenException">The journal does not answer, or names a domain that the volume does not have.</exception>
    public (IFaultStore Store, IReadOnlyList<Fault?> Found, long Clearings) InJournal(IReadOnlyList<VolumeDomain> domains, long epoch)
    {
        JournalFaultStore store = new(volume, StartHistory(), TimeProvider.System, epoch);
        Fault?[] found = new Fault?[domains.Count];
        foreach (VolumeFaultRecorded fault in Read(store, domains[0].Path))
        {
            if (fault.Domain >= domains.Count)
            {
                throw new VolumeOpenException(
                    domains[0].Path,
                    $"the journal has an uncleared fault of its domain {fault.Domain}, and it has only {domains.Count}",
                    "configure its physical volumes as they were, and clear the fault");
            }

            found[fault.Domain] = new Fault(fault.Domain, fault.Errno, fault.At, "a sync of the volume failed");
        }

        for (int i = 0; i < domains.Count; i++)
        {
            if (domains[i].Marked is not { } marked)
                continue;
            found[i] ??= marked with { Domain = i };
            Move(domains[i], i, marked, store);
        }

        return (store, found, store.Clearings);
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

    // A marker that can't be understood is a fault too; its errno is unknown then.
    private static int ErrorOf(Fault fault) => Math.Max(1, fault.Error);

    private static IReadOnlyList<VolumeFaultRecorded> Read(JournalFaultStore store, string path)
    {
        using CancellationTokenSource limit = new(s_journalTimeMax);
        try
        {
            return store.ReadAsync(limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e)
        {
            throw new VolumeOpenException(path, e.Message, "check the journal's database");
        }
    }

    private static void Move(VolumeDomain domain, int index, Fault marked, JournalFaultStore store)
    {
        TaskCompletionSource<string?> recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Record(index, ErrorOf(marked), marked.Time, recorded.SetResult);
        if (recorded.Task.GetAwaiter().GetResult() is { } problem)
            throw new VolumeOpenException(domain.Path, problem, "check the journal's database");
        try
        {
            domain.Marker!.Clear();
        }
        catch (IOException e)
        {
            throw new VolumeOpenException(domain.Path, $"its fault is in the journal now, and its marker can't be removed: {e.Message}", "remove it by hand");
        }
    }

    private ActorRef StartHistory()
    {
        lock (_lock)
        {
            return _history = system.ActorOf(
                new Props(() => new PersistentOwner(
                    $"the history of volume {volume}", new Props(() => new FaultHistory(volume)), props => system.ActorOf(props, $"faults-{volume}"))),
                $"faults-of-{volume}");
        }
    }
}
