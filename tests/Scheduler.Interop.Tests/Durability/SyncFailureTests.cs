using System.Net;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>A sync that fails (F6): what it covered fails, and then all but reads, until an operator acts.</summary>
public sealed class SyncFailureTests
{
    private static readonly byte[] s_data = [.. Enumerable.Range(0, 4096).Select(i => (byte)i)];

    [SkippableFact]
    public void A_failed_flush_fences_the_domain_over_a_restart_until_it_is_cleared()
    {
        using TemporaryDirectory directory = new();
        string marker = directory.File("data/vol0.img.fault");
        using (ServiceProcess service = ServiceProcess.Start(directory, WithError(directory, "flush")))
        {
            Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
            using NbdClient client = NbdClient.Open(service, "d0");
            using NbdClient neighbour = NbdClient.Open(service, "d1");
            Assert.Equal(0u, client.CallWrite(0, s_data));
            Assert.Equal(0u, neighbour.CallWrite(0, s_data));

            Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Flush));
            Assert.True(File.Exists(marker), "the fault is not recorded");
            AssertFenced(service, client);
            AssertFenced(service, neighbour);
            StopFenced(service);
        }

        // A restart does not make it good, even with a device that works again.
        using (ServiceProcess service = ServiceProcess.Start(directory, WithError(directory, "none")))
        {
            using NbdClient client = NbdClient.Open(service, "d0");
            AssertFenced(service, client);
            StopFenced(service);
        }

        // What the operator does: look after the data, then take the record away while the service is stopped.
        File.Delete(marker);
        using (ServiceProcess service = ServiceProcess.Start(directory, WithError(directory, "none")))
        {
            Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
            using NbdClient client = NbdClient.Open(service, "d0");
            Assert.Equal(0u, client.CallWrite(4096, s_data));
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            Assert.Equal(0u, client.CallWrite(8192, s_data, NbdClient.Fua));
            Assert.Equal(s_data, client.CallRead(4096, 4096));
            Assert.Equal(0, service.Metrics().Sum("scheduler_volume_fenced"));
            service.Stop();
        }
    }

    [SkippableFact]
    public void A_failed_durable_write_fences_the_domain()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, WithError(directory, "dsync"));
        using NbdClient client = NbdClient.Open(service, "d0");
        Assert.Equal(0u, client.CallWrite(0, s_data));
        Assert.Equal(0u, client.Call(NbdClient.Flush));

        // Some forced writes may go by flush, which works here; one that goes as a durable write fails.
        uint error = 0;
        for (uint i = 0; i < 200 && error == 0; i++)
            error = client.CallWrite(i * 4096, s_data, NbdClient.Fua);

        Assert.Equal(NbdClient.EIO, error);
        AssertFenced(service, client);
    }

    [SkippableFact]
    public void A_failed_write_fails_alone()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, WithError(directory, "write"));
        using NbdClient client = NbdClient.Open(service, "d0");

        Assert.Equal(NbdClient.EIO, client.CallWrite(0, s_data));
        Assert.Equal(0u, client.Call(NbdClient.Flush));
        Assert.Equal(new byte[4096], client.CallRead(0, 4096));
        Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
        service.AssertNothingBroke();
    }

    private static void AssertFenced(ServiceProcess service, NbdClient client)
    {
        Assert.Equal(NbdClient.EIO, client.CallWrite(0, s_data));
        Assert.Equal(NbdClient.EIO, client.CallWrite(0, s_data, NbdClient.Fua));
        Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Flush));
        Assert.Equal(NbdClient.EIO, client.Call(NbdClient.WriteZeroes, 0, 4096));
        Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Trim, 0, 4096));
        Assert.Equal(s_data, client.CallRead(0, 4096));
        (HttpStatusCode status, string text) = service.Get("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("volume vol0 is fenced", text);
        Assert.Equal(HttpStatusCode.OK, service.Get("/healthz").Status);
        Assert.Equal(1, service.Metrics().Sum("scheduler_volume_fenced"));
        service.AssertNothingBroke();
    }

    // With a fault it may end with another code than 0, but end it must.
    private static void StopFenced(ServiceProcess service)
    {
        service.Process.Terminate();
        _ = service.Process.WaitForExit(ServiceProcess.StopTimeMax);
    }

    private static string WithError(TemporaryDirectory directory, string error) =>
        Config.OneVolume(directory, $"device = faulty, cache = buffered, faulty.error = {error}");
}
