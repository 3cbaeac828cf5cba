using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>A device that never answers again.</summary>
public sealed class DeadDeviceTests
{
    private const int Rounds = 8;

    [SkippableTheory]
    [MemberData(nameof(Matrix.Ios), MemberType = typeof(Matrix))]
    public void A_device_that_never_answers_does_not_keep_the_service_from_ending(string io)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        const string Stuck = "device = faulty, cache = buffered, faulty { service-time = 10s, parallel = 1 }";
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, "data/bad.img", io, Stuck));
        using NbdClient client = NbdClient.Open(service, "d0");
        using NbdClient other = NbdClient.Open(service, "e0");
        for (int i = 0; i < Rounds; i++)
            _ = client.Send(NbdClient.Write, 0, (ulong)i * 4096, 4096, new byte[4096]);
        Assert.Equal(0u, other.CallWrite(0, new byte[4096]));

        service.Process.Terminate();
        int code = service.Process.WaitForExit(TimeSpan.FromSeconds(50));

        // It says which volume it gave up, and that is no clean stop; the other one was flushed.
        Assert.Equal(1, code);
        Assert.Contains("Volume bad did not stop", service.Process.Log);
        Assert.DoesNotContain("Volume good", service.Process.Log[service.Process.Log.IndexOf("Ready.", StringComparison.Ordinal)..]);
        Assert.DoesNotContain("Unhandled exception", service.Process.Log);
    }
}
