using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>One scrape of <c>/metrics</c>.</summary>
internal sealed partial class Metrics(string text)
{
    private readonly List<(string Name, string Labels, double Value)> _samples = [.. Parse(text)];

    /// <summary>The sum over all series of a name that have the labels, each written <c>label="value"</c>.</summary>
    public double Sum(string name, params string[] labels)
    {
        double[] values = [.. _samples
            .Where(sample => sample.Name == name)
            .Where(sample => labels.All(label => sample.Labels.Contains(label, StringComparison.Ordinal)))
            .Select(sample => sample.Value)];
        Assert.True(values.Length > 0, $"there is no metric {name} {string.Join(',', labels)}");
        return values.Sum();
    }

    private static IEnumerable<(string Name, string Labels, double Value)> Parse(string text)
    {
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith('#'))
                continue;
            Match match = Sample().Match(line);
            Assert.True(match.Success, $"not a Prometheus sample: {line}");
            double value = double.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture);
            yield return (match.Groups[1].Value, match.Groups[2].Value, value);
        }
    }

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$")]
    private static partial Regex Sample();
}
