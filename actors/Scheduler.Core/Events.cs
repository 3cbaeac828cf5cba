namespace Scheduler.Core;

/// <summary>What can happen to a volume.</summary>
public enum EventKind : byte
{
    /// <summary>A ring comes.</summary>
    Attach,

    /// <summary>A ring goes; its requests that have not reached the device are dropped.</summary>
    Detach,

    /// <summary>A ring's request.</summary>
    Submit,

    /// <summary>The device finished an operation.</summary>
    Completed,

    /// <summary>The time that a <see cref="EffectKind.WakeAt"/> named has come.</summary>
    Tick,

    /// <summary>The fault that <see cref="EffectKind.RecordFault"/> named is durable.</summary>
    FaultRecorded,

    /// <summary>An operator clears a fault; its record is gone already.</summary>
    ClearFault,

    /// <summary>Finish what was accepted, flush, and stop.</summary>
    Stop,

    /// <summary>A disk has grown, or is new.</summary>
    ChangeDisk,

    /// <summary>A disk is no longer served.</summary>
    RemoveDisk,

    /// <summary>A guest has another weight, reservation, limit or bound, or is new.</summary>
    ChangeGuest,
}

/// <summary>One event. Made by the methods named after its kind.</summary>
public readonly record struct VolumeEvent
{
    /// <summary>What happened.</summary>
    public EventKind Kind { get; private init; }

    /// <summary>Operation of a request.</summary>
    public RequestOp Op { get; private init; }

    /// <summary>Flags of a request.</summary>
    public RequestFlags Flags { get; private init; }

    /// <summary>Stream of a request, below the ring's number of streams.</summary>
    public byte Stream { get; private init; }

    /// <summary>The ring.</summary>
    public int Ring { get; private init; }

    /// <summary>The ring's slot of a request, below its credits; the disk, of an attaching ring or one that is removed.</summary>
    public int Slot { get; private init; }

    /// <summary>Errno or 0; credits, of an attaching ring.</summary>
    public int Value { get; private init; }

    /// <summary>The operation that completed.</summary>
    public int Operation { get; private init; }

    /// <summary>First byte on the disk.</summary>
    public long Offset { get; private init; }

    /// <summary>Bytes.</summary>
    public long Length { get; private init; }

    /// <summary>How many of the ring's answers the guest had heard when it sent the request (O6).</summary>
    public long Heard { get; private init; }

    /// <summary>A disk that has grown, or is new.</summary>
    public DiskSpec? Disk { get; private init; }

    /// <summary>A guest that has changed, or is new.</summary>
    public GuestSpec? Guest { get; private init; }

    /// <summary>A ring comes.</summary>
    /// <param name="ring">A number that no attached ring has; small, since tables are indexed by it.</param>
    /// <param name="disk">Index of its disk.</param>
    /// <param name="credits">Request slots; 1 to 1,024.</param>
    /// <param name="streams">Streams; 1 to 255.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent Attach(int ring, int disk, int credits, byte streams = 1) =>
        new() { Kind = EventKind.Attach, Ring = ring, Slot = disk, Value = credits, Stream = streams };

    /// <summary>A ring goes. <see cref="EffectKind.RingReleased"/> follows when the device is done with it.</summary>
    /// <param name="ring">The ring.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent Detach(int ring) => new() { Kind = EventKind.Detach, Ring = ring };

    /// <summary>A request, already checked at the edge (S1).</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="slot">A slot of the ring without a request.</param>
    /// <param name="op">What to do.</param>
    /// <param name="offset">First byte on the disk.</param>
    /// <param name="length">Bytes; above 0 where the operation has a range.</param>
    /// <param name="flags">Modifiers.</param>
    /// <param name="stream">Stream.</param>
    /// <param name="heard">How many of the ring's answers the guest had heard when it sent the request (O6); rather too few than too many.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent Submit(
        int ring,
        int slot,
        RequestOp op,
        long offset = 0,
        long length = 0,
        RequestFlags flags = RequestFlags.None,
        byte stream = 0,
        long heard = long.MaxValue) =>
        new()
        {
            Kind = EventKind.Submit,
            Ring = ring,
            Slot = slot,
            Op = op,
            Offset = offset,
            Length = length,
            Flags = flags,
            Stream = stream,
            Heard = heard,
        };

    /// <summary>The device finished an operation.</summary>
    /// <param name="operation">The effect's operation.</param>
    /// <param name="error">0 or a positive errno.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent Completed(int operation, int error = 0) =>
        new() { Kind = EventKind.Completed, Operation = operation, Value = error };

    /// <summary>Time has passed.</summary>
    /// <returns>The event.</returns>
    public static VolumeEvent Tick() => new() { Kind = EventKind.Tick };

    /// <summary>A fault is durable; the replies that wait for that may leave.</summary>
    /// <param name="domain">The fenced domain.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent FaultRecorded(int domain) => new() { Kind = EventKind.FaultRecorded, Slot = domain };

    /// <summary>An operator clears a fault.</summary>
    /// <param name="domain">The fenced domain.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent ClearFault(int domain) => new() { Kind = EventKind.ClearFault, Slot = domain };

    /// <summary>A disk has grown, if there is one of its name; otherwise it is new, and comes behind the others.</summary>
    /// <param name="disk">The disk, of which <see cref="VolumeCore.WhyNotChange(DiskSpec)"/> says nothing.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent ChangeDisk(DiskSpec disk) => new() { Kind = EventKind.ChangeDisk, Disk = disk };

    /// <summary>A disk is no longer served; the indices of those behind it go down by one.</summary>
    /// <param name="disk">Index of the disk, of which <see cref="VolumeCore.WhyNotRemove"/> says nothing.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent RemoveDisk(int disk) => new() { Kind = EventKind.RemoveDisk, Slot = disk };

    /// <summary>A guest has changed, if there is one of its name; otherwise it is new, and comes behind the others.</summary>
    /// <param name="guest">The guest, of which <see cref="VolumeCore.WhyNotChange(GuestSpec)"/> says nothing.</param>
    /// <returns>The event.</returns>
    public static VolumeEvent ChangeGuest(GuestSpec guest) => new() { Kind = EventKind.ChangeGuest, Guest = guest };

    /// <summary>Stop: <see cref="EffectKind.Stopped"/> follows.</summary>
    /// <returns>The event.</returns>
    public static VolumeEvent Stop() => new() { Kind = EventKind.Stop };
}
