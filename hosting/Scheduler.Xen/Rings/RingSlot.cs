using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>A request of a ring, from its entry to its response.</summary>
internal sealed class RingSlot
{
    /// <summary>The request.</summary>
    public BlkifRequest Request;

    /// <summary>Its record among those under way.</summary>
    public int Record { get; set; }

    /// <summary>A flush that goes before it is under way.</summary>
    public bool FlushFirst { get; set; }

    /// <summary>Where its data are.</summary>
    public nint Data { get; set; }

    /// <summary>A buffer of the service's, or 0.</summary>
    public nint Buffer { get; set; }

    /// <summary>Its bytes.</summary>
    public int BufferBytes { get; set; }

    /// <summary>Of a read into a buffer, where the data belong.</summary>
    public BlkifSegment[] Segments { get; set; } = [];
}
