// What an experiment is made of. Files in hocon/experiments/ are read into this; nothing here knows a file.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>An experiment: guests by group on one simulated device, under one policy after another, over several seeds.</summary>
public sealed record ExperimentSpec
{
    /// <summary>Name, for reports.</summary>
    public required string Name { get; init; }

    /// <summary>What it is to show, in a sentence or two.</summary>
    public string Description { get; init; } = "";

    /// <summary>The guests; at least one group.</summary>
    public required IReadOnlyList<ExperimentGroup> Groups { get; init; }

    /// <summary>The device.</summary>
    public ExperimentDevice Device { get; init; } = new();

    /// <summary>Policies to compare, each with every seed.</summary>
    public IReadOnlyList<PolicyKind> Policies { get; init; } = [PolicyKind.Fair];

    /// <summary>Seeds: each makes one run with each policy.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Virtual time that is measured, in nanoseconds; above 0, up to an hour.</summary>
    public long DurationNs { get; init; } = 1_000_000_000;

    /// <summary>Virtual time before measuring begins, in nanoseconds; 0 to an hour.</summary>
    public long WarmupNs { get; init; } = 100_000_000;

    /// <summary>Depth of the volume (D of Q2); 1 to 1,024.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>Run one guest of each group by itself too, for the comparison.</summary>
    public bool Alone { get; init; } = true;

    /// <summary>What must come out.</summary>
    public IReadOnlyList<Expectation> Expectations { get; init; } = [];
}

/// <summary>Guests that are alike, each with a disk and a ring of its own.</summary>
public sealed record ExperimentGroup
{
    /// <summary>Name; guests are called name-0, name-1, ...</summary>
    public required string Name { get; init; }

    /// <summary>Guests; 1 to 10,000 in all.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Weight of each; 1 to 10,000.</summary>
    public int Weight { get; init; } = 100;

    /// <summary>Reservation of each (Q3): 4 KiB reads, or as much device time, per second; 0 for none. All together no more than
    /// <see cref="ExperimentDevice.ReadsPerSecond"/>.</summary>
    public double Reservation { get; init; }

    /// <summary>Limit of each (Q3), in the same unit, not below the reservation; 0 for none.</summary>
    public double Limit { get; init; }

    /// <summary>Longest time a flush of theirs may be held for company (F7), in nanoseconds.</summary>
    public long FlushLatencyNsMax { get; init; } = 100_000_000;

    /// <summary>Most bytes that each may have unflushed (Q1).</summary>
    public long UnflushedBytesMax { get; init; } = 256L << 20;

    /// <summary>Ordered mode of their disks.</summary>
    public OrderedMode Ordered { get; init; } = OrderedMode.FlushFua;

    /// <summary>Size of each disk; a multiple of 4096.</summary>
    public long DiskBytes { get; init; } = 1L << 30;

    /// <summary>What each does.</summary>
    public required ExperimentWorkload Workload { get; init; }

    /// <summary>Virtual time at which they begin, from the start of the run, in nanoseconds.</summary>
    public long StartNs { get; init; }

    /// <summary>Virtual time at which they stop, from the start of the run; <see cref="long.MaxValue"/> for never.</summary>
    public long StopNs { get; init; } = long.MaxValue;
}

/// <summary>What a guest of an experiment does.</summary>
public enum ExperimentWorkloadKind
{
    /// <summary>Reads at random places.</summary>
    RandomRead,

    /// <summary>Writes at random places.</summary>
    RandomWrite,

    /// <summary>Reads one after the other.</summary>
    SequentialRead,

    /// <summary>Writes one after the other.</summary>
    SequentialWrite,

    /// <summary>Writes at random places, with a flush that is waited for after every <see cref="ExperimentWorkload.SyncEvery"/> writes.</summary>
    Database,

    /// <summary>Appends, with a flush that is waited for after every <see cref="ExperimentWorkload.SyncEvery"/> writes.</summary>
    LogWriter,

    /// <summary>Writes at random places, every <see cref="ExperimentWorkload.SyncEvery"/>-th of them a barrier; needs an ordered mode that takes barriers.</summary>
    BarrierWriter,

    /// <summary>A write and a flush, each waited for, without pause; as many such pairs at once as the depth.</summary>
    FlushStorm,

    /// <summary>Writes with FUA at random places.</summary>
    FuaStorm,

    /// <summary>Discards at random places.</summary>
    Discard,

    /// <summary>The requests of a trace, at its times.</summary>
    Replay,
}

/// <summary>Parameters of a workload.</summary>
public sealed record ExperimentWorkload
{
    /// <summary>What it does.</summary>
    public required ExperimentWorkloadKind Kind { get; init; }

    /// <summary>Bytes of a request; a positive multiple of 512, up to 16 MiB.</summary>
    public int RequestBytes { get; init; } = 4096;

    /// <summary>Requests unanswered at once; 1 to 1,024. With <see cref="RatePerSecond"/> the most of them.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Open loop: mean arrivals per second, exponentially spread; 0 for a closed loop.</summary>
    public double RatePerSecond { get; init; }

    /// <summary>Writes from one flush or barrier to the next, where the kind has them; 1 or more.</summary>
    public int SyncEvery { get; init; } = 1;

    /// <summary>Of 100 requests of a random workload, how many go the other way: writes among reads, reads among writes; 0 to 100.</summary>
    public int OtherPercent { get; init; }

    /// <summary>Bursts: active for so long, in nanoseconds, then idle for <see cref="IdleNs"/>, 10 microseconds or more together;
    /// 0 for always active.</summary>
    public long ActiveNs { get; init; }

    /// <summary>Idle time between bursts, in nanoseconds.</summary>
    public long IdleNs { get; init; }

    /// <summary>Of a replay: the requests, by time; each guest of the group takes those of its number.</summary>
    public IReadOnlyList<TraceRequest> Trace { get; init; } = [];
}

/// <summary>One request of a trace.</summary>
/// <param name="TimeNs">When, from the start of the run.</param>
/// <param name="Guest">Number of the guest within its group.</param>
/// <param name="Op">What.</param>
/// <param name="Flags">Modifiers.</param>
/// <param name="Offset">First byte on the guest's disk.</param>
/// <param name="Length">Bytes; 0 for a flush.</param>
public readonly record struct TraceRequest(long TimeNs, int Guest, RequestOp Op, RequestFlags Flags, long Offset, long Length);

/// <summary>A device's profile: how long things take on it. What a calibration measures.</summary>
public sealed record ExperimentDevice
{
    /// <summary>Operations that it works on at once; 1 to 1,024.</summary>
    public int Channels { get; init; } = 8;

    /// <summary>Service time of a read, besides its bytes, in nanoseconds.</summary>
    public double ReadNs { get; init; } = 80_000;

    /// <summary>Service time of a write, besides its bytes, in nanoseconds.</summary>
    public double WriteNs { get; init; } = 30_000;

    /// <summary>Service time of a byte read or written, in nanoseconds.</summary>
    public double ByteNs { get; init; } = 0.5;

    /// <summary>Service time of a byte written, in nanoseconds; null: as <see cref="ByteNs"/>.</summary>
    public double? WriteByteNs { get; init; }

    /// <summary>Service time of a flush with nothing dirty, in nanoseconds.</summary>
    public double FlushNs { get; init; } = 1_000_000;

    /// <summary>Service time of a flush for each dirty byte, in nanoseconds.</summary>
    public double FlushByteNs { get; init; } = 0.5;

    /// <summary>What a write that is durable by itself takes besides a write's service time, in nanoseconds; negative: there is none.</summary>
    public double DurableWriteNs { get; init; } = 800_000;

    /// <summary>Service time of a discard or a zeroing, in nanoseconds.</summary>
    public double DiscardNs { get; init; } = 200_000;

    /// <summary>Service time of a discard or a zeroing for each byte, in nanoseconds.</summary>
    public double DiscardByteNs { get; init; }

    /// <summary>Spread of service times: each is drawn from (1 - spread) to (1 + spread) of its mean; 0 to 1.</summary>
    public double Spread { get; init; } = 0.2;

    /// <summary>What it gives at most, in the unit of reservations: 4 KiB reads a second.</summary>
    public double ReadsPerSecond => Channels * 1e9 / (ReadNs + (4096 * ByteNs));
}

/// <summary>What must come out of an experiment: a metric of a group, or of the whole volume, under a policy.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Group">The group, or null for the volume.</param>
/// <param name="Metric">Name of a metric, as the report prints it.</param>
/// <param name="AtLeast">The smallest mean over the seeds, or null.</param>
/// <param name="AtMost">The largest mean over the seeds, or null.</param>
public sealed record Expectation(PolicyKind Policy, string? Group, string Metric, double? AtLeast, double? AtMost);
