using System.Runtime.CompilerServices;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Bench;

/// <summary>The benchmark against nbdkit in its tiny mode: it runs, and each scenario has figures.</summary>
public sealed class BenchTests(ITestOutputHelper output)
{
    [SkippableFact]
    public void The_benchmark_beside_nbdkit_runs()
    {
        Requires.Tool("fio", "nbdkit", "awk");
        Environment.SetEnvironmentVariable("SCHEDULER_PROGRAM", SchedulerProgram.Path);
        string table = Tool.Run(TimeSpan.FromMinutes(2), Script(), "--tiny").Succeeded().Output;
        output.WriteLine(table);
        string[] rows = [.. table.Split('\n').Where(line => line.Contains("..", StringComparison.Ordinal))];
        Assert.Equal(5, rows.Length);

        // Both sides did something in each: the ratio of the rounds is not zero.
        Assert.DoesNotContain(rows, row => row.Contains(" 0.00..0.00 ", StringComparison.Ordinal));
    }

    private static string Script([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../bench/fio"));
}
