using Akka.Actor;

namespace Scheduler.Host.Cluster;

/// <summary>
/// Has a node follow what others change in the catalog: at once when they say so, and now and then by itself, for what they say may
/// get lost. Closes connections to a disk for them.
/// </summary>
/// <param name="engine">The node.</param>
internal sealed class CatalogFollower(ClusterEngine engine) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    /// <summary>Akka.NET's.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(Look.Instance, Look.Instance, s_look);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case CatalogChanged or Look:
                _ = engine.Service.Catalog.CatchUpAsync();
                break;
            case DetachDisk detach:
                Sender.Tell(new DiskDetached(engine.Service.Catalog.DetachHere(detach.Disk)));
                break;
        }
    }

    private sealed record Look
    {
        public static readonly Look Instance = new();
    }
}
