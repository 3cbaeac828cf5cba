using System.Runtime.CompilerServices;
using System.Text.Json;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Bench;

/// <summary>The benchmarks in their tiny mode: they run, and there are figures for all that they measure.</summary>
public sealed class BenchTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    [SkippableTheory]
    [InlineData("buffered", "fsync-8", "nbdkit")]
    [InlineData("direct", "reader", "qemu-storage-daemon/native")]
    public void The_benchmark_beside_peers_runs(string mode, string scenario, string peer)
    {
        Requires.Tool("fio", "jq", "nbdinfo", "awk", "nbdkit", "qemu-storage-daemon");
        using JsonDocument result = Run("peers", "--tiny", "--mode", mode, "--scenario", scenario);
        JsonElement summary = Assert.Single(result.RootElement.GetProperty("scenarios").EnumerateArray());
        JsonElement[] sides = [.. summary.GetProperty("sides").EnumerateArray()];
        Assert.All(sides, side => Assert.True(Median(side, "iops") > 0 && Median(side, "p99") > 0));
        Assert.Contains(sides, side => Name(side) == peer);
        JsonElement ours = sides.Single(side => Name(side) == "scheduler/threads");
        Assert.True(Median(ours, "ratio") > 0);
    }

    [SkippableFact]
    public void The_benchmark_with_many_guests_runs()
    {
        Requires.Tool("fio", "jq", "nbdinfo", "awk", "curl");
        Requires.Installed(
            Tool.Run("/usr/bin/python3", "-c", "import nbd").Status == 0, "python3-libnbd is not installed");
        using JsonDocument result = Run("scale", "--tiny");
        Assert.Equal(50, result.RootElement.GetProperty("connections").GetProperty("connections").GetInt32());
        Assert.True(Median(result.RootElement.GetProperty("guests"), "ratio") > 0);
        JsonElement[] soak = [.. result.RootElement.GetProperty("soak").EnumerateArray()];
        Assert.NotEmpty(soak);
        Assert.All(soak, sample => Assert.True(sample.GetProperty("rss_mib").GetDouble() > 0));
    }

    [SkippableFact]
    public void The_benchmark_of_rings_beside_NBD_runs()
    {
        Requires.Tool("fio", "jq", "nbdinfo");
        using JsonDocument result = Run("rings", "--tiny");
        JsonElement[] figures = [.. result.RootElement.EnumerateArray()];
        Assert.Equal(4, figures.Length);
        Assert.All(figures, figure => Assert.True(figure.GetProperty("nbd").GetProperty("iops").GetDouble() > 0
            && figure.GetProperty("ring").GetProperty("iops").GetDouble() > 0 && figure.GetProperty("ring").GetProperty("cpu_s_per_million").GetDouble() >= 0));
    }

    [Theory]
    [InlineData("peers", "--rounds", "0")]
    [InlineData("rings", "--mode", "all")]
    [InlineData("peers", "--scenario", "none")]
    [InlineData("scale", "--mode", "all")]
    public void A_wrong_option_is_named(string script, string option, string value)
    {
        ToolResult result = Tool.Run(Script(script), option, value);
        Assert.Equal(2, result.Status);
        Assert.Contains($"{option} ", result.Error, StringComparison.Ordinal);
    }

    private static string Name(JsonElement side) => side.GetProperty("side").GetString()!;

    private static double Median(JsonElement owner, string key) =>
        owner.GetProperty(key).GetProperty("median").GetDouble();

    private static string Script(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../bench", name));

    private JsonDocument Run(string script, params string[] arguments)
    {
        using TemporaryDirectory directory = new();
        string json = directory.File("result.json");
        Environment.SetEnvironmentVariable("SCHEDULER_PROGRAM", SchedulerProgram.Path);
        output.WriteLine(Tool.Run(s_limit, Script(script), [.. arguments, "--json", json]).Succeeded().Output);
        return JsonDocument.Parse(File.ReadAllText(json));
    }
}
