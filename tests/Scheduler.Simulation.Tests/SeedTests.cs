namespace Scheduler.Simulation.Tests;

/// <summary>A fixed set of seeds, under all faults and under each.</summary>
public sealed class SeedTests
{
    [Theory]
    [InlineData(FaultKinds.All, 1, 200)]
    [InlineData(FaultKinds.None, 1001, 30)]
    [InlineData(FaultKinds.Device, 2001, 60)]
    [InlineData(FaultKinds.Power, 3001, 60)]
    public void No_rule_is_broken(FaultKinds faults, int firstSeed, int seeds)
    {
        for (int seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            SimulationResult result = Simulation.Run(new SimulationOptions { Seed = seed, Faults = faults });
            Assert.False(result.Failed, $"seed {seed} --faults {faults}: {result.Message}\n{result.Table}");
        }
    }
}
