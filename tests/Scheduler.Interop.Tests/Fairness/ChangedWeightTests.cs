using System.Text.Json;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Fairness;

/// <summary>Weights 100 and 300 become 300 and 100 under load, by one change of the configuration: shares follow within a second.</summary>
public sealed class ChangedWeightTests(ITestOutputHelper output)
{
    private const double Tolerance = 0.15;
    private static readonly TimeSpan s_followTimeMax = TimeSpan.FromSeconds(1);

    [SkippableFact]
    public async Task Shares_follow_a_change_of_weights_and_no_request_fails()
    {
        Requires.Tool("fio");
        using TemporaryDirectory directory = new();
        string config = Config.OneVolume(Config.Slow, weights: [100, 300]);
        using ServiceProcess service = ServiceProcess.Start(directory, config);

        // An error of a request fails the run.
        Task<Dictionary<string, FioJob>> load = Task.Run(() => Fio.Run(
            directory,
            "rw=randread\niodepth=32\ntime_based=1\nruntime=12",
            TimeSpan.FromSeconds(60),
            [("first", service.Uri("d0"), ""), ("second", service.Uri("d1"), "")]));
        double start = Requests(service, "g0");
        while (Requests(service, "g0") - start < 500)
            await Task.Delay(20);
        double before = await RatioAsync(service, TimeSpan.FromSeconds(3));
        double shareBefore = Share(service, "g1");

        ServiceProcess.WriteConfig(directory.File("scheduler.conf"), Config.OneVolume(Config.Slow, weights: [300, 100]));
        service.Process.Hangup();
        service.Process.WaitUntil(
            () => service.Process.Log.Contains("changed are scheduler.guests.g0.weight, scheduler.guests.g1.weight", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10),
            "the weights were not changed");
        await Task.Delay(s_followTimeMax);
        double after = await RatioAsync(service, TimeSpan.FromSeconds(3));
        double shareAfter = Share(service, "g1");

        output.WriteLine($"second to first: {before:F2}, after the change {after:F2}; the last second's share {shareBefore:F2}, after it {shareAfter:F2}");
        Assert.InRange(before, 3 * (1 - Tolerance), 3 * (1 + Tolerance));
        Assert.InRange(1 / after, 3 * (1 - Tolerance), 3 * (1 + Tolerance));
        Assert.InRange(shareBefore, 0.75 * (1 - Tolerance), 0.75 * (1 + Tolerance));
        Assert.InRange(shareAfter, 0.25 * (1 - Tolerance), 0.25 * (1 + Tolerance));
        _ = await load;
        service.AssertNothingBroke();
    }

    // Requests of the second guest for each of the first, over a time.
    private static async Task<double> RatioAsync(ServiceProcess service, TimeSpan time)
    {
        (double first, double second) = (Requests(service, "g0"), Requests(service, "g1"));
        await Task.Delay(time);
        return (Requests(service, "g1") - second) / (Requests(service, "g0") - first);
    }

    // What the service itself says of the last second.
    private static double Share(ServiceProcess service, string guest)
    {
        using JsonDocument answer = JsonDocument.Parse(service.Ask("guest", "show", guest, "--json").Succeeded().Output);
        return answer.RootElement.GetProperty("state").GetProperty("share").GetDouble();
    }

    private static double Requests(ServiceProcess service, string guest) =>
        service.Metrics().Sum("scheduler_requests_total", $"guest=\"{guest}\"", "op=\"read\"");
}
