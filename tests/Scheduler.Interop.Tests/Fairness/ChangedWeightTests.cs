using System.Text.Json;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Fairness;

/// <summary>Weights 1 : 3 become 3 : 1 under load, by one call of the admin API, and 1 : 3 again, by one change of the
/// configuration: shares follow within a second.</summary>
[Collection(nameof(Alone))]
public sealed class ChangedWeightTests(ITestOutputHelper output)
{
    private const double Tolerance = 0.15;
    private static readonly TimeSpan s_followTimeMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(2);

    [SkippableFact]
    public async Task Shares_follow_a_change_of_weights_and_no_request_fails()
    {
        Requires.Tool("fio");
        Matrix.OnlySlice("one of the disks is made while the service runs");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Declared(weight: 300));
        _ = service.Ask("guest", "set", "made", "--weight", "100").Succeeded();
        _ = service.Ask("disk", "set", "m", "--volume", "vol0", "--guest", "made", "--size", "64MiB").Succeeded();

        // An error of a request fails the run.
        Task<Dictionary<string, FioJob>> load = Task.Run(() => Fio.Run(
            directory,
            "rw=randread\niodepth=32\ntime_based=1\nruntime=14",
            TimeSpan.FromSeconds(60),
            [("made", service.Uri("m"), ""), ("declared", service.Uri("d0"), "")]));
        while (Requests(service).Made < 500)
            await Task.Delay(20);
        await AssertSharesAsync(service, "at first", made: 1, declared: 3);

        // One call.
        _ = service.Ask("guest", "set", "made", "--weight", "900").Succeeded();
        await Task.Delay(s_followTimeMax);
        await AssertSharesAsync(service, "changed by the API", made: 3, declared: 1);

        ServiceProcess.WriteConfig(directory.File("scheduler.conf"), Declared(weight: 2700));
        service.Process.Hangup();
        service.Process.WaitUntil(
            () => service.Process.Log.Contains("changed are scheduler.guests.g0.weight", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10),
            "the weight was not changed");
        await Task.Delay(s_followTimeMax);
        await AssertSharesAsync(service, "changed by the file", made: 1, declared: 3);
        _ = await load;
        service.AssertNothingBroke();
    }

    private static string Declared(int weight) => $$"""
        volumes { vol0 { path = "data/vol0.img", size = 128MiB, {{Config.Slow}} } }
        guests { g0 { weight = {{weight}} } }
        disks { d0 { volume = vol0, guest = g0, offset = 0, size = 64MiB } }
        """;

    // Both as of one moment: two answers of the metrics may be some tenths of a second apart.
    private static (double Made, double Declared) Requests(ServiceProcess service)
    {
        var metrics = service.Metrics();
        return (Of("made"), Of("g0"));
        double Of(string guest) => metrics.Sum("scheduler_requests_total", $"guest=\"{guest}\"", "op=\"read\"");
    }

    // What the service itself says of the last second.
    private static double Share(ServiceProcess service, string guest)
    {
        using JsonDocument answer = JsonDocument.Parse(service.Ask("guest", "show", guest, "--json").Succeeded().Output);
        return answer.RootElement.GetProperty("state").GetProperty("share").GetDouble();
    }

    private async Task AssertSharesAsync(ServiceProcess service, string when, double made, double declared)
    {
        (double Made, double Declared) before = Requests(service);
        await Task.Delay(s_window);
        (double Made, double Declared) after = Requests(service);
        double ratio = (after.Made - before.Made) / (after.Declared - before.Declared);
        double share = Share(service, "made");
        output.WriteLine($"{when}: {ratio:F2} requests of the made guest for one of the other; its share of the last second's device time {share:F2}");
        Assert.InRange(ratio, made / declared * (1 - Tolerance), made / declared * (1 + Tolerance));
        Assert.InRange(share, made / (made + declared) * (1 - Tolerance), made / (made + declared) * (1 + Tolerance));
    }
}
