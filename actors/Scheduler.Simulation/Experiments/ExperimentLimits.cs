namespace Scheduler.Simulation;

/// <summary>Bounds of what an experiment is made of. Files are held to them with file and line, specs by <see cref="Experiment.Run"/>.</summary>
public static class ExperimentLimits
{
    /// <summary>Guests in all.</summary>
    public const int GuestsMax = 10_000;

    /// <summary>Depth of the volume.</summary>
    public const int DepthMax = 1024;

    /// <summary>Weight of a guest.</summary>
    public const int WeightMax = 10_000;

    /// <summary>Requests a second, of reservations, limits and open loops: more than any device gives.</summary>
    public const int RateMax = 1_000_000_000;

    /// <summary>Size of a disk: so many for each of the most guests still have offsets that fit.</summary>
    public const long DiskBytesMax = 64L << 40;

    /// <summary>Disks are made of these.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Requests are made of these.</summary>
    public const int SectorBytes = 512;

    /// <summary>Bytes of a request.</summary>
    public const int RequestBytesMax = 16 << 20;

    /// <summary>Writes from one flush or barrier to the next.</summary>
    public const int SyncEveryMax = 1_000_000;

    /// <summary>Operations that a device works on at once.</summary>
    public const int ChannelsMax = 1024;

    /// <summary>Any time of a device, in nanoseconds; for bytes, of a MiB.</summary>
    public const long ServiceNsMax = 10_000_000_000;

    /// <summary>Virtual time that is measured, and that of the warm-up, in nanoseconds: longer runs would take days.</summary>
    public const long DurationNsMax = 3_600_000_000_000;

    /// <summary>Latest start and stop of guests, in nanoseconds: after the longest run.</summary>
    public const long StartNsMax = 2 * DurationNsMax;

    /// <summary>Shortest burst, the idle time after it included, in nanoseconds: shorter ones would only cost time.</summary>
    public const long BurstNsMin = 10_000;
}
