using System.Text;
using OpenTelemetry.Metrics;

namespace Scheduler.Host.Telemetry;

/// <summary>
/// Names of instruments as Prometheus spells them: whatever it does not allow becomes an underscore, the unit follows
/// the name, and counters end in <c>_total</c>.
/// </summary>
internal static class PrometheusName
{
    /// <summary>The name of a metric's family.</summary>
    /// <param name="instrument">E.g. <c>scheduler.flush.requests</c>.</param>
    /// <param name="unit">UCUM; seconds (<c>s</c>) and bytes (<c>By</c>) are spelled out, others left out.</param>
    /// <param name="counter">Whether it only ever grows.</param>
    /// <returns>E.g. <c>scheduler_flush_requests_total</c>.</returns>
    public static string Family(string instrument, string unit, bool counter)
    {
        const string total = "_total";
        string name = Clean(instrument, allowColon: true);
        string suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        if (counter && name.EndsWith(total, StringComparison.Ordinal))
            name = name[..^total.Length];
        if (!name.EndsWith(suffix, StringComparison.Ordinal))
            name += suffix;
        return counter ? name + total : name;
    }

    /// <summary>The name of a label.</summary>
    /// <param name="tag">E.g. <c>http.route</c>.</param>
    /// <returns>E.g. <c>http_route</c>.</returns>
    public static string Label(string tag) => Clean(tag, allowColon: false);

    /// <summary>Whether a metric only ever grows, or is a value of the moment.</summary>
    public static bool IsCounter(MetricType type) => type is MetricType.LongSum or MetricType.DoubleSum;

    private static string Clean(string name, bool allowColon)
    {
        StringBuilder clean = new(name.Length + 1);
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
            clean.Append('_');
        foreach (char c in name)
            clean.Append(char.IsAsciiLetterOrDigit(c) || c == '_' || (allowColon && c == ':') ? c : '_');
        return clean.ToString();
    }
}
