using System.Globalization;
using System.Text.Json;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>fio with its NBD engine.</summary>
internal static class Fio
{
    /// <summary>Runs a job file.</summary>
    /// <param name="directory">For the job file and the result.</param>
    /// <param name="global">Options of all jobs, one a line.</param>
    /// <param name="limit">Longest time it may take.</param>
    /// <param name="jobs">Name, NBD address and further options, one a line.</param>
    /// <returns>A result for each job, by name. A job with an error fails the test.</returns>
    public static Dictionary<string, FioJob> Run(
        TemporaryDirectory directory,
        string global,
        TimeSpan limit,
        IEnumerable<(string Name, string Uri, string Options)> jobs)
    {
        string file = directory.File("jobs.fio");
        string result = directory.File("result.json");
        IEnumerable<string> sections = jobs.Select(job => $"[{job.Name}]\nuri={job.Uri}\n{job.Options}\n");
        File.WriteAllText(file, $"[global]\nioengine=nbd\nbs=4k\n{global}\n{string.Concat(sections)}");
        ToolResult run = Tool.Run(limit, "fio", "--output-format=json", $"--output={result}", file).Succeeded();

        // fio may write notes before the JSON.
        string text = File.ReadAllText(result);
        int start = Math.Max(0, text.IndexOf('{', StringComparison.Ordinal));
        using JsonDocument document = JsonDocument.Parse(text[start..]);
        Dictionary<string, FioJob> results = [];
        foreach (JsonElement job in document.RootElement.GetProperty("jobs").EnumerateArray())
        {
            Assert.True(job.GetProperty("error").GetInt32() == 0, $"a fio job failed\n{run}");
            results.Add(job.GetProperty("jobname").GetString()!, new FioJob(job));
        }

        return results;
    }
}

/// <summary>What fio says of one job.</summary>
internal sealed class FioJob(JsonElement job)
{
    /// <summary>Reads and writes a second.</summary>
    public double Iops { get; } =
        job.GetProperty("read").GetProperty("iops").GetDouble()
        + job.GetProperty("write").GetProperty("iops").GetDouble();

    public long ReadBytes { get; } = job.GetProperty("read").GetProperty("io_bytes").GetInt64();

    public long Writes { get; } = job.GetProperty("write").GetProperty("total_ios").GetInt64();

    public long Syncs { get; } = job.GetProperty("sync").GetProperty("total_ios").GetInt64();

    /// <summary>99th percentile of the time that reads take, in milliseconds.</summary>
    public double ReadP99Ms { get; } = Percentile(job, "99.000000");

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Iops:F0} IOPS, read p99 {ReadP99Ms:F2} ms; {Writes} writes, {Syncs} syncs");

    private static double Percentile(JsonElement job, string name) =>
        job.GetProperty("read").TryGetProperty("clat_ns", out JsonElement latency)
        && latency.TryGetProperty("percentile", out JsonElement percentiles)
            ? percentiles.GetProperty(name).GetDouble() / 1e6
            : 0;
}
