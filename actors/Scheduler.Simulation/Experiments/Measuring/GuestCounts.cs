namespace Scheduler.Simulation;

/// <summary>Counters of all guests of a run, in which the guests lie side by side: answers fall into few latencies and one
/// slice at a time, so that what is written often fits the caches and the page tables, however many guests there are.</summary>
internal sealed class GuestCounts(int guests)
{
    private readonly int[] _latency = new int[LatencyRecorder.Buckets * guests];
    private readonly int[] _slices = new int[MeasuredWindow.Slices * guests];

    /// <summary>A guest got an answer.</summary>
    public void Answered(int guest, long latencyNs, int slice)
    {
        _latency[(LatencyRecorder.BucketOf(latencyNs) * guests) + guest]++;
        _slices[(slice * guests) + guest]++;
    }

    /// <summary>The latencies of a guest.</summary>
    public LatencyRecorder Latency(int guest)
    {
        LatencyRecorder latency = new();
        for (int bucket = 0; bucket < LatencyRecorder.Buckets; bucket++)
            latency.Add(bucket, _latency[(bucket * guests) + guest]);
        return latency;
    }

    /// <summary>The answers to a guest, by slice of the window.</summary>
    public int[] Slices(int guest)
    {
        int[] slices = new int[MeasuredWindow.Slices];
        for (int slice = 0; slice < slices.Length; slice++)
            slices[slice] = _slices[(slice * guests) + guest];
        return slices;
    }
}
