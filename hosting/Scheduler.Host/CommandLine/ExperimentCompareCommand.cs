using System.CommandLine;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler experiment compare A.json B.json</c></summary>
internal static class ExperimentCompareCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command, whose action throws <see cref="HoconException"/> for a file that is no report.</returns>
    public static Command Create()
    {
        Argument<string> first = new("A") { Description = "A report.json" };
        Argument<string> second = new("B") { Description = "Another one" };
        Command command = new("compare", "Sets the metrics of two reports side by side.") { first, second };
        command.SetAction(parsed => Compare(
            ReportDirectory.Read(parsed.GetValue(first)!), ReportDirectory.Read(parsed.GetValue(second)!), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Compare(ExperimentReport a, ExperimentReport b, TextWriter output)
    {
        output.WriteLine($"A: {TitleOf(a)}");
        output.WriteLine($"B: {TitleOf(b)}");
        IAnsiConsole console = Terminal.ForTables(output);
        Table table = Terminal.Table(console, "policy", "of", "metric", "A", "B", "B/A");
        table.Columns[1].Alignment = Justify.Left;
        table.Columns[2].Alignment = Justify.Left;
        foreach (PolicyKind policy in a.Policies.Concat(b.Policies).Select(report => report.Policy).Distinct())
        {
            AddRows(table, a, b, policy, group: null);
            IEnumerable<GroupReport> groups = a.Policies.Concat(b.Policies).Where(report => report.Policy == policy).SelectMany(report => report.Groups);
            foreach (string group in groups.Select(report => report.Name).Distinct())
                AddRows(table, a, b, policy, group);
        }

        console.Write(table);
    }

    private static void AddRows(Table table, ExperimentReport a, ExperimentReport b, PolicyKind policy, string? group)
    {
        foreach (string metric in ExperimentMetrics.All.Select(known => known.Name))
        {
            MetricEstimate? inA = a.Find(policy, group, metric);
            MetricEstimate? inB = b.Find(policy, group, metric);
            if (inA is null && inB is null)
                continue;
            string ratio = inA is { Mean: not 0 } && inB is not null ? MetricText.Number(inB.Mean / inA.Mean) : MetricText.None;
            Terminal.AddRow(table, KebabName.Of(policy), group ?? "volume", metric, MetricText.Of(metric, inA), MetricText.Of(metric, inB), ratio);
        }
    }

    private static string TitleOf(ExperimentReport report) => report.Partial ? $"{report.Name} (partial)" : report.Name;
}
