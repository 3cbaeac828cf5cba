using System.Net;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>What is to be seen of a volume "bad" whose sync has failed, and of one whose has not.</summary>
internal static class Fenced
{
    private static readonly byte[] s_data = new byte[4096];

    /// <summary>Everything but reads fails, and the service says so.</summary>
    public static void Assert(ServiceProcess service, NbdClient client)
    {
        Xunit.Assert.Equal(NbdClient.EIO, client.CallWrite(0, s_data));
        Xunit.Assert.Equal(NbdClient.EIO, client.CallWrite(0, s_data, NbdClient.Fua));
        Xunit.Assert.Equal(NbdClient.EIO, client.Call(NbdClient.WriteZeroes, 0, 4096));
        Xunit.Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Trim, 0, 4096));

        // However often it is tried again.
        for (int i = 0; i < 3; i++)
            Xunit.Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Flush));
        (HttpStatusCode status, string text) = service.Get("/readyz");
        Xunit.Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Xunit.Assert.Contains("volume bad is fenced", text);
        Xunit.Assert.DoesNotContain("good", text);
        Xunit.Assert.Equal(1, service.Metrics().Sum("scheduler_volume_fenced", "volume=\"bad\""));
        Xunit.Assert.Equal(0, service.Metrics().Sum("scheduler_volume_fenced", "volume=\"good\""));
        Xunit.Assert.Contains("Volume bad: a sync failed", service.Process.Log);
        service.AssertNothingBroke();
    }

    /// <summary>Nothing is fenced, however many requests failed.</summary>
    public static void AssertNot(ServiceProcess service)
    {
        Xunit.Assert.Equal((HttpStatusCode.OK, "ready\n"), service.Get("/readyz"));
        Xunit.Assert.Equal(0, service.Metrics().Sum("scheduler_volume_fenced"));
        service.AssertNothingBroke();
    }
}
