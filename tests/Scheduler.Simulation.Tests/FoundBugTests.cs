namespace Scheduler.Simulation.Tests;

/// <summary>Seeds that have found a bug in the code as it stood, under what could go wrong in a run at that time.</summary>
public sealed class FoundBugTests
{
    private const FaultKinds DeviceAndPower = FaultKinds.Device | FaultKinds.Power;

    // An operator cleared a fault before its record was durable: the volume stopped by an invariant of F6.
    [Theory]
    [InlineData(2)]
    public void A_fault_is_not_cleared_before_it_is_recorded(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed, Faults = DeviceAndPower }).Message);

    // What a guest had sent behind a barrier before it heard that the barrier had failed was carried out, and survived (O6).
    [Theory]
    [InlineData(9)]
    [InlineData(517)]
    [InlineData(1125)]
    public void What_was_sent_behind_a_failed_barrier_fails(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed, Faults = DeviceAndPower }).Message);

    // A write over two domains succeeded though its part in one's cache had met a failed flush (F6).
    [Theory]
    [InlineData(373)]
    public void A_write_fails_of_which_a_part_may_be_lost(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed, Faults = DeviceAndPower }).Message);

    // A stop in good order left unflushed what a disk had that was taken away before, and may come back.
    [Theory]
    [InlineData(248)]
    [InlineData(658)]
    [InlineData(681)]
    public void A_stop_flushes_what_a_removed_disk_had_unflushed(int seed) =>
        Assert.Null(Simulation.Run(new SimulationOptions { Seed = seed, Faults = FaultKinds.All & ~FaultKinds.Takeovers }).Message);
}
