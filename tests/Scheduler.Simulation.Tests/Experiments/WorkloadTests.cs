using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation.Tests.Experiments;

/// <summary>What each kind of workload makes the device do.</summary>
public sealed class WorkloadTests
{
    [Theory]
    [InlineData(ExperimentWorkloadKind.RandomRead, DeviceOp.Read)]
    [InlineData(ExperimentWorkloadKind.SequentialRead, DeviceOp.Read)]
    [InlineData(ExperimentWorkloadKind.RandomWrite, DeviceOp.Write)]
    [InlineData(ExperimentWorkloadKind.SequentialWrite, DeviceOp.Write)]
    [InlineData(ExperimentWorkloadKind.Discard, DeviceOp.Discard)]
    public void Plain_kinds_do_one_thing_as_fast_as_they_can(ExperimentWorkloadKind kind, DeviceOp op)
    {
        IReadOnlyList<long> operations = Operations(Specs.Group("g", kind, 4));
        Assert.InRange(operations[(int)op], 1_000, 1_004);
        Assert.Equal(operations[(int)op], operations.Sum());
    }

    [Theory]
    [InlineData(ExperimentWorkloadKind.Database)]
    [InlineData(ExperimentWorkloadKind.LogWriter)]
    public void Synced_kinds_flush_after_so_many_writes(ExperimentWorkloadKind kind)
    {
        // Four writes of 0.1 ms, and a flush of 1 ms + 4 * 0.1 ms: 1.8 ms.
        IReadOnlyList<long> operations = Operations(WithSyncs(Specs.Group("g", kind, 2), 4));
        Assert.InRange(operations[(int)DeviceOp.Flush], 55, 56);
        Assert.InRange(operations[(int)DeviceOp.Write], 4 * 55, 4 * 56);
    }

    [Fact]
    public void A_flush_storm_writes_and_flushes_by_turns()
    {
        // 0.1 ms + 1.1 ms.
        IReadOnlyList<long> operations = Operations(Specs.Group("g", ExperimentWorkloadKind.FlushStorm));
        Assert.InRange(operations[(int)DeviceOp.Write], 83, 84);
        Assert.InRange(operations[(int)DeviceOp.Flush], 83, 84);
    }

    [Fact]
    public void Forced_unit_access_uses_the_device_s_own_where_it_has_it()
    {
        ExperimentSpec spec = Specs.Of(Specs.Group("g", ExperimentWorkloadKind.FuaStorm));
        IReadOnlyList<long> flushed = Specs.RunOnce(spec).Run.DeviceOperations;
        Assert.InRange(flushed[(int)DeviceOp.Flush], 83, 84);
        IReadOnlyList<long> durable = Specs.RunOnce(spec with { Device = Specs.Slow with { DurableWriteNs = 100_000 } }).Run.DeviceOperations;
        Assert.True(durable[(int)DeviceOp.Write] > 400);
        Assert.True(durable[(int)DeviceOp.Flush] < 20);
    }

    [Theory]
    [InlineData(OrderedMode.TagFlush)]
    [InlineData(OrderedMode.DrainFlush)]
    public void A_barrier_writer_has_two_flushes_to_a_barrier(OrderedMode mode)
    {
        // Three writes and a barrier's own: 0.4 ms; a flush before of 1.3 ms and one after of 1.1 ms: 2.8 ms.
        IReadOnlyList<long> operations = Operations(WithSyncs(Specs.Group("g", ExperimentWorkloadKind.BarrierWriter, 4), 4) with { Ordered = mode });
        Assert.InRange(operations[(int)DeviceOp.Flush], 2 * 34, 2 * 36);
        Assert.InRange(operations[(int)DeviceOp.Write], 4 * 34, 4 * 37);
    }

    [Fact]
    public void So_many_of_a_hundred_go_the_other_way()
    {
        ExperimentGroup group = Specs.Group("g", ExperimentWorkloadKind.RandomRead, 4);
        IReadOnlyList<long> operations = Operations(group with { Workload = group.Workload with { OtherPercent = 30 } });
        Assert.InRange(operations[(int)DeviceOp.Write], 250, 350);
        Assert.InRange(operations[(int)DeviceOp.Read], 650, 750);
    }

    [Fact]
    public void An_open_loop_sends_at_its_rate()
    {
        ExperimentGroup group = Specs.Group("g", ExperimentWorkloadKind.RandomRead, 16);
        group = group with { Workload = group.Workload with { RatePerSecond = 5_000 } };
        ExperimentReport report = Specs.Run(Specs.Of(group) with { DurationNs = 1_000 * Specs.Ms });
        Assert.InRange(report.Value("g", "throughput"), 4_800, 5_200);
        Assert.InRange(report.Value("g", "late"), 0, 0.001);
    }

    [Fact]
    public void An_open_loop_that_is_too_fast_makes_its_requests_wait()
    {
        ExperimentGroup group = Specs.Group("g", ExperimentWorkloadKind.RandomRead, 1);
        group = group with { Workload = group.Workload with { RatePerSecond = 20_000 } };
        ExperimentReport report = Specs.Run(Specs.Of(group));
        Assert.InRange(report.Value("g", "throughput"), 9_980, 10_000);
        Assert.InRange(report.Value("g", "late"), 0.95, 1);

        // Half of what came in 100 ms is still waiting at the end.
        Assert.InRange(report.Value("g", "latency-p999"), 45e6, 55e6);
    }

    [Fact]
    public void A_guest_that_starts_stops_and_pauses_is_active_in_between_only()
    {
        ExperimentGroup group = Specs.Group("g", ExperimentWorkloadKind.RandomRead) with { StartNs = 10 * Specs.Ms, StopNs = 50 * Specs.Ms };
        group = group with { Workload = group.Workload with { ActiveNs = 5 * Specs.Ms, IdleNs = 15 * Specs.Ms } };
        (ExperimentRun run, RunResult result) = Specs.RunOnce(Specs.Of(group));

        // Two bursts of 5 ms; each ends with the request that goes on.
        Assert.InRange(run.DeviceOperations.Sum(), 100, 102);
        Assert.Equal(0, result.Guests[0].Record.Errors);
        Assert.All(Enumerable.Range(0, MeasuredWindow.Slices), slice =>
            Assert.True(slice is (>= 5 and <= 7) or (>= 15 and <= 17) || result.Guests[0].Slices[slice] == 0, $"slice {slice}"));
    }

    [Fact]
    public void A_guest_that_stops_with_requests_on_the_way_is_no_error()
    {
        ExperimentGroup stops = Specs.Group("stops", ExperimentWorkloadKind.RandomWrite, 16) with { StopNs = 20 * Specs.Ms };
        ExperimentReport report = Specs.Run(Specs.Of(stops, Specs.Group("stays", ExperimentWorkloadKind.RandomWrite, 16)));
        Assert.Equal(0, report.Value(null, "errors"));
        Assert.InRange(report.Value("stops", "throughput"), 900, 1_100);
        Assert.InRange(report.Value(null, "work-conservation"), 0.999, 1);
    }

    [Fact]
    public void A_trace_is_replayed_at_its_times_by_the_guest_that_it_names()
    {
        TraceRequest[] trace =
        [
            new(3 * Specs.Ms, 1, RequestOp.Flush, RequestFlags.None, 0, 0),
            new(1 * Specs.Ms, 0, RequestOp.Write, RequestFlags.None, 8192, 8192),
            new(1 * Specs.Ms, 1, RequestOp.Write, RequestFlags.None, 0, 4096),
            new(90 * Specs.Ms, 0, RequestOp.Read, RequestFlags.None, 0, 4096),
            new(200 * Specs.Ms, 0, RequestOp.Read, RequestFlags.None, 0, 4096),
        ];
        ExperimentGroup group = new() { Name = "g", Count = 2, Workload = new ExperimentWorkload { Kind = ExperimentWorkloadKind.Replay, Trace = trace, Depth = 8 } };
        (ExperimentRun run, RunResult result) = Specs.RunOnce(Specs.Of(group));
        Assert.Equal([1, 2, 1, 0, 0, 0, 0], run.DeviceOperations);
        Assert.Equal([2, 2], result.Guests.Select(guest => guest.Answered));
        Assert.Equal(8192 + 4096, result.Guests[0].Record.Bytes);
        Assert.Equal([0, 45], Enumerable.Range(0, MeasuredWindow.Slices).Where(slice => result.Guests[0].Slices[slice] > 0));
        Assert.Equal([0, 2], Enumerable.Range(0, MeasuredWindow.Slices).Where(slice => result.Guests[1].Slices[slice] > 0));
    }

    private static IReadOnlyList<long> Operations(ExperimentGroup group) => Specs.RunOnce(Specs.Of(group)).Run.DeviceOperations;

    private static ExperimentGroup WithSyncs(ExperimentGroup group, int every) => group with { Workload = group.Workload with { SyncEvery = every } };
}
