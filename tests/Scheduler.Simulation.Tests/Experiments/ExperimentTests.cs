using Scheduler.Core;

namespace Scheduler.Simulation.Tests.Experiments;

public sealed class ExperimentTests
{
    private static readonly ExperimentSpec _mixed = Specs.Of(
        Specs.Group("readers", ExperimentWorkloadKind.RandomRead, 4) with { Count = 3 },
        Specs.Group("database", ExperimentWorkloadKind.Database, 2) with { Weight = 50 },
        Specs.Group("limited", ExperimentWorkloadKind.RandomWrite, 4) with { Limit = 2_000 }) with
    {
        Device = new ExperimentDevice(),
        Seeds = [1, 2, 3],
        Policies = [PolicyKind.Fair, PolicyKind.Fifo],
        WarmupNs = 10 * Specs.Ms,
        Alone = true,
    };

    [Fact]
    public void The_same_spec_gives_the_same_report()
    {
        string json = Specs.Json(Specs.Run(_mixed));
        Assert.Equal(json, Specs.Json(Experiment.Run(_mixed, null, CancellationToken.None, 1)));
        Assert.NotEqual(json, Specs.Json(Specs.Run(_mixed with { Seeds = [1, 2, 4] })));
    }

    [Fact]
    public void One_guest_with_one_request_gets_exactly_what_the_device_takes()
    {
        ExperimentReport report = Specs.Run(Specs.Of(Specs.Group("g", ExperimentWorkloadKind.RandomRead)) with { Alone = true, DurationNs = 100 * Specs.Ms + 1 });
        Assert.Equal(1_000, report.Value(null, "requests"));
        Assert.Equal(10_000, report.Value("g", "throughput"), 0);
        Assert.Equal(4096, report.Value("g", "bandwidth") / report.Value("g", "throughput"), 6);
        Assert.InRange(report.Value("g", "latency-p50"), 99_500, 100_500);
        Assert.Equal(1, report.Value("g", "latency-p99-rise"));
        Assert.Equal(1, report.Value("g", "slowdown"));
        Assert.Equal(1, report.Value("g", "device-time-share"));
        Assert.Equal(1, report.Value("g", "ideal-share"));
        Assert.Equal(100_000, report.Value("g", "wait-device"));
        Assert.Equal(0, report.Value("g", "wait-queue"));
        Assert.InRange(report.Value("g", "isol-01"), 0.94, 1);
        Assert.Null(report.Find(PolicyKind.Fair, null, "flushes-per-request"));
    }

    [Fact]
    public void Backlogged_guests_share_by_weight_and_no_slot_idles()
    {
        ExperimentGroup light = Specs.Group("light", ExperimentWorkloadKind.RandomRead, 32) with { Weight = 100 };
        ExperimentSpec spec = Specs.Of(light, light with { Name = "heavy", Weight = 300 }) with { Device = new ExperimentDevice(), DurationNs = 500 * Specs.Ms, Depth = 16, Alone = true };
        ExperimentReport report = Specs.Run(spec);
        Assert.Equal(0.75, report.Value("heavy", "ideal-share"), 6);
        Assert.InRange(report.Value(null, "share-error-max"), 0, 0.02);
        Assert.InRange(report.Value("heavy", "throughput") / report.Value("light", "throughput"), 2.94, 3.06);
        Assert.InRange(report.Value(null, "jain"), 0.999, 1);
        Assert.Equal(1, report.Value(null, "work-conservation"), 6);
        Assert.InRange(report.Value(null, "bound-used"), 0, 1);

        // (D+1)(cf/wf + cg/wg) with reads of (80 us + 2 us) / 8 channels; D: the depth, and a quarter for newcomers (Q6).
        Assert.Equal(21 * (10_256 + (10_256 / 3.0)), report.Value(null, "bound"), 6);
        Assert.InRange(report.Value("light", "slowdown"), 3.8, 4.2);
        Assert.InRange(report.Value("light", "isol-01"), 0.9, 1.01);
    }

    [Fact]
    public void Without_fairness_the_bound_is_exceeded_and_shares_are_wrong()
    {
        ExperimentGroup light = Specs.Group("light", ExperimentWorkloadKind.RandomRead, 32) with { Weight = 100 };
        ExperimentSpec spec = Specs.Of(light, light with { Name = "heavy", Weight = 300 }) with { Policies = [PolicyKind.Fifo] };
        ExperimentReport report = Specs.Run(spec);
        Assert.True(report.Value(null, "bound-used") > 1);
        Assert.InRange(report.Value("heavy", "share-error"), 0.3, 0.35);
        Assert.InRange(report.Value(null, "jain"), 0.75, 0.85);
    }

    [Fact]
    public void A_guest_that_waits_for_others_is_owed_what_it_uses_alone()
    {
        // Alone the reader has one of eight channels all the time, less than its half.
        ExperimentSpec spec = Specs.Of(
            Specs.Group("reader", ExperimentWorkloadKind.RandomRead),
            Specs.Group("greedy", ExperimentWorkloadKind.RandomRead, 256)) with
        {
            Device = new ExperimentDevice(),
            Depth = 32,
            Policies = [PolicyKind.Fifo],
            Alone = true,
        };
        ExperimentReport report = Specs.Run(spec);
        Assert.InRange(report.Value("reader", "slowdown"), 20, 40);
        Assert.InRange(report.Value("reader", "ideal-share"), 0.12, 0.13);
        Assert.InRange(report.Value("reader", "share-error"), 0.95, 0.98);
        Assert.InRange(report.Value("reader", "isol-01"), 0, 0.06);
        Assert.Null(Specs.Run(spec with { Alone = false, DurationNs = Specs.Ms, Groups = [spec.Groups[0]] }).Find(PolicyKind.Fifo, "reader", "ideal-share"));
    }

    [Fact]
    public void An_open_loop_has_no_share_error()
    {
        ExperimentGroup open = Specs.Group("open", ExperimentWorkloadKind.RandomRead, 8);
        ExperimentReport report = Specs.Run(Specs.Of(
            open with { Workload = open.Workload with { RatePerSecond = 1_000 } },
            Specs.Group("loop", ExperimentWorkloadKind.RandomRead, 8)) with
        { Alone = true });
        Assert.Null(report.Find(PolicyKind.Fair, "open", "share-error"));
        Assert.InRange(report.Value("open", "ideal-share"), 0.05, 0.15);
        Assert.InRange(report.Value("loop", "share-error"), 0, 0.1);
    }

    [Fact]
    public void What_can_be_expected_is_the_same_under_a_policy_that_wastes_the_device()
    {
        ExperimentSpec spec = Specs.Of(
            Specs.Group("reader", ExperimentWorkloadKind.RandomRead, 8) with { Count = 2 },
            Specs.Group("flusher", ExperimentWorkloadKind.FlushStorm) with { Count = 4 }) with
        {
            Device = new ExperimentDevice(),
            Depth = 16,
            Policies = [PolicyKind.Fair, PolicyKind.QueueDrain],
            Alone = true,
        };
        ExperimentReport report = Specs.Run(spec);
        double Of(PolicyKind policy, string metric) => report.Find(policy, "reader", metric)!.Mean;

        // Under both it is a sixth of the rate alone.
        Assert.InRange(Of(PolicyKind.QueueDrain, "isol-01"), 0, 6 / Of(PolicyKind.QueueDrain, "slowdown"));
        Assert.InRange(Of(PolicyKind.QueueDrain, "slowdown"), 10, 100);
        Assert.InRange(Of(PolicyKind.Fair, "isol-01"), 1, 6 / Of(PolicyKind.Fair, "slowdown"));
    }

    [Fact]
    public void Writers_that_barriers_hold_are_not_judged_as_backlogged()
    {
        ExperimentGroup writer = Specs.Group("a", ExperimentWorkloadKind.BarrierWriter, 16) with
        {
            Ordered = OrderedMode.TagFlush,
            Workload = new ExperimentWorkload { Kind = ExperimentWorkloadKind.BarrierWriter, Depth = 16, SyncEvery = 4 },
        };
        ExperimentSpec spec = Specs.Of(writer, writer with { Name = "b", Weight = 400 });
        ExperimentReport report = Specs.Run(spec);
        Assert.Null(report.Find(PolicyKind.Fair, null, "jain"));
        Assert.Null(report.Find(PolicyKind.Fair, null, "share-error-max"));
        Assert.Null(report.Find(PolicyKind.Fair, "a", "share-error"));
        Assert.All(Specs.RunOnce(spec).Result.Guests, guest => Assert.Equal(0, guest.BackloggedSeconds));
    }

    [Fact]
    public void A_limit_holds_and_what_it_holds_does_not_count_as_idle()
    {
        ExperimentSpec spec = Specs.Of(Specs.Group("g", ExperimentWorkloadKind.RandomRead, 8) with { Limit = 1_000 }) with { WarmupNs = 50 * Specs.Ms };
        ExperimentReport report = Specs.Run(spec);
        Assert.InRange(report.Value("g", "throughput"), 980, 1_020);
        Assert.Equal(1, report.Value(null, "work-conservation"));
    }

    [Fact]
    public void Flushes_of_several_guests_are_merged()
    {
        ExperimentSpec spec = Specs.Of(Specs.Group("g", ExperimentWorkloadKind.FlushStorm) with { Count = 8 }) with { Policies = [PolicyKind.Fair, PolicyKind.Fifo] };
        ExperimentReport report = Specs.Run(spec);
        Assert.InRange(report.Find(PolicyKind.Fair, null, "flushes-per-request")!.Mean, 0.1, 0.4);
        Assert.InRange(report.Find(PolicyKind.Fifo, null, "flushes-per-request")!.Mean, 0.9, 1.1);
        Assert.True(report.Find(PolicyKind.Fair, "g", "wait-batch")!.Mean > 100_000);
    }

    [Fact]
    public void Expectations_are_compared_with_the_mean()
    {
        ExperimentSpec spec = Specs.Of(Specs.Group("g", ExperimentWorkloadKind.RandomRead)) with
        {
            Expectations =
            [
                new Expectation(PolicyKind.Fair, "g", "throughput", 9_000, null),
                new Expectation(PolicyKind.Fair, null, "requests", null, 10),
                new Expectation(PolicyKind.Fair, "g", "slowdown", null, 2),
            ],
        };
        IReadOnlyList<ExpectationResult> results = Specs.Run(spec).Check();
        Assert.Equal([true, false, false], results.Select(result => result.Met));
        Assert.Null(results[2].Value);
    }

    [Fact]
    public void A_cancelled_experiment_has_what_had_finished()
    {
        using CancellationTokenSource source = new();
        ExperimentSpec spec = _mixed with { Alone = false };
        ExperimentReport report = Experiment.Run(spec, new Canceller(source), source.Token, 1);
        Assert.True(report.Partial);
        Assert.Equal(PolicyKind.Fair, Assert.Single(report.Policies).Policy);
        Assert.Equal([1], report.Policies[0].Seeds);
        Assert.Null(report.Policies[0].Volume["requests"].HalfWidth);
        Assert.Contains("\"partial\": true", Specs.Json(report), StringComparison.Ordinal);

        Assert.Empty(Experiment.Run(spec, null, source.Token).Policies);
    }

    [Fact]
    public void What_can_t_be_run_is_refused()
    {
        ExperimentGroup group = Specs.Group("g", ExperimentWorkloadKind.RandomRead);
        ExperimentSpec good = Specs.Of(group);
        ExperimentSpec[] bad =
        [
            good with { Groups = [] },
            good with { Groups = [group, group] },
            good with { Seeds = [] },
            good with { Depth = 0 },
            good with { DurationNs = long.MaxValue },
            good with { DurationNs = 1, WarmupNs = long.MaxValue },
            good with { Device = Specs.Slow with { Channels = 1_025 } },
            good with { Device = Specs.Slow with { ReadNs = double.NaN } },
            good with { Device = Specs.Slow with { FlushByteNs = double.PositiveInfinity } },
            good with { Groups = [group with { Weight = 0 }] },
            good with { Groups = [group with { Weight = 10_001 }] },
            good with { Groups = [group with { Reservation = -1 }] },
            good with { Groups = [group with { Limit = -1 }] },
            good with { Groups = [group with { Limit = double.NaN }] },
            good with { Groups = [group with { Reservation = 10, Limit = 5 }] },
            good with { Groups = [group with { Count = 3, Reservation = 3_334 }] },
            good with { Groups = [group with { DiskBytes = ExperimentLimits.DiskBytesMax + 4096 }] },
            good with { Groups = [group with { StartNs = long.MaxValue - 1 }] },
            good with { Groups = [group with { Workload = group.Workload with { ActiveNs = 100, IdleNs = 9_899 } }] },
            good with { Groups = [group with { Workload = group.Workload with { ActiveNs = long.MaxValue, IdleNs = long.MaxValue } }] },
            good with { Groups = [group with { Workload = group.Workload with { Depth = 2_000 } }] },
            good with { Groups = [group with { Workload = group.Workload with { RequestBytes = 1_000 } }] },
            good with { Groups = [Specs.Group("g", ExperimentWorkloadKind.BarrierWriter)] },
            good with { Expectations = [new Expectation(PolicyKind.Fair, null, "no-such-metric", 1, null)] },
            good with { Expectations = [new Expectation(PolicyKind.Fair, null, "slowdown", 1, null)] },
        ];
        foreach (ExperimentSpec spec in bad)
            Assert.Throws<ArgumentException>(() => Specs.Run(spec));
    }

    [Fact]
    public void Requests_cost_no_allocation()
    {
        ExperimentSpec spec = _mixed with { Groups = [.. _mixed.Groups, Specs.Group("storm", ExperimentWorkloadKind.FlushStorm, 4)], DurationNs = 100_000 * Specs.Ms };
        ExperimentRun run = new(spec, PolicyKind.Fair, 1, GuestPlan.All(spec));
        _ = run.Advance(100_000);
        long requests = run.Requests;
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = run.Advance(200_000);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(run.Requests - requests > 20_000);
        Assert.InRange(allocated, 0, 4_096);
    }

    /// <summary>Cancels when the first run has finished.</summary>
    private sealed class Canceller(CancellationTokenSource source) : IProgress<ExperimentProgress>
    {
        public void Report(ExperimentProgress value)
        {
            if (value.RunsDone > 0)
                source.Cancel();
        }
    }
}
