namespace Scheduler.Storage.Calibration;

/// <summary>What may be done to the device that is measured.</summary>
public enum CalibrationWrites
{
    /// <summary>A file with nothing allocated is written to, and is empty again afterwards; of anything else only reads are measured.</summary>
    IfEmptyFile,

    /// <summary>A block device that looks empty is written to, too.</summary>
    IfEmpty,

    /// <summary>It is written to whatever it holds.</summary>
    Always,
}

/// <summary>How a device is measured.</summary>
public sealed record CalibrationOptions
{
    /// <summary>Whether it may be written to.</summary>
    public CalibrationWrites Writes { get; init; }

    /// <summary>Time for all of the measuring, without the filling; above 0.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most requests in flight: enough to keep all of the device busy; 1 to 1,024.</summary>
    public int DepthMax { get; init; } = 32;

    /// <summary>Most bytes that are written, and read where the device is written to; a multiple of 1 MiB.</summary>
    public long AreaBytesMax { get; init; } = 1 << 30;
}

/// <summary>What was measured.</summary>
/// <param name="Loads">Reads, writes, durable writes and discards.</param>
/// <param name="Flushes">Flushes; none where the device was not written to.</param>
/// <param name="Profile">What was fitted to them.</param>
/// <param name="Refusal">Why the device was not written to; null if it was.</param>
public sealed record CalibrationResult(
    IReadOnlyList<LoadResult> Loads, IReadOnlyList<FlushResult> Flushes, DeviceProfile Profile, WriteRefusal? Refusal);

/// <summary>A device was not written to.</summary>
/// <param name="Reason">Why, in a few words.</param>
/// <param name="Needed">What would have had it written to.</param>
public sealed record WriteRefusal(string Reason, CalibrationWrites Needed);
