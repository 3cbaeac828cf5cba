using System.Text.Json.Serialization;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What came out of an experiment. But for <see cref="Speed"/> it depends on the spec alone.</summary>
public sealed record ExperimentReport
{
    /// <summary>Name of the experiment.</summary>
    public required string Name { get; init; }

    /// <summary>What it is to show.</summary>
    public string Description { get; init; } = "";

    /// <summary>It was cancelled: some runs are missing.</summary>
    public bool Partial { get; init; }

    /// <summary>By policy, in the order of the spec; those without a finished run are missing.</summary>
    public required IReadOnlyList<PolicyReport> Policies { get; init; }

    /// <summary>What was to come out.</summary>
    public IReadOnlyList<Expectation> Expectations { get; init; } = [];

    /// <summary>How fast it was simulated, in real time. Not part of the files; null in a report that was read from one.</summary>
    [JsonIgnore]
    public ExperimentProgress? Speed { get; init; }

    /// <summary>Finds a metric.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="group">The group, or null for the volume.</param>
    /// <param name="metric">Name of the metric.</param>
    /// <returns>Its estimate, or null if there is none.</returns>
    public MetricEstimate? Find(PolicyKind policy, string? group, string metric)
    {
        PolicyReport? found = Policies.FirstOrDefault(report => report.Policy == policy);
        IReadOnlyDictionary<string, MetricEstimate>? metrics = group is null
            ? found?.Volume
            : found?.Groups.FirstOrDefault(report => report.Name == group)?.Metrics;
        return metrics?.GetValueOrDefault(metric);
    }

    /// <summary>Compares with what was to come out.</summary>
    /// <returns>Each expectation with what came out.</returns>
    public IReadOnlyList<ExpectationResult> Check() => [.. Expectations.Select(Check)];

    private ExpectationResult Check(Expectation expectation)
    {
        double? value = Find(expectation.Policy, expectation.Group, expectation.Metric)?.Mean;
        bool met = value is { } mean && !(mean < expectation.AtLeast) && !(mean > expectation.AtMost);
        return new ExpectationResult(expectation, value, met);
    }
}

/// <summary>Whether something came out as expected.</summary>
/// <param name="Expectation">What was expected.</param>
/// <param name="Value">What came out: the mean over the seeds; null if there is no value, which meets nothing.</param>
/// <param name="Met">Whether it did.</param>
public sealed record ExpectationResult(Expectation Expectation, double? Value, bool Met);

/// <summary>What came out under a policy.</summary>
public sealed record PolicyReport
{
    /// <summary>The policy.</summary>
    public required PolicyKind Policy { get; init; }

    /// <summary>Seeds of the runs that finished.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>Of the whole volume, by name of the metric.</summary>
    public required IReadOnlyDictionary<string, MetricEstimate> Volume { get; init; }

    /// <summary>By group, in the order of the spec.</summary>
    public required IReadOnlyList<GroupReport> Groups { get; init; }
}

/// <summary>What came out for a group under a policy.</summary>
public sealed record GroupReport
{
    /// <summary>Name of the group.</summary>
    public required string Name { get; init; }

    /// <summary>Of the whole group, by name of the metric.</summary>
    public required IReadOnlyDictionary<string, MetricEstimate> Metrics { get; init; }

    /// <summary>Of each guest, by number.</summary>
    public required IReadOnlyList<GuestReport> Guests { get; init; }
}

/// <summary>What came out for a guest under a policy.</summary>
public sealed record GuestReport
{
    /// <summary>Name of the guest.</summary>
    public required string Name { get; init; }

    /// <summary>By name of the metric.</summary>
    public required IReadOnlyDictionary<string, MetricEstimate> Metrics { get; init; }
}
