using Scheduler.Host.Configuration;
using Scheduler.Simulation;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>A report as tables. It shows what most look for; the files have every metric and every guest.</summary>
internal static class ReportView
{
    private static readonly string[] s_volume =
        ["requests", "throughput", "flushes-per-request", "work-conservation", "jain", "share-error-max", "bound-used"];

    private static readonly string[] s_service = ["throughput", "slowdown", "latency-p50", "latency-p99", "latency-p999"];

    private static readonly string[] s_shares = ["device-time-share", "ideal-share", "share-error", "isol-01"];

    private static readonly string[] s_waits = ["wait-drain", "wait-queue", "wait-batch", "wait-device"];

    /// <summary>Writes all of it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="output">Where to.</param>
    public static void Write(ExperimentReport report, TextWriter output)
    {
        IAnsiConsole console = Terminal.ForTables(output);
        output.WriteLine($"{report.Name}: {report.Description}");
        if (report.Partial)
            output.WriteLine("partial: stopped before the end; what follows is of the runs that finished");
        if (report.Policies.Count > 0)
        {
            WriteVolume(console, report);
            WriteGroups(console, report, s_service);
            WriteGroups(console, report, s_shares);
            WriteGroups(console, report, s_waits);
        }

        WriteExpectations(console, report);
        if (report.Speed is { } speed)
        {
            output.WriteLine(
                $"{MetricText.Number(speed.Requests)} requests in {MetricText.Number(speed.Elapsed.TotalSeconds)} s, "
                + $"{MetricText.Number(speed.RequestsPerCpuSecond)} a second of CPU time on a core");
        }
    }

    private static void WriteVolume(IAnsiConsole console, ExperimentReport report)
    {
        Table table = Terminal.Table(console, ["policy", .. s_volume]);
        foreach (PolicyReport policy in report.Policies)
            Terminal.AddRow(table, [KebabName.Of(policy.Policy), .. s_volume.Select(metric => MetricText.Of(metric, policy.Volume.GetValueOrDefault(metric)))]);
        console.Write(table);
    }

    private static void WriteGroups(IAnsiConsole console, ExperimentReport report, string[] metrics)
    {
        Table table = Terminal.Table(console, ["policy", "group", .. metrics]);
        table.Columns[1].Alignment = Justify.Left;
        foreach (PolicyReport policy in report.Policies)
        {
            foreach (GroupReport group in policy.Groups)
            {
                IEnumerable<string> values = metrics.Select(metric => MetricText.Of(metric, group.Metrics.GetValueOrDefault(metric)));
                Terminal.AddRow(table, [KebabName.Of(policy.Policy), group.Name, .. values]);
            }
        }

        console.Write(table);
    }

    private static void WriteExpectations(IAnsiConsole console, ExperimentReport report)
    {
        if (report.Expectations.Count == 0)
            return;
        Table table = Terminal.Table(console, "expected", "policy", "of", "metric", "at least", "at most", "came out");
        for (int i = 1; i <= 3; i++)
            table.Columns[i].Alignment = Justify.Left;
        foreach (ExpectationResult result in report.Check())
        {
            Expectation expected = result.Expectation;
            Terminal.AddRow(
                table,
                result.Value is null ? "no value" : result.Met ? "met" : "NOT MET",
                KebabName.Of(expected.Policy),
                expected.Group ?? "volume",
                expected.Metric,
                Bound(expected.Metric, expected.AtLeast),
                Bound(expected.Metric, expected.AtMost),
                Bound(expected.Metric, result.Value));
        }

        console.Write(table);
    }

    private static string Bound(string metric, double? value) => value is { } number ? MetricText.Of(metric, number) : MetricText.None;
}
