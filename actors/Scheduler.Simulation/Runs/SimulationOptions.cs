namespace Scheduler.Simulation;

/// <summary>What may go wrong in a run.</summary>
[Flags]
public enum FaultKinds
{
    /// <summary>Nothing but guests that come and go, and restarts in good order.</summary>
    None = 0,

    /// <summary>The device: errors of reads, writes and syncs, stalls.</summary>
    Device = 1,

    /// <summary>Power cuts, and kills of the service.</summary>
    Power = 2,

    /// <summary>An operator changes guests, and takes disks away, brings them back and lets them grow, while the volume runs.</summary>
    Changes = 4,

    /// <summary>The journal that has the history of faults: it takes its time, and fails.</summary>
    Journal = 8,

    /// <summary>The costs that the volume is given are wrong, and it has to learn them.</summary>
    Costs = 16,

    /// <summary>The volume goes to another machine, because it moves or because its machine is lost; rings go on.</summary>
    Takeovers = 32,

    /// <summary>All of them.</summary>
    All = Device | Power | Changes | Journal | Costs | Takeovers,
}

/// <summary>What a run is made from; the same options and the same version give the same run, byte for byte.</summary>
public sealed record SimulationOptions
{
    /// <summary>What everything is drawn from.</summary>
    public required int Seed { get; init; }

    /// <summary>Guests; 0 to have the seed decide.</summary>
    public int Guests { get; init; }

    /// <summary>Steps (a message handled, or an event of device, timer or guest) before the faults stop.</summary>
    public int Steps { get; init; } = 3_000;

    /// <summary>What may go wrong.</summary>
    public FaultKinds Faults { get; init; } = FaultKinds.All;

    /// <summary>A bug put in on purpose.</summary>
    public PlantedBug Bug { get; init; }

    /// <summary>The one checker that looks, by the name of its class; null for all.</summary>
    public string? OnlyChecker { get; init; }
}

/// <summary>How a run ended.</summary>
/// <param name="Options">What it was made from.</param>
/// <param name="Rule">The rule that was broken, or null.</param>
/// <param name="Checker">Which checker saw it, or null.</param>
/// <param name="Message">What was seen, or null.</param>
/// <param name="Steps">Steps that were made, those after the faults had stopped included.</param>
/// <param name="Requests">Requests that guests sent.</param>
/// <param name="Events">Lines of its history.</param>
/// <param name="Hash">Depends on all of its history.</param>
/// <param name="Table">The end of its history.</param>
public sealed record SimulationResult(
    SimulationOptions Options, string? Rule, string? Checker, string? Message, int Steps, int Requests, int Events, ulong Hash, string Table)
{
    /// <summary>Whether a rule was broken.</summary>
    public bool Failed => Rule is not null;
}
