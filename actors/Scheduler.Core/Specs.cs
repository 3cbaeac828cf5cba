namespace Scheduler.Core;

/// <summary>A run of a disk's bytes on a device, or striped over several places.</summary>
/// <param name="DiskOffset">First byte on the disk; a multiple of 4096.</param>
/// <param name="Domain">Index of the flush domain that holds it; with stripes, that of the first leg.</param>
/// <param name="DeviceOffset">First byte on the device, a multiple of 4096; with stripes, that of the first leg.</param>
/// <param name="Length">Bytes; a positive multiple of 4096, and of a row of stripes.</param>
/// <param name="Stripes">How it is striped, or null: it lies together.</param>
public readonly record struct Extent(
    long DiskOffset, int Domain, long DeviceOffset, long Length, ExtentStripes? Stripes = null)
{
    /// <summary>An extent whose chunks go to several places in turn.</summary>
    /// <param name="diskOffset">First byte on the disk.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="stripes">How it is striped.</param>
    /// <returns>The extent.</returns>
    public static Extent Striped(long diskOffset, long length, ExtentStripes stripes) =>
        new(diskOffset, stripes.Legs[0].Domain, stripes.Legs[0].DeviceOffset, length, stripes);

    /// <summary>The runs on devices that its bytes take up: one, or one for each leg.</summary>
    /// <returns>Domain, first byte on the device, and bytes.</returns>
    public IEnumerable<(int Domain, long DeviceOffset, long Length)> Runs()
    {
        if (Stripes is null)
            return [(Domain, DeviceOffset, Length)];
        long length = Length / Stripes.Legs.Count;
        return Stripes.Legs.Select(leg => (leg.Domain, leg.DeviceOffset, length));
    }
}

/// <summary>How an extent is striped: its chunks go to the legs in turn.</summary>
/// <param name="ChunkLength">Bytes that lie together on a leg; a positive multiple of 4096.</param>
/// <param name="Legs">Domain and first byte on its device, a multiple of 4096; two or more.</param>
public sealed record ExtentStripes(long ChunkLength, IReadOnlyList<(int Domain, long DeviceOffset)> Legs);

/// <summary>One flush domain: what one device flush makes durable.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="VolatileCache">Completed writes may be lost until a flush.</param>
/// <param name="DurableWrites">Completed data writes are durable; zeroes and discards still need a flush.</param>
/// <param name="SupportsDsync">The device takes a write that is durable when it completes (<c>RWF_DSYNC</c>).</param>
/// <param name="Fault">Errno of a fault that was recorded and not cleared, or 0 (F6).</param>
public sealed record DomainSpec(long Size, bool VolatileCache, bool DurableWrites, bool SupportsDsync, int Fault = 0);

/// <summary>A guest: the unit of fairness.</summary>
public sealed record GuestSpec
{
    /// <summary>Name, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>Share of device time relative to other guests; 1 to 10,000.</summary>
    public int Weight { get; init; } = 100;

    /// <summary>Met before shares (Q3): 4 KiB reads, or as much device time, per second. 0: none.</summary>
    public double Reservation { get; init; }

    /// <summary>Cap (Q3): 4 KiB reads, or as much device time, per second. 0: none.</summary>
    public double Limit { get; init; }

    /// <summary>Longest time a flush may be held back to gather company, its own cost included (F7), in nanoseconds.</summary>
    public long FlushLatencyNsMax { get; init; } = 100_000_000;

    /// <summary>Most bytes that may be written and not flushed (Q1).</summary>
    public long UnflushedBytesMax { get; init; } = 256L << 20;
}

/// <summary>A disk: what a guest sees.</summary>
public sealed record DiskSpec
{
    /// <summary>Name, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>Index of the guest that owns it.</summary>
    public required int Guest { get; init; }

    /// <summary>How its streams' barriers are carried out.</summary>
    public OrderedMode Ordered { get; init; } = OrderedMode.FlushFua;

    /// <summary>Its bytes, in order and without gaps.</summary>
    public required IReadOnlyList<Extent> Extents { get; init; }
}

/// <summary>Which request goes to the device next.</summary>
public enum PolicyKind : byte
{
    /// <summary>Reservations, then shares by weight, under limits; flushes merged: this project.</summary>
    Fair = 0,

    /// <summary>Pass-through, a baseline for comparison: order of arrival, and a device flush for each flush.</summary>
    Fifo = 1,

    /// <summary>As the old backends did, a baseline for comparison: every flush and barrier drains the whole volume's queue.</summary>
    QueueDrain = 2,

    /// <summary>A baseline for comparison: every flush and barrier drains its own ring's queue; nothing is merged.</summary>
    RingDrain = 3,
}

/// <summary>A volume: what one scheduler owns.</summary>
public sealed record VolumeSpec
{
    /// <summary>Most flush domains of a volume: they fit one machine word.</summary>
    public const int DomainsMax = 64;

    /// <summary>Flush domains; 1 to <see cref="DomainsMax"/>.</summary>
    public required IReadOnlyList<DomainSpec> Domains { get; init; }

    /// <summary>Guests.</summary>
    public required IReadOnlyList<GuestSpec> Guests { get; init; }

    /// <summary>Disks.</summary>
    public required IReadOnlyList<DiskSpec> Disks { get; init; }

    /// <summary>Most operations in flight on the device (D of Q2); 1 to 1,024.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>
    /// Most operations on the device beyond the depth (Q6), under <see cref="PolicyKind.Fair"/>: one for each guest whose turn
    /// it is and that has none there.
    /// </summary>
    public int NewcomersMax => NewcomersOf(Policy, Depth);

    /// <summary><see cref="NewcomersMax"/> of a volume that is not described yet.</summary>
    /// <param name="policy">Its policy.</param>
    /// <param name="depth">Its depth.</param>
    /// <returns>Operations.</returns>
    public static int NewcomersOf(PolicyKind policy, int depth) => policy == PolicyKind.Fair ? depth / 4 : 0;

    /// <summary>Most operations on the device at once, flushes included.</summary>
    public int OperationsMax => Depth + NewcomersMax + Domains.Count;

    /// <summary>
    /// Longest mean time that operations may queue inside the device, in nanoseconds: with the fair policy the depth in force
    /// is lowered until they do not (Q6). 0: it is always <see cref="Depth"/>.
    /// </summary>
    public long LatencyTargetNs { get; init; }

    /// <summary>Which request goes next.</summary>
    public PolicyKind Policy { get; init; }

    /// <summary>Device time of requests (Q1).</summary>
    public CostModel Costs { get; init; } = new();
}
