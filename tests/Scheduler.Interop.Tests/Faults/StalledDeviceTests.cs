using System.Diagnostics;
using System.Net;
using Scheduler.Interop.Tests.Durability;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>A device that answers nothing for seconds.</summary>
[Collection(nameof(Alone))]
public sealed class StalledDeviceTests(ITestOutputHelper output)
{
    private const int Rounds = 8;
    private const double GrowthMax = 3;

    // What the machine's other work can do to the slowest of a hundred reads, and a device that is waited for cannot.
    private const double NoiseMs = 20;

    private static readonly TimeSpan s_part = TimeSpan.FromSeconds(2);

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void A_stall_is_felt_by_its_own_volume_alone_and_then_all_is_answered(string io, string cache)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using VolatileDisk disk = new(directory, TwoVolumes.BadBytes);
        disk.PowerOn();
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, disk.VolumePath, io, $"cache = {cache}"));
        using NbdClient client = NbdClient.Open(service, "d0");
        using NbdClient other = NbdClient.Open(service, "e0");
        Assert.Equal(0u, client.CallWrite(0, new byte[4096]));
        _ = ReadLatency.P99Ms(other, TimeSpan.FromSeconds(0.5));
        double before = ReadLatency.P99Ms(other, s_part);

        double during;
        Burst burst;
        disk.Stall();
        try
        {
            Stopwatch stalled = Stopwatch.StartNew();
            burst = Burst.Send(client, Rounds, 1 << 20);
            during = ReadLatency.P99Ms(other, s_part);

            // The rest of the service goes on as well, for newcomers too.
            Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
            Assert.True(service.Metrics().Sum("scheduler_device_inflight", "volume=\"bad\"") > 0, "nothing is on the stalled device");
            using (NbdClient newcomer = NbdClient.Open(service, "d1"))
            using (NbdClient elsewhere = NbdClient.Open(service, "e0"))
                Assert.Equal(0u, elsewhere.Call(NbdClient.Flush));
            Assert.True(stalled.Elapsed < 2 * s_part + TimeSpan.FromSeconds(4), $"what does not wait for the device took {stalled.Elapsed}");
        }
        finally
        {
            disk.Resume();
        }

        burst.TakeAnswers();
        Assert.All(burst.Errors.SelectMany(group => group), error => Assert.Equal(0u, error));
        output.WriteLine($"p99 of the other volume's guest: {before:F3} ms before, {during:F3} ms during the stall");
        Assert.True(during <= Math.Max(GrowthMax * before, NoiseMs), $"p99 grows from {before:F3} to {during:F3} ms");
        Fenced.AssertNot(service);
        service.Stop();
    }
}
