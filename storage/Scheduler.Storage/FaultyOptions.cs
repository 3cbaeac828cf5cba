namespace Scheduler.Storage;

/// <summary>Which requests a <see cref="FaultyDevice"/> fails.</summary>
[Flags]
public enum FaultMode
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Reads.</summary>
    Read = 1,

    /// <summary>Writes, zeroes and discards, which are not carried out.</summary>
    Write = 2,

    /// <summary>Flushes, which are not carried out.</summary>
    Flush = 4,

    /// <summary>
    /// Writes with <see cref="DeviceFlags.Dsync"/>: the data is written, its sync is not, and the answer is EIO, as when the
    /// kernel cannot write it back.
    /// </summary>
    Dsync = 8,

    /// <summary>All of these; prefetches and status requests never fail.</summary>
    All = Read | Write | Flush | Dsync,
}

/// <summary>How a <see cref="FaultyDevice"/> begins.</summary>
public sealed record FaultyOptions
{
    /// <summary>What lies behind it; not <see cref="DeviceKind.Faulty"/>.</summary>
    public DeviceKind Inner { get; init; } = DeviceKind.File;

    /// <summary>How long a request other than a flush occupies a unit.</summary>
    public TimeSpan ServiceTime { get; init; }

    /// <summary>How long a flush occupies a unit.</summary>
    public TimeSpan FlushTime { get; init; }

    /// <summary>Number of units, each serving one request at a time.</summary>
    public int Parallel { get; init; } = 1;

    /// <summary>Which requests fail.</summary>
    public FaultMode Mode { get; init; }

    /// <summary>What a failed read, write or flush answers: a positive errno, such as EIO or ENOSPC.</summary>
    public int Error { get; init; } = Errno.EIO;

    /// <summary>How many requests that <see cref="Mode"/> names still succeed before the first fails.</summary>
    public long ErrorAfter { get; init; }
}
