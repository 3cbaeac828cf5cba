using System.Diagnostics;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>A guest that reads one block after the other, and how long each takes.</summary>
internal static class ReadLatency
{
    /// <summary>Reads for a while.</summary>
    /// <returns>The 99th percentile in milliseconds.</returns>
    public static double P99Ms(NbdClient client, TimeSpan duration)
    {
        List<double> times = [];
        Stopwatch all = Stopwatch.StartNew();
        while (all.Elapsed < duration)
        {
            long start = Stopwatch.GetTimestamp();
            _ = client.CallRead((ulong)(times.Count % 256) * 4096, 4096);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        return times[(int)(0.99 * (times.Count - 1))];
    }
}
