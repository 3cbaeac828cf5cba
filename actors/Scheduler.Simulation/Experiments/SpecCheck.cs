using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Whether an experiment can be run.</summary>
internal static class SpecCheck
{
    private const int GuestsMax = 10_000;
    private const long DiskBytesMax = 1L << 46;

    /// <summary>Throws if it can't.</summary>
    public static void Demand(ExperimentSpec spec)
    {
        Demand(spec.Groups.Count > 0, "an experiment has at least one group");
        Demand(spec.Groups.Sum(group => (long)Math.Max(0, group.Count)) <= GuestsMax, $"an experiment has at most {GuestsMax} guests");
        Demand(spec.Groups.Select(group => group.Name).Distinct().Count() == spec.Groups.Count, "two groups have the same name");
        Demand(spec.Policies.Count > 0 && spec.Policies.Distinct().Count() == spec.Policies.Count, "policies: at least one, each once");
        Demand(spec.Seeds.Count > 0 && spec.Seeds.Distinct().Count() == spec.Seeds.Count, "seeds: at least one, each once");
        Demand(spec is { DurationNs: > 0, WarmupNs: >= 0 }, "the duration is above 0, and the warm-up not below");
        Demand(spec.Depth is >= 1 and <= 1024, $"depth {spec.Depth} is not in 1 to 1024");
        DemandDevice(spec.Device);
        foreach (ExperimentGroup group in spec.Groups)
        {
            DemandGroup(group);
            DemandWorkload(group, group.Workload);
        }

        foreach (Expectation expectation in spec.Expectations)
            DemandExpectation(spec, expectation);
    }

    private static void DemandDevice(ExperimentDevice device)
    {
        Demand(device is { Channels: >= 1, ReadNs: > 0, WriteNs: > 0, ByteNs: >= 0 }, "device: channels, read and write times are above 0");
        Demand(device is { FlushNs: > 0, FlushByteNs: >= 0, DiscardNs: > 0, DiscardByteNs: >= 0 }, "device: flush and discard times are above 0");
        Demand(device.Spread is >= 0 and <= 1, $"device: spread {device.Spread} is not in 0 to 1");
    }

    private static void DemandGroup(ExperimentGroup group)
    {
        string name = $"group {group.Name}";
        Demand(group.Count >= 1, $"{name}: count {group.Count} is below 1");
        Demand(group.DiskBytes is > 0 and <= DiskBytesMax && group.DiskBytes % 4096 == 0, $"{name}: disk size {group.DiskBytes} is no multiple of 4096, or too large");
        Demand(group.StartNs >= 0 && group.StopNs > group.StartNs, $"{name}: it stops before it starts");
    }

    private static void DemandWorkload(ExperimentGroup group, ExperimentWorkload workload)
    {
        string name = $"group {group.Name}: workload {workload.Kind}";
        Demand(Enum.IsDefined(workload.Kind), $"{name} is not known");
        Demand(workload.Depth is >= 1 and <= VolumeCore.CreditsMax, $"{name}: depth {workload.Depth} is not in 1 to {VolumeCore.CreditsMax}");
        Demand(
            workload.RequestBytes is > 0 and <= 16 << 20 && workload.RequestBytes % 512 == 0 && workload.RequestBytes <= group.DiskBytes,
            $"{name}: request size {workload.RequestBytes} is no multiple of 512, above 16 MiB, or larger than the disk");
        Demand(workload.RatePerSecond >= 0 && workload.SyncEvery >= 1 && workload.OtherPercent is >= 0 and <= 100, $"{name}: a value is out of range");
        Demand(workload is { ActiveNs: >= 0, IdleNs: >= 0 }, $"{name}: a burst's times are below 0");
        if (workload.Kind == ExperimentWorkloadKind.BarrierWriter)
            Demand(group.Ordered.TakesBarriers(), $"{name}: ordered mode {group.Ordered} takes no barriers");
        foreach (TraceRequest request in workload.Trace)
        {
            Demand(request.Guest >= 0 && request.Guest < group.Count, $"{name}: the group has no guest {request.Guest}");
            Demand(
                request.Op.HasRange() ? request.Length > 0 && request.Offset >= 0 && request.Offset <= group.DiskBytes - request.Length : request.Length == 0,
                $"{name}: {request} does not fit its disk");
        }
    }

    private static void DemandExpectation(ExperimentSpec spec, Expectation expectation)
    {
        ExperimentMetric? metric = ExperimentMetrics.Find(expectation.Metric);
        Demand(metric is not null, $"expectation: there is no metric {expectation.Metric}");
        MetricScope scope = expectation.Group is null ? MetricScope.Volume : MetricScope.Group;
        Demand((metric!.Scope & scope) != 0, $"expectation: metric {expectation.Metric} is not one of {(scope == MetricScope.Volume ? "the volume" : "a group")}");
        Demand(expectation.Group is null || spec.Groups.Any(group => group.Name == expectation.Group), $"expectation: there is no group {expectation.Group}");
        Demand(spec.Policies.Contains(expectation.Policy), $"expectation: policy {expectation.Policy} is not run");
    }

    private static void Demand(bool condition, string otherwise)
    {
        if (!condition)
            throw new ArgumentException(otherwise);
    }
}
