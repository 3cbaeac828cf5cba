namespace Scheduler.Simulation;

/// <summary>How fast a simulated device is, and how unreliable.</summary>
internal sealed record DeviceProfile
{
    /// <summary>Operations that it works on at once.</summary>
    public int Channels { get; init; } = 4;

    /// <summary>Service time of an operation, on average; it spreads from half to double.</summary>
    public int OperationNs { get; init; } = 60_000;

    /// <summary>Service time of a sector.</summary>
    public int SectorNs { get; init; } = 200;

    /// <summary>Service time of a flush, besides its data.</summary>
    public int FlushNs { get; init; } = 400_000;

    /// <summary>Service time of a flush for each dirty sector.</summary>
    public int FlushSectorNs { get; init; } = 2_000;

    /// <summary>One of so many reads and writes completes within its submission; 0 for none.</summary>
    public int InlineOneOf { get; init; }

    /// <summary>One of so many operations stalls; 0 for none.</summary>
    public int StallOneOf { get; init; }

    /// <summary>One of so many operations takes twenty times as long; 0 for none.</summary>
    public int SlowOneOf { get; init; } = 100;

    /// <summary>Whether each operation takes about what it takes on average.</summary>
    public bool IsSteady => StallOneOf == 0 && SlowOneOf == 0 && InlineOneOf == 0;

    /// <summary>One of so many reads and writes fails; 0 for none.</summary>
    public int ErrorOneOf { get; init; }

    /// <summary>One of so many flushes and durable writes fails; 0 for none.</summary>
    public int SyncErrorOneOf { get; init; }

    /// <summary>Without its faults.</summary>
    public DeviceProfile WithoutFaults() => this with { StallOneOf = 0, ErrorOneOf = 0, SyncErrorOneOf = 0 };
}
