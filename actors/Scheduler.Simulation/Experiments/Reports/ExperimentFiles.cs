using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Simulation;

/// <summary>A report in a file.</summary>
public static class ExperimentFiles
{
    private static readonly JsonSerializerOptions _json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Writes a report as JSON.</summary>
    /// <param name="report">The report.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void WriteJson(ExperimentReport report, Stream stream) => JsonSerializer.Serialize(stream, report, _json);

    /// <summary>Reads a report that <see cref="WriteJson"/> has written.</summary>
    /// <param name="stream">Where from; left open.</param>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidDataException">It is no such report.</exception>
    public static ExperimentReport ReadJson(Stream stream)
    {
        try
        {
            ExperimentReport report = JsonSerializer.Deserialize<ExperimentReport>(stream, _json) ?? throw new InvalidDataException("no report: null");
            return HasNullItems(report) ? throw new InvalidDataException("no report: an item of a list is null") : report;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"no report: {exception.Message}", exception);
        }
    }

    /// <summary>Writes a report as CSV: a line for each value, numbers with a point, in UTF-8.</summary>
    /// <param name="report">The report.</param>
    /// <param name="stream">Where to; left open.</param>
    public static void WriteCsv(ExperimentReport report, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(report);
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("experiment,partial,policy,scope,name,metric,unit,mean,half_width,runs");
        foreach (PolicyReport policy in report.Policies)
        {
            string start = $"{Quote(report.Name)},{(report.Partial ? "true" : "false")},{JsonNamingPolicy.KebabCaseLower.ConvertName(policy.Policy.ToString())}";
            Write($"{start},volume,", policy.Volume);
            foreach (GroupReport group in policy.Groups)
            {
                Write($"{start},group,{Quote(group.Name)}", group.Metrics);
                foreach (GuestReport guest in group.Guests)
                    Write($"{start},guest,{Quote(guest.Name)}", guest.Metrics);
            }
        }

        void Write(string start, IReadOnlyDictionary<string, MetricEstimate> metrics)
        {
            foreach ((string name, MetricEstimate estimate) in metrics)
            {
                writer.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{start},{name},{ExperimentMetrics.Find(name)?.Unit},{estimate.Mean:R},{estimate.HalfWidth:R},{estimate.Runs}"));
            }
        }
    }

    // The serializer sees to everything but the items of lists.
    private static bool HasNullItems(ExperimentReport report) =>
        HasNull(report.Expectations) || HasNull(report.Policies) || report.Policies.Any(policy =>
            HasNull(policy.Volume.Values) || HasNull(policy.Groups) || policy.Groups.Any(group =>
                HasNull(group.Metrics.Values) || HasNull(group.Guests) || group.Guests.Any(guest => HasNull(guest.Metrics.Values))));

    private static bool HasNull<T>(IEnumerable<T> items)
        where T : class => items.Any(item => item is null);

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
