using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Fairness;

/// <summary>Guests with weights 100 and 300, both backlogged on a capped disk: their own IOPS, by fio.</summary>
[Collection(nameof(Alone))]
public sealed class WeightTests(ITestOutputHelper output)
{
    private const double Expected = 3;
    private const double Tolerance = 0.1;
    private const int Attempts = 3;

    [SkippableTheory]
    [InlineData("randread")]
    [InlineData("randwrite")]
    public void Device_time_is_shared_by_weight(string pattern)
    {
        // A stall of the machine leaves a guest without requests for a moment, and that changes its share: the median of
        // three.
        double ratio = Enumerable.Range(0, Attempts).Select(_ => Measure("fair", pattern)).Order().ElementAt(Attempts / 2);

        Assert.True(IsAsExpected(ratio), $"ratio {ratio:F3}");
    }

    [SkippableFact]
    public void The_pass_through_policy_does_not_share_by_weight()
    {
        double ratio = Measure("fifo", "randread");

        Assert.False(IsAsExpected(ratio), $"ratio {ratio:F3}");
        Assert.InRange(ratio, 0.5, 2);
    }

    private static bool IsAsExpected(double ratio) => Math.Abs((ratio / Expected) - 1) <= Tolerance;

    private double Measure(string policy, string pattern)
    {
        Requires.Tool("fio");
        using TemporaryDirectory directory = new();
        string config = Config.OneVolume(directory, $"{Config.Slow}, policy = {policy}", weights: [100, 300]);
        using ServiceProcess service = ServiceProcess.Start(directory, config);
        Dictionary<string, FioJob> jobs = Fio.Run(
            directory,
            $"rw={pattern}\niodepth=32\ntime_based=1\nramp_time=1\nruntime=4",
            TimeSpan.FromSeconds(30),
            [("light", service.Uri("d0"), ""), ("heavy", service.Uri("d1"), "")]);

        (double light, double heavy) = (jobs["light"].Iops, jobs["heavy"].Iops);
        double ratio = heavy / light;
        output.WriteLine($"{policy}, {pattern}: light {light:F0}, heavy {heavy:F0} IOPS, ratio {ratio:F3}");
        service.AssertNothingBroke();
        return ratio;
    }
}
