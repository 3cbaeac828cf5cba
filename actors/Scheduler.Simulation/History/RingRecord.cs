namespace Scheduler.Simulation;

/// <summary>One ring in a history.</summary>
internal sealed class RingRecord
{
    public required int Id { get; init; }
    public required int Disk { get; init; }
    public required SimulatedMemory Memory { get; init; }

    /// <summary>Barriers order its streams: what was under way beside a request is of interest.</summary>
    public bool TakesBarriers { get; init; }
    public bool Closed { get; set; }

    /// <summary>A volume has let it in: its guest may have been told something.</summary>
    public bool WasAttached { get; set; }

    /// <summary>Its guest has gone, or it was told to close.</summary>
    public bool Leaving { get; set; }

    /// <summary>Requests that the volume has taken and not answered.</summary>
    public List<RequestRecord> Accepted { get; } = [];

    /// <summary>Requests that its guest waits for, the oldest first.</summary>
    public List<RequestRecord> Pending { get; } = [];
}
