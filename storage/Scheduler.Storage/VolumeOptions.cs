namespace Scheduler.Storage;

/// <summary>What lies behind a volume.</summary>
public enum DeviceKind
{
    /// <summary>A file or a block device.</summary>
    File,

    /// <summary>Memory of this process; gone with it.</summary>
    Memory,

    /// <summary>Nothing: reads give zeroes, writes are dropped.</summary>
    Null,

    /// <summary>Another kind, made slow or failing by <see cref="VolumeOptions.Faulty"/>.</summary>
    Faulty,
}

/// <summary>How requests reach a file.</summary>
public enum IoMethod
{
    /// <summary>io_uring where the kernel allows it, else threads.</summary>
    Auto,

    /// <summary>io_uring, or the volume is not opened.</summary>
    IoUring,

    /// <summary>Threads that block.</summary>
    Threads,
}

/// <summary>How one flush domain of a volume is opened.</summary>
public sealed record VolumeOptions
{
    /// <summary>File or block device.</summary>
    public string Path { get; init; } = "";

    /// <summary>
    /// Bytes to use, a multiple of 4096. A file that does not exist, or is empty, is made that large; anything else must have
    /// at least that size, and what lies beyond is left alone. 0: all that there is.
    /// </summary>
    public long Size { get; init; }

    /// <summary>Allocate a new file's space at once, so that its writes never run out of space.</summary>
    public bool Preallocate { get; init; }

    /// <summary>Use of the page cache.</summary>
    public CacheMode Cache { get; init; } = CacheMode.Direct;

    /// <summary>How requests reach the file.</summary>
    public IoMethod Io { get; init; } = IoMethod.Auto;

    /// <summary>Most threads that carry out requests, besides the one for flushes; 0: as many as there are cores, 4 to 8.</summary>
    public int Workers { get; init; }

    /// <summary>What lies behind the volume.</summary>
    public DeviceKind Device { get; init; } = DeviceKind.File;

    /// <summary>For <see cref="DeviceKind.Faulty"/>.</summary>
    public FaultyOptions Faulty { get; init; } = new();

    /// <summary>Where a block device's fault marker lies; a file's lies beside it (<see cref="FaultMarker"/>).</summary>
    public string? MarkerDirectory { get; init; }
}
