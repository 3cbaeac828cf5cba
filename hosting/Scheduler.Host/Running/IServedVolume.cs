using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>A volume as front ends see it: one that runs in this process, or wherever its owner in the cluster is.</summary>
internal interface IServedVolume
{
    /// <summary>The loop of its connections and rings.</summary>
    EventLoop Loop { get; }

    /// <summary>Granularity of offsets and lengths that it takes.</summary>
    int BlockSize { get; }

    /// <summary>Whether a ring may expect to be taken.</summary>
    bool IsAvailable { get; }

    /// <summary>How long a ring's requests wait for its next scheduler when the one it has is gone; zero: they fail.</summary>
    TimeSpan ReattachMax { get; }

    /// <summary>Bytes of a disk.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <returns>Its size; null if it is not served.</returns>
    long? SizeOf(string disk);

    /// <summary>Starts the actor of a ring on <see cref="Loop"/>.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="props">How to make it.</param>
    ActorRef StartRing(string disk, Props props);
}
