using Scheduler.Core;

namespace Scheduler.Simulation.Tests.Experiments;

/// <summary>Small experiments.</summary>
internal static class Specs
{
    public const long Ms = 1_000_000;

    /// <summary>One channel, every operation 100 microseconds, a flush 1 ms and 100 microseconds for each dirty 4 KiB.</summary>
    public static ExperimentDevice Slow { get; } = new()
    {
        Channels = 1,
        ReadNs = 100_000,
        WriteNs = 100_000,
        ByteNs = 0,
        FlushNs = 1_000_000,
        FlushByteNs = 100_000 / 4096.0,
        DiscardNs = 100_000,
        DurableWriteNs = -1,
        Spread = 0,
    };

    public static ExperimentSpec Of(params ExperimentGroup[] groups) => new()
    {
        Name = "test",
        Groups = groups,
        Device = Slow,
        Seeds = [1],
        DurationNs = 100 * Ms,
        WarmupNs = 0,
        Depth = 4,
        Alone = false,
    };

    public static ExperimentGroup Group(string name, ExperimentWorkloadKind kind, int depth = 1) =>
        new() { Name = name, Workload = new ExperimentWorkload { Kind = kind, Depth = depth } };

    public static ExperimentReport Run(ExperimentSpec spec) => Experiment.Run(spec, null, CancellationToken.None, 2);

    /// <summary>One run, to its end.</summary>
    public static (ExperimentRun Run, RunResult Result) RunOnce(ExperimentSpec spec)
    {
        ExperimentRun run = new(spec, PolicyKind.Fair, 1, GuestPlan.All(spec));
        RunResult? result = null;
        while (result is null)
            result = run.Advance(1_000);
        return (run, result);
    }

    public static double Value(this ExperimentReport report, string? group, string metric) =>
        report.Find(report.Policies[0].Policy, group, metric)!.Mean;

    public static string Json(ExperimentReport report)
    {
        using MemoryStream stream = new();
        ExperimentFiles.WriteJson(report, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
