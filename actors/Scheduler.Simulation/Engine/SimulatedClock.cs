namespace Scheduler.Simulation;

/// <summary>The date, in virtual time.</summary>
internal sealed class SimulatedClock(SimulatedSystem system) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(system.NowNs / 100);
}
