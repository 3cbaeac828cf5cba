using System.Buffers;
using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Scheduler.Host.Telemetry;

/// <summary>
/// Writes metrics in the Prometheus text format 0.0.4. Families are in the order of their names, their series in the
/// order in which they first appeared.
/// </summary>
internal sealed class PrometheusWriter
{
    private readonly ArrayBufferWriter<byte> _output = new(16 * 1024);
    private readonly ArrayBufferWriter<byte> _labels = new(256);
    private readonly List<(string Family, Metric Metric)> _families = [];

    /// <summary>What was written, until the next <see cref="Write"/>.</summary>
    public ReadOnlySpan<byte> Written => _output.WrittenSpan;

    /// <summary>Replaces what was written.</summary>
    /// <param name="batch">Metrics; exponential histograms have no form in this format and are left out.</param>
    public void Write(in Batch<Metric> batch)
    {
        _output.ResetWrittenCount();
        _families.Clear();
        foreach (Metric metric in batch)
        {
            if (TypeName(metric.MetricType) is not null)
                _families.Add((NameOf(metric), metric));
        }

        // Meters may share a name; the format wants the series of a family together under one header.
        foreach (IGrouping<string, Metric> family in _families
            .GroupBy(item => item.Family, item => item.Metric)
            .OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            Metric first = family.First();
            Header(family.Key, first);
            foreach (Metric metric in family.Where(metric => metric.MetricType == first.MetricType))
                Series(family.Key, metric);
        }

        _families.Clear();
    }

    private static string NameOf(Metric metric) =>
        PrometheusName.Family(metric.Name, metric.Unit, PrometheusName.IsCounter(metric.MetricType));

    private static string? TypeName(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.LongGauge or MetricType.DoubleGauge => "gauge",
        MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic => "gauge",
        MetricType.Histogram => "histogram",
        _ => null,
    };

    private void Header(string family, Metric metric)
    {
        if (metric.Description.Length > 0)
        {
            Text(_output, "# HELP ");
            Text(_output, family);
            Text(_output, " ");
            Text(_output, metric.Description.Replace("\\", @"\\").Replace("\n", @"\n"));
            Text(_output, "\n");
        }

        Text(_output, "# TYPE ");
        Text(_output, family);
        Text(_output, " ");
        Text(_output, TypeName(metric.MetricType)!);
        Text(_output, "\n");
    }

    private void Series(string family, Metric metric)
    {
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            Labels(point.Tags);
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    Sample(family, "", point.GetSumLong());
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    Sample(family, "", point.GetSumDouble());
                    break;
                case MetricType.LongGauge:
                    Sample(family, "", point.GetGaugeLastValueLong());
                    break;
                case MetricType.DoubleGauge:
                    Sample(family, "", point.GetGaugeLastValueDouble());
                    break;
                case MetricType.Histogram:
                    Histogram(family, in point);
                    break;
            }
        }
    }

    private void Histogram(string family, in MetricPoint point)
    {
        long cumulative = 0;
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            Sample(family, "_bucket", cumulative, bucket.ExplicitBound);
        }

        Sample(family, "_sum", point.GetHistogramSum());
        Sample(family, "_count", point.GetHistogramCount());
    }

    private void Labels(ReadOnlyTagCollection tags)
    {
        _labels.ResetWrittenCount();
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (_labels.WrittenCount > 0)
                Text(_labels, ",");
            Text(_labels, PrometheusName.Label(tag.Key));
            Text(_labels, "=\"");
            Text(_labels, Escape(tag.Value));
            Text(_labels, "\"");
        }
    }

    private static string Escape(object? value)
    {
        string text = value switch
        {
            bool flag => flag ? "true" : "false",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };
        return text.AsSpan().ContainsAny('\\', '"', '\n')
            ? text.Replace("\\", @"\\").Replace("\"", "\\\"").Replace("\n", @"\n")
            : text;
    }

    private void Sample(string family, string suffix, long value, double? bound = null)
    {
        Key(family, suffix, bound);
        Format(_output, value);
        Text(_output, "\n");
    }

    private void Sample(string family, string suffix, double value)
    {
        Key(family, suffix, null);
        Number(value);
        Text(_output, "\n");
    }

    private void Key(string family, string suffix, double? bound)
    {
        Text(_output, family);
        Text(_output, suffix);
        if (_labels.WrittenCount > 0 || bound is not null)
        {
            Text(_output, "{");
            _output.Write(_labels.WrittenSpan);
            if (bound is { } le)
            {
                Text(_output, _labels.WrittenCount > 0 ? ",le=\"" : "le=\"");
                Number(le);
                Text(_output, "\"");
            }

            Text(_output, "}");
        }

        Text(_output, " ");
    }

    private void Number(double value)
    {
        if (double.IsFinite(value))
            Format(_output, value);
        else
            Text(_output, double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    }

    private static void Format<T>(ArrayBufferWriter<byte> target, T value)
        where T : IUtf8SpanFormattable
    {
        const int longest = 32;
        if (!value.TryFormat(target.GetSpan(longest), out int written, default, CultureInfo.InvariantCulture))
            throw new InvalidOperationException($"A number takes more than {longest} bytes.");
        target.Advance(written);
    }

    private static void Text(ArrayBufferWriter<byte> target, string text)
    {
        Span<byte> space = target.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        target.Advance(Encoding.UTF8.GetBytes(text, space));
    }
}
