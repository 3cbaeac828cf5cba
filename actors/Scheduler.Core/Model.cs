// The mutable state of a volume's guests, disks and rings: plain records without behaviour of their own.
namespace Scheduler.Core;

/// <summary>A guest and what is known of it now.</summary>
internal sealed class Guest(int index, GuestSpec spec, int domains)
{
    public readonly int Index = index;

    /// <summary>They change when the guest is given others.</summary>
    public GuestSpec Spec = spec;
    public double Weight = spec.Weight / 100.0;

    /// <summary>Requests that are eligible but for the policy, in order of arrival.</summary>
    public readonly RequestQueue Reads = new();
    public readonly RequestQueue Writes = new();

    /// <summary>Q1: bytes written since the last flush of a domain began, and those that the flush in flight covers.</summary>
    public readonly long[] Dirty = new long[domains];
    public readonly long[] DirtyInFlush = new long[domains];

    /// <summary>Pieces on the device, without flushes.</summary>
    public int InFlight;

    /// <summary>Q1: bytes dispatched for writing that no flush has made durable yet.</summary>
    public long Unflushed;

    /// <summary>Q1: its oldest write waits until a flush brings <see cref="Unflushed"/> down.</summary>
    public bool WritesBlocked;

    /// <summary>Start tag of the guest's next piece, in weighted device time (Q2).</summary>
    public double ShareTag;

    /// <summary>Earliest time of the next piece by reservation, and by limit, in nanoseconds (Q3).</summary>
    public double ReservationTag;
    public double LimitTag;

    /// <summary>Charged device time, and flushes asked for, since the volume started.</summary>
    public double DeviceTimeNs;
    public long FlushRequests;

    public bool Backlogged => Reads.Head is not null || (Writes.Head is not null && !WritesBlocked);

    /// <summary>The oldest request that may go.</summary>
    public Request? Oldest
    {
        get
        {
            Request? write = WritesBlocked ? null : Writes.Head;
            Request? read = Reads.Head;
            if (read is null || write is null)
                return read ?? write;
            return read.Sequence < write.Sequence ? read : write;
        }
    }
}

/// <summary>A disk and how much of it may be unflushed.</summary>
internal sealed class Disk(int index, DiskSpec spec, Guest guest, int domains)
{
    public readonly int Index = index;
    public readonly Guest Guest = guest;

    /// <summary>They change when the disk grows.</summary>
    public DiskSpec Spec = spec;
    public ExtentMap Extents = new(spec);

    /// <summary>F2, F4: per domain, the moment of the latest completed write that was not durable by itself.</summary>
    public readonly long[] DirtyAt = new long[domains];
}

/// <summary>An attached ring, its slots and its streams.</summary>
internal sealed class Ring
{
    public readonly int Number;
    public readonly Disk Disk;
    public readonly Request[] Slots;
    public readonly RequestStream[] Streams;

    /// <summary>Slots with a request.</summary>
    public int Busy;

    /// <summary>The guest is gone: nothing new comes.</summary>
    public bool Detached;

    /// <summary>Closed by the scheduler (F6): what still comes is refused.</summary>
    public bool Disconnected;

    /// <summary>O6: answers given so far: what a front end counts to say what its guest had heard.</summary>
    public long Answers;

    /// <summary>Of a policy that drains rings.</summary>
    public readonly DrainScope Drain = new();

    /// <summary>What the flush gathering (F7) knows of the ring's habits.</summary>
    public FlushHabit Habit;

    public Ring(int number, Disk disk, int credits, int streams)
    {
        Number = number;
        Disk = disk;
        Slots = new Request[credits];
        for (int i = 0; i < credits; i++)
            Slots[i] = new Request(this, i);
        Streams = new RequestStream[streams];
        for (int i = 0; i < streams; i++)
            Streams[i] = new RequestStream(this, i);
    }
}
