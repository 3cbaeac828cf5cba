using System.Globalization;

namespace Scheduler.Simulation.Tests;

/// <summary>A fixed set of seeds, under all faults and under each.</summary>
public sealed class SeedTests
{
    [Theory]
    [InlineData(FaultKinds.All, 1, 200)]
    [InlineData(FaultKinds.None, 1001, 30)]
    [InlineData(FaultKinds.Device, 2001, 60)]
    [InlineData(FaultKinds.Power, 3001, 60)]
    [InlineData(FaultKinds.Device | FaultKinds.Takeovers, 4001, 60)]
    public void No_rule_is_broken(FaultKinds faults, int firstSeed, int seeds)
    {
        for (int seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            SimulationResult result = Simulation.Run(new SimulationOptions { Seed = seed, Faults = faults });
            Assert.False(result.Failed, $"seed {seed} --faults {faults}: {result.Message}\n{result.Table}");
        }
    }

    // Other seeds each time. SIMULATION_FRESH_SECONDS=3600 runs for longer.
    [Fact]
    public void No_rule_is_broken_with_fresh_seeds()
    {
        int seconds = int.Parse(Environment.GetEnvironmentVariable("SIMULATION_FRESH_SECONDS") ?? "20", CultureInfo.InvariantCulture);
        SeedSearch search = new(new SimulationOptions { Seed = Random.Shared.Next(1 << 30) + 100_000 });
        SimulationResult? failed = search.Run(TimeSpan.FromSeconds(seconds), Environment.ProcessorCount, CancellationToken.None).Failed;
        Assert.True(failed is null, $"scheduler simulate --seed {failed?.Options.Seed}: {failed?.Message}\n{failed?.Table}");
    }
}
