using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Makes a report of the runs that finished.</summary>
internal static class ReportBuilder
{
    /// <summary>Makes the report of a policy.</summary>
    /// <param name="spec">The experiment.</param>
    /// <param name="plans">Its guests.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="runs">By index of the seed: the metrics of a run, or null if it did not finish.</param>
    /// <returns>The report, or null if no run finished.</returns>
    public static PolicyReport? Of(ExperimentSpec spec, IReadOnlyList<GuestPlan> plans, PolicyKind policy, RunMetrics?[] runs)
    {
        RunMetrics[] finished = [.. runs.OfType<RunMetrics>()];
        if (finished.Length == 0)
            return null;
        return new PolicyReport
        {
            Policy = policy,
            Seeds = [.. spec.Seeds.Where((_, i) => runs[i] is not null)],
            Volume = Estimates(MetricScope.Volume, finished.Select(run => run.Volume)),
            Groups =
            [
                .. spec.Groups.Select((group, i) => new GroupReport
                {
                    Name = group.Name,
                    Metrics = Estimates(MetricScope.Group, finished.Select(run => run.Groups[i])),
                    Guests =
                    [
                        .. plans.Where(plan => plan.GroupIndex == i).Select(plan => new GuestReport
                        {
                            Name = plan.Name,
                            Metrics = Estimates(MetricScope.Group, finished.Select(run => run.Guests[plan.Number])),
                        }),
                    ],
                }),
            ],
        };
    }

    // In the order of the list of metrics.
    private static Dictionary<string, MetricEstimate> Estimates(MetricScope scope, IEnumerable<MetricValues> runs)
    {
        Dictionary<string, MetricEstimate> estimates = [];
        foreach (ExperimentMetric metric in ExperimentMetrics.All)
        {
            if ((metric.Scope & scope) != 0 && MetricEstimate.Of(runs.Select(run => run[metric])) is { } estimate)
                estimates.Add(metric.Name, estimate);
        }

        return estimates;
    }
}
