using Scheduler.Actors;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>A disk as rings serve it.</summary>
public sealed record RingDisk
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the volume.</summary>
    public required string Volume { get; init; }

    /// <summary>What guests are told.</summary>
    public required BlkifDisk Info { get; init; }

    /// <summary>Loop of the volume: its rings run there.</summary>
    public required EventLoop Loop { get; init; }

    /// <summary>The guest that owns the disk.</summary>
    public required ServedGuest Guest { get; init; }

    /// <summary>How long a ring waits for its volume's next scheduler when the one it has is gone. Zero: it ends then; with barriers
    /// always (O6).</summary>
    public TimeSpan ReattachMax { get; init; }

    /// <summary>Starts a ring's actor on the volume's dispatcher.</summary>
    public required Func<Props, ActorRef> StartRing { get; init; }
}
