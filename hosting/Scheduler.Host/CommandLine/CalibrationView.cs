using System.Globalization;
using Scheduler.Host.Calibration;
using Scheduler.Host.Configuration;
using Scheduler.Storage.Calibration;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>What a calibration measured, as tables.</summary>
internal static class CalibrationView
{
    /// <summary>Writes them.</summary>
    /// <param name="result">What was measured.</param>
    /// <param name="output">Where to.</param>
    public static void Write(CalibrationResult result, TextWriter output)
    {
        IAnsiConsole console = Terminal.ForTables(output);
        Table loads = Terminal.Table(console, "operation", "bytes", "order", "depth", "latency us", "per second", "MB/s");
        foreach (LoadResult load in result.Loads)
        {
            LoadPoint point = load.Point;
            Terminal.AddRow(
                loads,
                point.Durable ? "durable write" : KebabName.Of(point.Op),
                ByteSize.Format(point.Bytes),
                point.Sequential ? "sequential" : "random",
                point.Depth.ToString(CultureInfo.InvariantCulture),
                MetricText.Number(load.LatencyNs / 1e3),
                MetricText.Number(1e9 / load.PeriodNs),
                MetricText.Number(point.Bytes * 1e3 / load.PeriodNs));
        }

        foreach (FlushResult flush in result.Flushes)
        {
            string bytes = $"{ByteSize.Format(flush.DirtyBytes)} dirty";
            Terminal.AddRow(loads, "flush", bytes, "-", "1", MetricText.Number(flush.LatencyNs / 1e3), MetricText.Number(1e9 / flush.LatencyNs), "-");
        }

        console.Write(loads);
        output.WriteLine();
        Table profile = Terminal.Table(console, "profile", "fitted");
        foreach ((string key, string value) in ProfileText.Values(result.Profile))
            Terminal.AddRow(profile, key, value);
        console.Write(profile);
    }
}
