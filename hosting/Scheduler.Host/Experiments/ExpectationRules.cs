using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Checks what is expected: it must be something that the report will have.</summary>
internal static class ExpectationRules
{
    /// <summary>More than any metric comes to.</summary>
    private const double BoundMax = 1e15;

    public static Expectation Check(ExperimentSection expected, List<PolicyKind> policies, List<ExperimentGroup> groups)
    {
        Expectation made = new(
            expected.Choice<PolicyKind>("policy"),
            expected.Raw("group"),
            expected.Text("metric"),
            Bound(expected, "at-least"),
            Bound(expected, "at-most"));
        if (!policies.Contains(made.Policy))
            throw expected.Error("policy", $"the experiment does not run {KebabName.Of(made.Policy)}; add it to policies");
        if (made.Group is not null && !groups.Exists(group => group.Name == made.Group))
            throw expected.Error("group", $"there is no group '{made.Group}'{Hint(made.Group, groups.Select(group => group.Name))}");
        CheckMetric(expected, made);
        if (made is { AtLeast: null, AtMost: null })
            throw expected.Error("at-least", "needs a bound: at-least, at-most or both");
        if (made.AtLeast > made.AtMost)
            throw expected.Error("at-most", $"'{expected.Raw("at-most")}' is below at-least");
        return made;
    }

    private static void CheckMetric(ExperimentSection expected, Expectation made)
    {
        MetricScope scope = made.Group is null ? MetricScope.Volume : MetricScope.Group;
        if (ExperimentMetrics.Find(made.Metric) is not { } metric)
            throw expected.Error("metric", $"there is no metric '{made.Metric}'{Hint(made.Metric, ExperimentMetrics.All.Select(known => known.Name))}");
        if ((metric.Scope & scope) == 0)
        {
            string remedy = scope == MetricScope.Volume ? "is one of a group; add group = NAME" : "is one of the whole volume; leave out the group";
            throw expected.Error("metric", $"{made.Metric} {remedy}");
        }
    }

    // A bound of a time is a duration, as everywhere.
    private static double? Bound(ExperimentSection expected, string name)
    {
        if (!expected.IsSet(name))
            return null;
        return ExperimentMetrics.Find(expected.Text("metric"))?.Unit == "ns"
            ? expected.Ns(name, TimeSpan.Zero, ExperimentBuilder.DurationMax)
            : expected.Number(name, -BoundMax, BoundMax);
    }

    private static string Hint(string name, IEnumerable<string> known) => Nearest.To(name, known) is { } nearest ? $"; did you mean {nearest}?" : "";
}
