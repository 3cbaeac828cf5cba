namespace Scheduler.Simulation;

/// <summary>What came out of a run's window.</summary>
internal sealed class RunResult
{
    /// <summary>By index of the guests that took part.</summary>
    public required IReadOnlyList<GuestResult> Guests { get; init; }

    /// <summary>Requests answered in the whole run.</summary>
    public required long Requests { get; init; }

    public required long DeviceFlushes { get; init; }

    public required long FlushRequests { get; init; }

    public required double WorkConservation { get; init; }

    public required (double BoundNs, double Used)? Bound { get; init; }
}

/// <summary>What came out for a guest.</summary>
/// <param name="Record">What was counted of it.</param>
/// <param name="Latency">Times from when a request came, at the guest, to its answer, of all requests answered well.</param>
/// <param name="Slices">Those requests, by slice of the window.</param>
/// <param name="DeviceSeconds">Device time charged to it.</param>
/// <param name="BackloggedSeconds">How long it had reads or writes that were not on the device; 0 where a barrier or a limit may have held them.</param>
internal sealed record GuestResult(GuestRecord Record, LatencyRecorder Latency, int[] Slices, double DeviceSeconds, double BackloggedSeconds)
{
    /// <summary>Requests answered well.</summary>
    public long Answered => Latency.Count;
}
