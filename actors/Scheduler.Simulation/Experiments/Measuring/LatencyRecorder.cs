// Log-linear buckets, as in HdrHistogram (Tene): each power of two is cut into 64 equal parts, so that a value is known to
// within 1/128 of itself, in fixed memory, and recording is a shift and an increment.
using System.Numerics;

namespace Scheduler.Simulation;

/// <summary>Times, for their percentiles.</summary>
internal sealed class LatencyRecorder
{
    private const int PartBits = 6;
    private const int Parts = 1 << PartBits;

    // An hour and more; what is longer counts as that.
    private const long LargestNs = (1L << 42) - 1;

    private readonly int[] _counts = new int[Buckets];

    /// <summary>Number of buckets.</summary>
    public static int Buckets { get; } = BucketOf(LargestNs) + 1;

    /// <summary>How many were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The bucket of a time.</summary>
    public static int BucketOf(long ns)
    {
        long time = Math.Clamp(ns, 0, LargestNs);
        int shift = Math.Max(0, BitOperations.Log2((ulong)time) - PartBits);
        return (shift << PartBits) + (int)(time >> shift);
    }

    /// <summary>Adds so many times to a bucket.</summary>
    public void Add(int bucket, int count)
    {
        Count += count;
        _counts[bucket] += count;
    }

    /// <summary>Adds what another one has recorded.</summary>
    public void Add(LatencyRecorder other)
    {
        Count += other.Count;
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
    }

    /// <summary>The smallest time that is not exceeded by so large a part of all, to within 1/128; NaN if there are none.</summary>
    /// <param name="part">Above 0, up to 1.</param>
    public double Percentile(double part)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(part * Count));
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0 && Count > 0)
                return MiddleOf(bucket);
        }

        return double.NaN;
    }

    private static double MiddleOf(int bucket)
    {
        int shift = Math.Max(0, (bucket >> PartBits) - 1);
        long lowest = (long)(bucket - (shift << PartBits)) << shift;
        return lowest + (((1L << shift) - 1) / 2.0);
    }
}
