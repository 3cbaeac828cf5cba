using System.Runtime.CompilerServices;
using System.Text.Json;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>The benchmark of distance in its tiny mode: it runs, and there are figures for all that it measures.</summary>
public sealed class DistanceBenchTests
{
    [SkippableFact]
    public void The_benchmark_of_distance_runs()
    {
        Requires.Tool("fio", "jq", "nbdinfo", "awk");
        Requires.Installed(PostgresCluster.Missing is null, PostgresCluster.Missing ?? "");
        using TemporaryDirectory directory = new();
        string script = Path.GetFullPath(Path.Combine(Here(), "../../bench/distance"));
        string json = directory.File("distance.json");
        _ = Tool.Run(TimeSpan.FromMinutes(2), "env", $"SCHEDULER_PROGRAM={SchedulerProgram.Path}", script, "--tiny", "--json", json).Succeeded();
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal(3, result.RootElement.GetArrayLength());
        Assert.All(result.RootElement.EnumerateArray(), scenario => Assert.True(scenario.GetProperty("ratio").GetProperty("median").GetDouble() > 0));
    }

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
