namespace Scheduler.Simulation;

/// <summary>What a metric can be of.</summary>
[Flags]
public enum MetricScope
{
    /// <summary>The whole volume.</summary>
    Volume = 1,

    /// <summary>A group, and each of its guests.</summary>
    Group = 2,

    /// <summary>Both.</summary>
    Both = Volume | Group,
}

/// <summary>One metric of the list.</summary>
/// <param name="Name">Its name, which does not change: expectations and files go by it.</param>
/// <param name="Unit">Its unit; empty for a ratio.</param>
/// <param name="Scope">What it is of.</param>
/// <param name="Meaning">What it means, in a sentence.</param>
public sealed record ExperimentMetric(string Name, string Unit, MetricScope Scope, string Meaning)
{
    internal int Index { get; init; }
}

/// <summary>
/// All metrics of an experiment: the one list that reports, files and expectations go by. All are of the measured time, but
/// for <c>requests</c>. A metric that means nothing in a run, such as the latency of a guest that was never answered, is
/// absent there.
/// </summary>
public static class ExperimentMetrics
{
    private static readonly List<ExperimentMetric> _all = [];

    /// <summary>The list, in the order of reports.</summary>
    public static IReadOnlyList<ExperimentMetric> All => _all;

    /// <summary>Finds a metric.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The metric, or null.</returns>
    public static ExperimentMetric? Find(string name) => _all.Find(metric => metric.Name == name);

    internal static ExperimentMetric Requests { get; } = Add("requests", "", MetricScope.Volume, "Requests answered in the whole run, warm-up included.");

    internal static ExperimentMetric Throughput { get; } = Add("throughput", "1/s", MetricScope.Both, "Requests answered without error; of a group, of all its guests.");

    internal static ExperimentMetric Bandwidth { get; } = Add("bandwidth", "B/s", MetricScope.Both, "Bytes of those requests.");

    internal static ExperimentMetric AloneThroughput { get; } =
        Add("alone-throughput", "1/s", MetricScope.Group, "Throughput of one guest of the group with the volume to itself, under the fair policy.");

    internal static ExperimentMetric Slowdown { get; } =
        Add("slowdown", "", MetricScope.Group, "Throughput alone divided by a guest's throughput; with none, as if one request had been answered.");

    internal static ExperimentMetric Latency50 { get; } =
        Add("latency-p50", "ns", MetricScope.Group, "Median time from when a request came, at the guest, to its answer.");

    internal static ExperimentMetric Latency99 { get; } = Add("latency-p99", "ns", MetricScope.Group, "99th percentile of that time.");

    internal static ExperimentMetric Latency999 { get; } = Add("latency-p999", "ns", MetricScope.Group, "99.9th percentile of that time.");

    internal static ExperimentMetric Latency50Rise { get; } = Add("latency-p50-rise", "", MetricScope.Group, "Median divided by the median alone.");

    internal static ExperimentMetric Latency99Rise { get; } = Add("latency-p99-rise", "", MetricScope.Group, "99th percentile divided by the one alone.");

    internal static ExperimentMetric Latency999Rise { get; } = Add("latency-p999-rise", "", MetricScope.Group, "99.9th percentile divided by the one alone.");

    internal static ExperimentMetric DeviceTimeShare { get; } = Add("device-time-share", "", MetricScope.Group, "Part of all charged device time (Q1).");

    internal static ExperimentMetric IdealShare { get; } = Add(
        "ideal-share", "", MetricScope.Group,
        "Part that it should have: reservations, then by weight, up to its limit, over the times it is active, and not more than it uses alone. "
        + "Absent for a guest that did not run alone, unless it had something queued nine tenths of the time.");

    internal static ExperimentMetric ShareError { get; } = Add(
        "share-error", "", MetricScope.Group,
        "Difference of the two, either way, as a part of the ideal share. Absent for open loops and replays, which ask for what comes and not for what they can get.");

    internal static ExperimentMetric Isolation { get; } = Add(
        "isol-01", "", MetricScope.Group,
        "1st percentile, over fiftieths of the time and over guests, of the rate divided by what can be expected under any policy: "
        + "the rate alone with no more device time than the ideal share of a device in full use. Above 1 where others leave theirs, or share flushes.");

    internal static ExperimentMetric WaitDrain { get; } =
        Add("wait-drain", "ns", MetricScope.Group, "Mean time that a request was held by its stream's order, or by a policy that drains.");

    internal static ExperimentMetric WaitQueue { get; } = Add("wait-queue", "ns", MetricScope.Group, "Mean time in the policy's queue.");

    internal static ExperimentMetric WaitBatch { get; } = Add("wait-batch", "ns", MetricScope.Group, "Mean time until the device flush that served it began.");

    internal static ExperimentMetric WaitDevice { get; } = Add("wait-device", "ns", MetricScope.Group, "Mean rest of the time in the volume: on the device.");

    internal static ExperimentMetric Late { get; } =
        Add("late", "", MetricScope.Group, "Of an open loop or a replay: part of the requests that came when there was no room for them, and waited at the guest.");

    internal static ExperimentMetric Errors { get; } = Add("errors", "", MetricScope.Both, "Requests answered with an error.");

    internal static ExperimentMetric Jain { get; } = Add(
        "jain", "", MetricScope.Volume,
        "Jain's index of device time divided by weight, over guests that had something queued nine tenths of the time, could use more, and have no reservation, no limit and no barriers: 1 is fair.");

    internal static ExperimentMetric ShareErrorMax { get; } =
        Add("share-error-max", "", MetricScope.Volume, "Largest share error of a guest that had something queued nine tenths of the time and could use more than its ideal share.");

    internal static ExperimentMetric WorkConservation { get; } = Add(
        "work-conservation", "", MetricScope.Volume,
        "Part of the time of the depth's slots that was not idle while reads or writes were queued; of guests with barriers, with a limit or of a replay nothing counts as queued.");

    internal static ExperimentMetric FlushesPerRequest { get; } = Add("flushes-per-request", "", MetricScope.Volume, "Device flushes divided by flush requests.");

    internal static ExperimentMetric Bound { get; } = Add(
        "bound", "ns", MetricScope.Volume,
        "Bound of Q2, (D+1)(cf/wf + cg/wg), D the most operations at once (under fair `depth` and a quarter), of the pair of guests that came closest to it: device time at weight 100.");

    internal static ExperimentMetric BoundUsed { get; } = Add(
        "bound-used", "", MetricScope.Volume,
        "Largest |Wf/wf - Wg/wg| of that pair over any interval in which both were backlogged, as a part of the bound; of up to 64 guests with plain reads or writes.");

    private static ExperimentMetric Add(string name, string unit, MetricScope scope, string meaning)
    {
        ExperimentMetric metric = new(name, unit, scope, meaning) { Index = _all.Count };
        _all.Add(metric);
        return metric;
    }
}
