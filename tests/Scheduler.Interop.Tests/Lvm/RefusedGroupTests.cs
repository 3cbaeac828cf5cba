using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>What of a group is not served, and groups that are not served at all.</summary>
public sealed class RefusedGroupTests
{
    // On extents that no test uses; the tools make these kinds only where the kernel has device mapper.
    private const string Special = """
        logical_volumes {
            pool_tmeta { id = "000001-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv1", 60] } }
            pool_tdata { id = "000002-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv1", 61] } }
            pool { id = "000003-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE", "VISIBLE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 1 type = "thin-pool" metadata = "pool_tmeta" pool = "pool_tdata" transaction_id = 1 chunk_size = 128 discards = "passdown" zero_new_blocks = 1 } }
            thin1 { id = "000004-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE", "VISIBLE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 25 type = "thin" thin_pool = "pool" transaction_id = 0 device_id = 1 } }
            cow { id = "000005-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE", "VISIBLE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv1", 62] } }
            snapshot0 { id = "000006-aaaa-bbbb-cccc-dddd-eeee-ffffff" status = ["READ", "WRITE", "VISIBLE"] flags = [] segment_count = 1
                segment1 { start_extent = 0 extent_count = 8 type = "snapshot" chunk_size = 8 origin = "origin" cow_store = "cow" } }
        """;

    [SkippableFact]
    public void Thin_volumes_and_snapshots_are_named_with_the_reason_while_others_are_served()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("plain", "--size", "8M", "vg");
        group.CreateVolume("origin", "--size", "8M", "vg");
        group.Restore(group.Backup().Replace("logical_volumes {", Special, StringComparison.Ordinal));
        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "", "thin1", "plain", "origin"));

        string log = service.Process.Log;
        Assert.Contains("vg/thin1 is not served: it is a thin volume; serve a linear or striped", log, StringComparison.Ordinal);
        Assert.Contains("vg/pool is not served: it is a thin pool", log, StringComparison.Ordinal);
        Assert.Contains("vg/origin is not served: it is the origin of the snapshot cow", log, StringComparison.Ordinal);
        Assert.Contains("vg/cow is not served: it is a snapshot of origin", log, StringComparison.Ordinal);
        Assert.DoesNotContain("pool_tdata", log, StringComparison.Ordinal);
        using NbdClient client = NbdClient.Open(service, "plain");
        Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
        using NbdClient first = NbdClient.Open(service, ""); // The first that is served.
        Assert.Equal(0u, first.CallWrite(0, new byte[4096]));
        service.Stop();
    }

    [SkippableFact]
    public void A_physical_volume_that_is_missing_refuses_the_disks_that_need_it()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("here", "--size", "8M", "vg", group.Devices[0]);
        group.CreateVolume("both", "--size", "8M", "--stripes", "2", "vg");
        string[] one = [group.Images[0]];

        string problem = Refused(directory, LvmGroup.Config(one, "", "here", "both"));
        Assert.Matches($"Volume vg/both: it needs the physical volume \\S+, last seen as {group.Devices[1]}, which is missing; name it too", problem);
        Assert.Contains("pv2.img: it does not exist; name the physical volumes of one group", Refused(directory, LvmGroup.Config([.. one, "pv2.img"], "", "here")), StringComparison.Ordinal);

        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(one, "", "here"));
        Assert.Contains("vg/both is not served", service.Process.Log, StringComparison.Ordinal);
        using NbdClient client = NbdClient.Open(service, "here");
        Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
    }

    [SkippableFact]
    public void A_group_that_is_not_to_be_served_is_refused_by_name()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("disk", "--size", "8M", "vg");
        using (ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "", "disk")))
        {
            // Another service has it: its locks are there before the metadata is looked at.
            Assert.Contains($"Volume {group.Images[0]}: it is in use by another process", Refused(directory, LvmGroup.Config(group.Images, "", "disk")), StringComparison.Ordinal);
        }

        group.Run("vgchange", "--systemid", "elsewhere", "vg");
        Assert.Contains("belongs to the host with system id elsewhere", Refused(directory, LvmGroup.Config(group.Images, "", "disk")), StringComparison.Ordinal);
        using (ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "lvm-system-id = elsewhere", "disk")))
        {
        }

        foreach (string image in group.Images)
            Damage(image);
        Assert.Contains("checksum", Refused(directory, LvmGroup.Config(group.Images, "lvm-system-id = elsewhere", "disk")), StringComparison.Ordinal);
    }

    // The metadata areas' headers.
    private static void Damage(string image)
    {
        using FileStream file = File.OpenWrite(image);
        file.Position = 4096 + 100;
        file.Write([1, 2, 3]);
    }

    // The one line that says why it does not start.
    private static string Refused(TemporaryDirectory directory, string config)
    {
        string file = directory.File("refused.conf");
        File.WriteAllText(file, $"scheduler {{ nbd.listen = [\"unix:second.sock\"], admin.listen = \"http://127.0.0.1:0\"\n{config} }}");
        using ChildProcess process = new(SchedulerProgram.Path, ["serve", "--config", file], directory.Path);
        Assert.Equal(1, process.WaitForExit(TimeSpan.FromSeconds(20)));
        return process.Log.Split('\n').Single(line => line.StartsWith("scheduler: ", StringComparison.Ordinal));
    }
}
