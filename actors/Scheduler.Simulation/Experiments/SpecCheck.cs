using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Whether an experiment can be run.</summary>
internal static class SpecCheck
{
    private const double ByteNsMax = ExperimentLimits.ServiceNsMax / (double)(1 << 20);

    /// <summary>Throws if it can't.</summary>
    public static void Demand(ExperimentSpec spec)
    {
        Demand(spec.Groups.Count > 0, "an experiment has at least one group");
        Demand(spec.Groups.Sum(group => (long)Math.Max(0, group.Count)) <= ExperimentLimits.GuestsMax, $"an experiment has at most {ExperimentLimits.GuestsMax} guests");
        Demand(spec.Groups.Select(group => group.Name).Distinct().Count() == spec.Groups.Count, "two groups have the same name");
        Demand(spec.Policies.Count > 0 && spec.Policies.Distinct().Count() == spec.Policies.Count, "policies: at least one, each once");
        Demand(spec.Seeds.Count > 0 && spec.Seeds.Distinct().Count() == spec.Seeds.Count, "seeds: at least one, each once");
        Demand(
            spec is { DurationNs: > 0 and <= ExperimentLimits.DurationNsMax, WarmupNs: >= 0 and <= ExperimentLimits.DurationNsMax },
            $"the duration is above 0, the warm-up not below, and neither above {ExperimentLimits.DurationNsMax} ns");
        Demand(spec.Depth is >= 1 and <= ExperimentLimits.DepthMax, $"depth {spec.Depth} is not in 1 to {ExperimentLimits.DepthMax}");
        DemandDevice(spec.Device);
        foreach (ExperimentGroup group in spec.Groups)
        {
            DemandGroup(group);
            DemandWorkload(group, group.Workload);
        }

        double reserved = spec.Groups.Sum(group => group.Count * group.Reservation);
        Demand(reserved <= spec.Device.ReadsPerSecond, $"the reservations are {reserved} a second, the device has {spec.Device.ReadsPerSecond}");
        foreach (Expectation expectation in spec.Expectations)
            DemandExpectation(spec, expectation);
    }

    private static void DemandDevice(ExperimentDevice device)
    {
        Demand(device.Channels is >= 1 and <= ExperimentLimits.ChannelsMax, $"device: channels {device.Channels} are not in 1 to {ExperimentLimits.ChannelsMax}");
        foreach (double time in (ReadOnlySpan<double>)[device.ReadNs, device.WriteNs, device.FlushNs, device.DiscardNs])
            Demand(time is > 0 and <= ExperimentLimits.ServiceNsMax, $"device: a time of {time} ns is not above 0 and up to {ExperimentLimits.ServiceNsMax}");
        foreach (double time in (ReadOnlySpan<double>)[device.ByteNs, device.WriteByteNs ?? 0, device.FlushByteNs, device.DiscardByteNs])
            Demand(time is >= 0 and <= ByteNsMax, $"device: a time of {time} ns for a byte is not in 0 to {ByteNsMax}");
        Demand(device.DurableWriteNs <= ExperimentLimits.ServiceNsMax, $"device: a durable write of {device.DurableWriteNs} ns is above {ExperimentLimits.ServiceNsMax}");
        Demand(device.Spread is >= 0 and <= 1, $"device: spread {device.Spread} is not in 0 to 1");
    }

    private static void DemandGroup(ExperimentGroup group)
    {
        string name = $"group {group.Name}";
        Demand(group.Count >= 1, $"{name}: count {group.Count} is below 1");
        Demand(group.Weight is >= 1 and <= ExperimentLimits.WeightMax, $"{name}: weight {group.Weight} is not in 1 to {ExperimentLimits.WeightMax}");
        Demand(group.Reservation is >= 0 and <= ExperimentLimits.RateMax, $"{name}: reservation {group.Reservation} is not in 0 to {ExperimentLimits.RateMax}");
        Demand(
            group.Limit == 0 || (group.Limit >= group.Reservation && group.Limit is > 0 and <= ExperimentLimits.RateMax),
            $"{name}: limit {group.Limit} is below the reservation, or not in 0 to {ExperimentLimits.RateMax}");
        Demand(
            group.DiskBytes is > 0 and <= ExperimentLimits.DiskBytesMax && group.DiskBytes % ExperimentLimits.BlockBytes == 0,
            $"{name}: disk size {group.DiskBytes} is no multiple of {ExperimentLimits.BlockBytes}, or too large");
        Demand(
            group.StartNs is >= 0 and <= ExperimentLimits.StartNsMax && group.StopNs > group.StartNs,
            $"{name}: it stops before it starts, or starts after {ExperimentLimits.StartNsMax} ns");
    }

    private static void DemandWorkload(ExperimentGroup group, ExperimentWorkload workload)
    {
        string name = $"group {group.Name}: workload {workload.Kind}";
        Demand(Enum.IsDefined(workload.Kind), $"{name} is not known");
        Demand(workload.Depth is >= 1 and <= VolumeCore.CreditsMax, $"{name}: depth {workload.Depth} is not in 1 to {VolumeCore.CreditsMax}");
        Demand(
            workload.RequestBytes is > 0 and <= ExperimentLimits.RequestBytesMax
            && workload.RequestBytes % ExperimentLimits.SectorBytes == 0 && workload.RequestBytes <= group.DiskBytes,
            $"{name}: request size {workload.RequestBytes} is no multiple of {ExperimentLimits.SectorBytes}, above {ExperimentLimits.RequestBytesMax}, or larger than the disk");
        Demand(
            workload is { RatePerSecond: >= 0 and <= ExperimentLimits.RateMax, SyncEvery: >= 1 and <= ExperimentLimits.SyncEveryMax, OtherPercent: >= 0 and <= 100 },
            $"{name}: a value is out of range");
        Demand(
            workload is { ActiveNs: >= 0 and <= ExperimentLimits.DurationNsMax, IdleNs: >= 0 and <= ExperimentLimits.DurationNsMax },
            $"{name}: a burst's times are not in 0 to {ExperimentLimits.DurationNsMax} ns");
        Demand(
            workload.ActiveNs == 0 || workload.ActiveNs + workload.IdleNs >= ExperimentLimits.BurstNsMin,
            $"{name}: a burst and its idle time are below {ExperimentLimits.BurstNsMin} ns");
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
