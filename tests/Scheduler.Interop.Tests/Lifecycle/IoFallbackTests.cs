using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Scheduler.Storage.Tests;

namespace Scheduler.Interop.Tests.Lifecycle;

/// <summary>The service where io_uring is refused, as the policies of containers do.</summary>
public sealed class IoFallbackTests
{
    private const int EPERM = 1;

    [SkippableFact]
    public void A_volume_that_may_not_use_io_uring_says_why_and_uses_threads()
    {
        Matrix.OnlyUnset("it is about who chooses");
        Requires.Io("io-uring");
        using TemporaryDirectory directory = new();
        ServiceProcess? started = null;

        // A process inherits the filter of the thread that starts it.
        SystemCallFilter.Run(
            SystemCallFilter.IoUringSetup, EPERM, () => started = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered, io = auto")));
        using ServiceProcess service = started!;

        Assert.Contains("Volume vol0 uses threads, as io_uring can't be used: io_uring_setup: ", service.Process.Log);
        Assert.Contains("seccomp", service.Process.Log);
        using NbdClient client = NbdClient.Open(service, "d0");
        Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
        service.AssertNothingBroke();
        service.Stop();
    }

    [SkippableFact]
    public void A_volume_that_insists_on_io_uring_does_not_start_without()
    {
        Matrix.OnlyUnset("it is about who chooses");
        using TemporaryDirectory directory = new();
        string message = "";
        SystemCallFilter.Run(SystemCallFilter.IoUringSetup, EPERM, () =>
            message = Assert.Throws<InvalidOperationException>(
                () => ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered, io = io-uring")).Dispose()).Message);
        Assert.Contains("ended with code 1", message);
        Assert.Contains("io_uring can't be used: io_uring_setup: ", message);
        Assert.Contains("set io to auto or threads", message);
    }

    [SkippableFact]
    public void A_volume_that_may_use_io_uring_says_nothing_of_threads()
    {
        Matrix.OnlyUnset("it is about who chooses");
        Requires.Io("io-uring");
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered, io = auto"));
        Assert.DoesNotContain("uses threads", service.Process.Log);
        service.Stop();
    }
}
