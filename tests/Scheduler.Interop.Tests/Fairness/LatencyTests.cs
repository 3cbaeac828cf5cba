using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Fairness;

/// <summary>
/// A guest that reads one block at a time, next to seven guests that write and sync at depth 16, on a capped disk: by
/// how much its 99th percentile grows, as fio measures it.
/// </summary>
[Collection(nameof(Alone))]
public sealed class LatencyTests(ITestOutputHelper output)
{
    private const double GrowthMax = 3;
    private const int Rounds = 5;

    [SkippableFact]
    public void Writers_that_sync_do_not_starve_a_reader()
    {
        // Whatever else the machine does adds to both times: the smallest of each, over some rounds, are nearest to what
        // the service does.
        double alone = double.MaxValue;
        double beside = double.MaxValue;
        for (int round = 0; round < Rounds && (round == 0 || beside > GrowthMax * alone); round++)
        {
            (double aloneMs, double besideMs) = Measure("fair");
            alone = Math.Min(alone, aloneMs);
            beside = Math.Min(beside, besideMs);
        }

        Assert.True(beside <= GrowthMax * alone, $"the reader's p99 grows from {alone:F2} to {beside:F2} ms");
    }

    [SkippableFact]
    public void With_the_pass_through_policy_they_do()
    {
        (double alone, double beside) = Measure("fifo");
        Assert.True(beside > GrowthMax * alone, $"the reader's p99 grows only from {alone:F2} to {beside:F2} ms");
    }

    private (double AloneMs, double BesideMs) Measure(string policy)
    {
        Requires.Tool("fio");
        using TemporaryDirectory directory = new();
        string config = Config.OneVolume(directory, $"{Config.Slow}, policy = {policy}", disks: 8);
        using ServiceProcess service = ServiceProcess.Start(directory, config);
        (string, string, string) reader = ("reader", service.Uri("d0"), "rw=randread\niodepth=1");
        IEnumerable<(string, string, string)> writers = Enumerable.Range(1, 7)
            .Select(i => ($"writer{i}", service.Uri($"d{i}"), $"rw=randwrite\niodepth=16\nfsync=1"));
        const string Global = "time_based=1\nramp_time=1\nruntime=4";
        FioJob alone = Fio.Run(directory, Global, TimeSpan.FromSeconds(30), [reader])["reader"];
        FioJob beside = Fio.Run(directory, Global, TimeSpan.FromSeconds(30), [reader, .. writers])["reader"];

        output.WriteLine($"{policy}: alone {alone}; beside {beside}: {beside.ReadP99Ms / alone.ReadP99Ms:F2} times");
        service.AssertNothingBroke();
        return (alone.ReadP99Ms, beside.ReadP99Ms);
    }
}
