namespace Scheduler.Simulation.Tests;

/// <summary>Seeds that have found a bug in the code as it stood.</summary>
public sealed class FoundBugTests
{
    // An operator cleared a fault before its record was durable: the volume stopped by an invariant of F6.
    [Theory]
    [InlineData(8)]
    [InlineData(21)]
    [InlineData(27)]
    public void A_fault_is_not_cleared_before_it_is_recorded(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);
}
