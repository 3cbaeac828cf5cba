namespace Scheduler.Simulation.Tests;

/// <summary>Seeds that have found a bug in the code as it stood.</summary>
public sealed class FoundBugTests
{
    // An operator cleared a fault before its record was durable: the volume stopped by an invariant of F6.
    [Theory]
    [InlineData(2)]
    public void A_fault_is_not_cleared_before_it_is_recorded(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);

    // What a guest had sent behind a barrier before it heard that the barrier had failed was carried out, and survived (O6).
    [Theory]
    [InlineData(9)]
    [InlineData(517)]
    [InlineData(1125)]
    public void What_was_sent_behind_a_failed_barrier_fails(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);

    // A write over two domains succeeded though its part in one's cache had met a failed flush (F6).
    [Theory]
    [InlineData(373)]
    public void A_write_fails_of_which_a_part_may_be_lost(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed }).Message);
}
