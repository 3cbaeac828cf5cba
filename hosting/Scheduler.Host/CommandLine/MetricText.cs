using System.Globalization;
using Scheduler.Simulation;

namespace Scheduler.Host.CommandLine;

/// <summary>Metrics as people read them.</summary>
internal static class MetricText
{
    /// <summary>What stands where a metric means nothing.</summary>
    public const string None = "-";

    // Less is not worth a place on the line.
    private const double HalfWidthShown = 0.01;

    /// <summary>A mean, and how far it may be off where that matters.</summary>
    /// <param name="metric">Name of the metric.</param>
    /// <param name="estimate">The estimate; null if there is none.</param>
    /// <returns>E.g. <c>1.23 ms</c>, <c>12,195 ±3%</c>.</returns>
    public static string Of(string metric, MetricEstimate? estimate)
    {
        if (estimate is null)
            return None;
        string mean = Of(metric, estimate.Mean);
        double off = estimate.HalfWidth is { } half && estimate.Mean != 0 ? half / Math.Abs(estimate.Mean) : 0;
        return off < HalfWidthShown ? mean : string.Create(CultureInfo.InvariantCulture, $"{mean} \u00b1{off * 100:F0}%");
    }

    /// <summary>A value with its unit.</summary>
    public static string Of(string metric, double value) => ExperimentMetrics.Find(metric)?.Unit switch
    {
        "ns" => Duration(value),
        "B/s" => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:N1} MB/s"),
        _ => Number(value),
    };

    /// <summary>A number with about three digits that mean something.</summary>
    public static string Number(double value)
    {
        string format = Math.Abs(value) switch
        {
            0 or >= 100 => "N0",
            >= 10 => "F1",
            >= 0.1 => "F3",
            _ => "G3",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    private static string Duration(double ns) => Math.Abs(ns) switch
    {
        < 1e3 => $"{Number(ns)} ns",
        < 1e6 => $"{Number(ns / 1e3)} us",
        < 1e9 => $"{Number(ns / 1e6)} ms",
        _ => $"{Number(ns / 1e9)} s",
    };
}
