// What a volume is told of its device: service times, and how many operations are worked on at once. A saturated device's
// service times divided by that number sum to elapsed time (Q1), so they are fitted to what requests take while the device is
// saturated, times that number. Reads set the number: what a 4 KiB read takes alone, divided by what it takes of a saturated
// device's time. Where others are worked on less at once than small reads are, their figures are above what one takes
// alone.
namespace Scheduler.Storage.Calibration;

/// <summary>A device's profile; all times in nanoseconds. What is null was not measured.</summary>
public sealed record DeviceProfile
{
    private const double NsMin = 100;

    /// <summary>Operations that the device works on at once.</summary>
    public required int Channels { get; init; }

    /// <summary>A read: besides its bytes, and each byte.</summary>
    public required LineFit Read { get; init; }

    /// <summary>A write: besides its bytes, and each byte.</summary>
    public LineFit? Write { get; init; }

    /// <summary>A flush: with nothing dirty, and each dirty byte.</summary>
    public LineFit? Flush { get; init; }

    /// <summary>A write that is durable by itself, besides a write's time; null also where the device has none.</summary>
    public double? DurableWriteNs { get; init; }

    /// <summary>A discard: besides its bytes, and each byte.</summary>
    public LineFit? Discard { get; init; }

    /// <summary>Fits a profile to what was measured.</summary>
    /// <param name="loads">Reads, and what else was measured; of 4 KiB reads at least one at depth 1.</param>
    /// <param name="flushes">Flushes, or none.</param>
    /// <returns>The profile.</returns>
    public static DeviceProfile Fit(IReadOnlyList<LoadResult> loads, IReadOnlyList<FlushResult> flushes)
    {
        int smallest = loads.Where(load => load.Point.Op == DeviceOp.Read).Min(load => load.Point.Bytes);
        LoadResult[] reads = [.. loads.Where(load => load.Point is { Op: DeviceOp.Read, Sequential: false } && load.Point.Bytes == smallest)];
        double alone = reads.Single(load => load.Point.Depth == 1).LatencyNs;
        int channels = (int)Math.Clamp(Math.Round(alone / reads.Min(load => load.PeriodNs)), 1, 1024);
        LineFit? write = Saturated(loads, DeviceOp.Write, channels);
        LoadResult[] durable = [.. loads.Where(load => load.Point.Durable)];
        return new DeviceProfile
        {
            Channels = channels,
            Read = Saturated(loads, DeviceOp.Read, channels)!.Value,
            Write = write,
            Flush = flushes.Count == 0 ? null : AboveZero(LineFit.Through([.. flushes.Select(flush => ((double)flush.DirtyBytes, flush.LatencyNs))])),
            DurableWriteNs = write is { } line && durable.Length > 0 ? Math.Max(0, durable[0].LatencyNs - line.At(durable[0].Point.Bytes)) : null,
            Discard = Saturated(loads, DeviceOp.Discard, channels),
        };
    }

    // Per size, the depth at which the most gets done.
    private static LineFit? Saturated(IReadOnlyList<LoadResult> loads, DeviceOp op, int channels)
    {
        (double X, double Y)[] points =
        [
            .. loads.Where(load => load.Point is { Sequential: false, Durable: false } && load.Point.Op == op)
                .GroupBy(load => load.Point.Bytes)
                .Select(size => ((double)size.Key, size.Min(load => load.PeriodNs) * channels)),
        ];
        return points.Length == 0 ? null : AboveZero(LineFit.Through(points));
    }

    private static LineFit AboveZero(LineFit line) => line with { Base = Math.Max(NsMin, line.Base) };
}
