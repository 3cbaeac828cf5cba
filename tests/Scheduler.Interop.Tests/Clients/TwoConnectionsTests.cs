using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Clients;

/// <summary>Two connections of libnbd on one disk: what CAN_MULTI_CONN promises.</summary>
public sealed class TwoConnectionsTests
{
    private static string? s_python;

    [SkippableFact]
    public void Both_see_what_either_wrote()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));

        Python(service, """
            a.pwrite(b"1" * 4096, 0)
            assert b.pread(4096, 0) == b"1" * 4096
            b.pwrite(b"2" * 4096, 0, nbd.CMD_FLAG_FUA)
            assert a.pread(4096, 0) == b"2" * 4096
            assert a.can_multi_conn() and b.can_multi_conn()
            """);
    }

    [SkippableFact]
    public void A_flush_on_one_covers_the_write_of_the_other()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        Python(service, "a.flush()");
        double clean = DeviceFlushes(service);

        Python(service, """
            a.pwrite(b"1" * 4096, 0)
            b.flush()
            """);
        Assert.Equal(clean + 1, DeviceFlushes(service));

        // Nothing is left to flush for either: the other's flush did cover the write.
        Python(service, """
            a.flush()
            b.flush()
            """);
        Assert.Equal(clean + 1, DeviceFlushes(service));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void A_forced_write_on_one_is_durable_whatever_the_other_has_flushed()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        Python(service, "a.flush()");
        double durable = DeviceFlushes(service) + DurableWrites(service);

        Python(service, """
            b.flush()
            a.pwrite(b"1" * 4096, 0, nbd.CMD_FLAG_FUA)
            assert b.pread(4096, 0) == b"1" * 4096
            """);

        Assert.Equal(durable + 1, DeviceFlushes(service) + DurableWrites(service));
    }

    private static double DeviceFlushes(ServiceProcess service) =>
        service.Metrics().Sum("scheduler_flush_device_total");

    private static double DurableWrites(ServiceProcess service) =>
        service.Metrics().Sum("scheduler_fua_device_total");

    private static void Python(ServiceProcess service, string script)
    {
        s_python ??= new[] { "/usr/bin/python3", "python3" }
            .FirstOrDefault(python => File.Exists(python) && Tool.Run(python, "-c", "import nbd").Status == 0) ?? "";
        Requires.Installed(s_python.Length > 0, "python3-libnbd is not installed");
        string program = $"""
            import nbd
            a, b = nbd.NBD(), nbd.NBD()
            for connection in a, b:
                connection.connect_uri("{service.Uri("d1")}")
            {script}
            """;
        Tool.Run(s_python, "-c", program).Succeeded();
    }
}
