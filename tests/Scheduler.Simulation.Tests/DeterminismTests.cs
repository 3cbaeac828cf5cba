namespace Scheduler.Simulation.Tests;

/// <summary>The same seed gives the same run, byte for byte.</summary>
public sealed class DeterminismTests
{
    [Fact]
    public void The_same_options_give_the_same_run()
    {
        HashSet<ulong> hashes = [];
        for (int seed = 1; seed <= 20; seed++)
        {
            SimulationOptions options = new() { Seed = seed, Steps = 1_500 };
            SimulationResult first = Simulation.Run(options, int.MaxValue);
            SimulationResult second = Simulation.Run(options, int.MaxValue);
            Assert.Equal(first.Table, second.Table);
            Assert.Equal(first.Hash, second.Hash);
            Assert.Equal(first.Steps, second.Steps);
            Assert.True(hashes.Add(first.Hash), "two seeds give the same run");
        }
    }

    [Fact]
    public void A_run_does_not_depend_on_those_beside_it()
    {
        ulong[] alone = [.. Enumerable.Range(1, 8).Select(Hash)];
        ulong[] together = new ulong[8];
        _ = Parallel.For(0, 8, i => together[i] = Hash(i + 1));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void Fewer_steps_give_the_beginning_of_the_same_run()
    {
        string[] longer = Lines(1_000);
        string[] shorter = Lines(600);
        int same = Array.FindIndex(shorter, line => line.Contains("FaultsOver", StringComparison.Ordinal));
        Assert.True(same > 500, $"faults are over in line {same}");
        Assert.Equal(longer[..same], shorter[..same]);
    }

    private static ulong Hash(int seed) => Simulation.Run(new SimulationOptions { Seed = seed, Steps = 1_000 }).Hash;

    private static string[] Lines(int steps) => Simulation.Run(new SimulationOptions { Seed = 5, Steps = steps }, int.MaxValue).Table.Split('\n');
}
