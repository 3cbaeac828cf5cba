namespace Scheduler.Simulation;

/// <summary>The virtual time that counts, and its slices.</summary>
internal sealed class MeasuredWindow(ExperimentSpec spec)
{
    /// <summary>Slices of equal length, for rates over time.</summary>
    public const int Slices = 50;

    private readonly long _sliceNs = Math.Max(1, spec.DurationNs / Slices);

    public long FromNs { get; } = spec.WarmupNs;

    public long ToNs { get; } = spec.WarmupNs + spec.DurationNs;

    public double Seconds => (ToNs - FromNs) / 1e9;

    public bool Contains(long timeNs) => timeNs >= FromNs && timeNs < ToNs;

    /// <summary>The slice that a time of the window lies in.</summary>
    public int SliceOf(long timeNs) => (int)Math.Min(Slices - 1, (timeNs - FromNs) / _sliceNs);

    /// <summary>Where a slice begins and ends.</summary>
    public (long FromNs, long ToNs) Slice(int index) =>
        (FromNs + (index * _sliceNs), index == Slices - 1 ? ToNs : FromNs + ((index + 1) * _sliceNs));
}
