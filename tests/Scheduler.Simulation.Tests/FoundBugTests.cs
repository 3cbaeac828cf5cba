namespace Scheduler.Simulation.Tests;

/// <summary>Seeds that have found a bug in the code as it stood.</summary>
public sealed class FoundBugTests
{
    // An operator cleared a fault before its record was durable: the volume stopped by an invariant of F6.
    [Theory]
    [InlineData(1)]
    public void A_fault_is_not_cleared_before_it_is_recorded(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);

    // What a guest had sent behind a barrier before it heard that the barrier had failed was carried out, and survived (O6).
    [Theory]
    [InlineData(27)]
    [InlineData(232)]
    [InlineData(419)]
    public void What_was_sent_behind_a_failed_barrier_fails(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);
}
