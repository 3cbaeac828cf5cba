using Scheduler.Interop.Tests.Clients;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>Logical volumes of a group that LVM2's tools made, served to real clients.</summary>
public sealed class ServedGroupTests
{
    private static readonly byte[] s_data = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7))];

    [SkippableTheory]
    [InlineData("direct", "threads", false)]
    [InlineData("direct", "io-uring", false)]
    [InlineData("buffered", "threads", false)]
    [InlineData("buffered", "io-uring", false)]
    [InlineData("direct", "io-uring", true)]
    public void Guests_read_back_what_they_wrote_to_linear_and_striped_volumes(string cache, string io, bool blockDevices)
    {
        Requires.Io(io);
        Requires.Tool("fio");
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        string[] volumes = MixedVolumes(group);
        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(blockDevices ? group.Devices : group.Images, $"cache = {cache}, io = {io}", volumes));
        const string Global = """
            rw=randwrite
            bsrange=4k-256k
            size=24m
            io_size=16m
            iodepth=8
            verify=crc32c
            verify_fatal=1
            """;

        Dictionary<string, FioJob> jobs = Fio.Run(
            directory, Global, TimeSpan.FromSeconds(60), volumes.Select((volume, i) => (volume, service.Uri(volume), i % 2 == 0 ? "fsync=4" : "")));

        Assert.All(jobs.Values, job => Assert.True(job.ReadBytes >= 16 << 20, $"verified only {job.ReadBytes} bytes"));
        service.AssertNothingBroke();
        service.Stop();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_where_LVM2_says_that_it_is(bool blockDevices)
    {
        Requires.Tool("nbdcopy");
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        string[] volumes = MixedVolumes(group);
        using (ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(blockDevices ? group.Devices : group.Images, "", volumes)))
        {
            for (int i = 0; i < volumes.Length; i++)
            {
                ImageFile.Create(directory.File(volumes[i]), SizeOf(service, volumes[i]), seed: i);
                Tool.Run("nbdcopy", "--flush", directory.File(volumes[i]), service.Uri(volumes[i])).Succeeded();
            }

            service.Stop();
        }

        BackupMap map = new(group.Backup());
        foreach (string volume in volumes)
        {
            map.Copy(volume, blockDevices ? group.Devices : group.Images, directory.File("copy"));
            Assert.Equal(ImageFile.Hash(directory.File(volume)), ImageFile.Hash(directory.File("copy")));
        }
    }

    [SkippableFact]
    public void A_flush_reaches_only_the_physical_volumes_with_unflushed_data_of_the_disk()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("first", "--size", "8M", "vg", group.Devices[0]);
        group.CreateVolume("second", "--size", "8M", "vg", group.Devices[1]);
        group.CreateVolume("both", "--size", "8M", "--stripes", "2", "--stripesize", "64k", "vg");
        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "", "first", "second", "both"));
        using NbdClient first = NbdClient.Open(service, "first");
        using NbdClient second = NbdClient.Open(service, "second");
        using NbdClient both = NbdClient.Open(service, "both");

        // Since the start every disk counts as unflushed, until each physical volume was flushed once.
        Assert.Equal(2, FlushesOf(service, both));
        Assert.Equal(0, FlushesOf(service, first, second, both));

        Assert.Equal(0u, first.CallWrite(0, s_data));
        Assert.Equal(0, FlushesOf(service, second, both));
        Assert.Equal(1, FlushesOf(service, first));

        Assert.Equal(0u, both.CallWrite(64 << 10, s_data));
        Assert.Equal(1, FlushesOf(service, both));
        Assert.Equal(0u, both.CallWrite(0, s_data));
        Assert.Equal(0u, both.CallWrite(64 << 10, s_data));
        Assert.Equal(2, FlushesOf(service, both));
        Assert.Equal(0u, both.CallWrite(0, new byte[128 << 10]));
        Assert.Equal(2, FlushesOf(service, both));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void A_failed_sync_fences_its_physical_volume_alone_and_is_recorded_beside_it()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("first", "--size", "8M", "vg", group.Devices[0]);
        group.CreateVolume("second", "--size", "8M", "vg", group.Devices[1]);
        string config = LvmGroup.Config(group.Images, "cache = buffered, device = faulty, faulty.error = flush", "first", "second");
        using (ServiceProcess service = ServiceProcess.Start(directory, config))
        {
            using NbdClient first = NbdClient.Open(service, "first");
            using NbdClient second = NbdClient.Open(service, "second");
            Assert.Equal(0u, second.CallWrite(0, s_data));
            Assert.Equal(NbdClient.EIO, second.Call(NbdClient.Flush));
            Assert.Equal(NbdClient.EIO, second.CallWrite(0, s_data));
            Assert.Equal(s_data, second.CallRead(0, 4096));
            Assert.Equal(0u, first.CallWrite(0, s_data));
            Assert.Contains(group.Images[1], service.Get("/readyz").Text, StringComparison.Ordinal);
            Assert.DoesNotContain(group.Images[0], service.Get("/readyz").Text, StringComparison.Ordinal);
            Assert.True(File.Exists(group.Images[1] + ".fault"), "the fault is not recorded");
            Assert.False(File.Exists(group.Images[0] + ".fault"), "a fault is recorded that did not happen");
            service.Process.Kill();
        }

        using (ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "cache = buffered", "first", "second")))
        {
            using NbdClient first = NbdClient.Open(service, "first");
            using NbdClient second = NbdClient.Open(service, "second");
            Assert.Equal(NbdClient.EIO, second.CallWrite(0, s_data));
            Assert.Equal(0u, first.CallWrite(0, s_data));
            Assert.Equal(0u, first.Call(NbdClient.Flush));
        }
    }

    // Linear in one and in several parts, striped in two ways, and one that crosses from one device to the other.
    private static string[] MixedVolumes(LvmGroup group)
    {
        group.CreateVolume("linear", "--size", "16M", "vg", group.Devices[0]);
        group.CreateVolume("between", "--size", "1M", "vg", group.Devices[0]);
        group.Run("lvextend", "--size", "+16M", "vg/linear", group.Devices[0]);
        group.CreateVolume("striped", "--size", "32M", "--stripes", "2", "--stripesize", "64k", "vg");
        group.CreateVolume("fine", "--size", "24M", "--stripes", "2", "--stripesize", "4k", "vg");
        group.Run("lvextend", "--size", "+8M", "vg/fine");
        group.CreateVolume("wide", "--size", "90M", "vg");
        return ["linear", "striped", "fine", "wide"];
    }

    private static double FlushesOf(ServiceProcess service, params NbdClient[] clients)
    {
        double before = service.Metrics().Sum("scheduler_flush_device_total");
        foreach (NbdClient client in clients)
            Assert.Equal(0u, client.Call(NbdClient.Flush));
        return service.Metrics().Sum("scheduler_flush_device_total") - before;
    }

    private static long SizeOf(ServiceProcess service, string disk) =>
        long.Parse(Tool.Run("nbdinfo", "--size", service.Uri(disk)).Succeeded().Output, System.Globalization.CultureInfo.InvariantCulture);
}
