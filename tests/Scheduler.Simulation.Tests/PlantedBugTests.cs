namespace Scheduler.Simulation.Tests;

/// <summary>Each planted bug is caught, within a number of seeds, by the checker that is there for it; and the shortest run
/// that was found fails by the same rule.</summary>
public sealed class PlantedBugTests
{
    [Theory]
    [InlineData(PlantedBug.FlushDoesNothing, "DurabilityChecker", "F2", 20)]
    [InlineData(PlantedBug.DsyncNotDurable, "DurabilityChecker", "F5", 20)]
    [InlineData(PlantedBug.LateJoiner, "DurabilityChecker", "F2", 20)]
    [InlineData(PlantedBug.FlushCoversItsRing, "DurabilityChecker", "F2", 20)]
    [InlineData(PlantedBug.FirstFlushAfterRestart, "DurabilityChecker", "F2", 20)]
    [InlineData(PlantedBug.DsyncMarksRestClean, "DurabilityChecker", "F2", 40)]
    [InlineData(PlantedBug.FailedFlushRetried, "SyncFailureChecker", "F6", 60)]
    [InlineData(PlantedBug.FailedFlushFailsFirstOnly, "SyncFailureChecker", "F6", 60)]
    [InlineData(PlantedBug.FaultForgotten, "FenceChecker", "F6", 60)]
    [InlineData(PlantedBug.FuaAfterCleanFlush, "DurabilityChecker", "F5", 20)]
    [InlineData(PlantedBug.EmptyBarrierDropped, "DurabilityChecker", "O2", 20)]
    [InlineData(PlantedBug.BarrierAfterFailedWrite, "BarrierFailureChecker", "O6", 60)]
    [InlineData(PlantedBug.ReadPassesBarrier, "BarrierReadChecker", "O3", 40)]
    [InlineData(PlantedBug.BarrierIgnored, "BarrierFailureChecker", "O2", 20)]
    [InlineData(PlantedBug.WriteErrorSwallowed, "LinearizabilityChecker", "linearizability", 60)]
    [InlineData(PlantedBug.ReplyLost, "AnswerChecker", "S3", 40)]
    [InlineData(PlantedBug.ReplyTwice, "AnswerChecker", "S3", 20)]
    [InlineData(PlantedBug.ExtentOffByOne, "IsolationChecker", "S2", 20)]
    [InlineData(PlantedBug.FlushTwice, "FlushCountChecker", "F1", 10)]
    [InlineData(PlantedBug.BarrierDrainsOthers, "WorkConservationChecker", "O4", 20)]
    [InlineData(PlantedBug.FlushTimeNotCharged, "ChargeChecker", "Q1", 20)]
    [InlineData(PlantedBug.WeightsIgnored, "ShareBoundChecker", "Q2", 100)]
    [InlineData(PlantedBug.TwoPageCaches, "LinearizabilityChecker", "linearizability", 60)]
    [InlineData(PlantedBug.WeightChangeIgnored, "ShareBoundChecker", "Q2", 300)]
    [InlineData(PlantedBug.DiskRemovedUnderRings, "DiskRemovalChecker", "S2", 40)]
    [InlineData(PlantedBug.ClockRunsSlow, "LearnedCostChecker", "Q1", 600)]
    [InlineData(PlantedBug.JournalAnswersTooEarly, "FaultHistoryChecker", "F6", 300)]
    [InlineData(PlantedBug.NothingSentAgain, "AnswerChecker", "S3", 20)]
    [InlineData(PlantedBug.LateAnswerHeard, "AnswerChecker", "S3", 40)]
    [InlineData(PlantedBug.FirstFlushAfterTakeover, "DurabilityChecker", "F2", 20)]
    [InlineData(PlantedBug.NoFence, "DurabilityChecker", "F2", 100)]
    [InlineData(PlantedBug.ClearingForgotten, "FenceChecker", "F6", 200, FaultKinds.Device | FaultKinds.Takeovers)]
    public void Is_caught(PlantedBug bug, string checker, string rule, int seedsMax, FaultKinds faults = FaultKinds.All)
    {
        for (int seed = 1; seed <= seedsMax; seed++)
        {
            SimulationResult result = Simulation.Run(new SimulationOptions { Seed = seed, Bug = bug, Faults = faults });
            if (result.Checker != checker || result.Rule != rule)
                continue;
            SimulationResult shortest = Simulation.Shorten(result);
            Assert.Equal(rule, shortest.Rule);
            Assert.True(shortest.Options.Steps <= result.Options.Steps);
            Assert.NotEmpty(shortest.Table);
            return;
        }

        Assert.Fail($"{bug} is not caught by {checker} within {seedsMax} seeds");
    }

    // What another checker sees first, at the answer, is seen after the crash as well.
    [Theory]
    [InlineData(PlantedBug.FlushDoesNothing)]
    [InlineData(PlantedBug.BarrierIgnored)]
    [InlineData(PlantedBug.EmptyBarrierDropped)]
    public void Barrier_order_is_checked_after_a_crash(PlantedBug bug) => IsCaughtBy(nameof(BarrierCrashChecker), bug, "O2", 40);

    [Theory]
    [InlineData(PlantedBug.ExtentOffByOne)]
    [InlineData(PlantedBug.WriteErrorSwallowed)]
    [InlineData(PlantedBug.NoFence)]
    public void Reads_show_what_was_lost(PlantedBug bug) => IsCaughtBy(nameof(LinearizabilityChecker), bug, "linearizability", 60);

    private static void IsCaughtBy(string checker, PlantedBug bug, string rule, int seedsMax)
    {
        IEnumerable<SimulationResult> runs = Enumerable.Range(1, seedsMax)
            .Select(seed => Simulation.Run(new SimulationOptions { Seed = seed, Bug = bug, OnlyChecker = checker }));
        Assert.Contains(runs, run => run.Checker == checker && run.Rule == rule);
    }

    [Fact]
    public void Every_planted_bug_is_in_this_test()
    {
        IEnumerable<PlantedBug> tested = typeof(PlantedBugTests).GetMethod(nameof(Is_caught))!.GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Cast<InlineDataAttribute>().Select(data => (PlantedBug)data.GetData(null!).First()[0]!);
        Assert.Equal(Enum.GetValues<PlantedBug>().Except([PlantedBug.None]), tested.Order());
    }
}
