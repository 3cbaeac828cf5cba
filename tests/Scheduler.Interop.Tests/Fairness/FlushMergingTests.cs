using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Fairness;

[Collection(nameof(Alone))]
public sealed class FlushMergingTests(ITestOutputHelper output)
{
    private const double FlushRatioMax = 0.4;

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Eight_guests_that_write_and_sync_share_device_flushes(string io, string cache)
    {
        Requires.Io(io);
        AssertShared($"cache = {cache}, io = {io}");
    }

    [SkippableFact]
    public void So_they_do_on_a_slow_disk() => AssertShared(Config.Slow);

    [SkippableFact]
    public void The_pass_through_policy_shares_none()
    {
        double ratio = FlushRatio($"{Config.Slow}, policy = fifo");

        Assert.True(ratio > FlushRatioMax, $"{ratio:F3} device flushes for a flush request");
    }

    private void AssertShared(string volume)
    {
        double ratio = FlushRatio(volume);
        Assert.True(ratio <= FlushRatioMax, $"{ratio:F3} device flushes for a flush request");
    }

    private double FlushRatio(string volume)
    {
        Requires.Tool("fio");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, volume, disks: 8));
        Fio.Run(
            directory,
            "rw=randwrite\nfsync=1\ntime_based=1\nruntime=3",
            TimeSpan.FromSeconds(30),
            Enumerable.Range(0, 8).Select(i => ($"guest{i}", service.Uri($"d{i}"), "")));

        Metrics metrics = service.Metrics();
        double device = metrics.Sum("scheduler_flush_device_total", "volume=\"vol0\"");
        double requests = metrics.Sum("scheduler_flush_requests_total", "volume=\"vol0\"");
        output.WriteLine($"{volume}: {device} device flushes, {requests} flush requests: {device / requests:F3}");
        Assert.True(requests > 200, $"only {requests} flushes");
        service.AssertNothingBroke();
        return device / requests;
    }
}
