using System.Buffers.Binary;
using System.Globalization;
using Scheduler.Storage.Lvm;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>Groups that LVM2's own tools made.</summary>
public sealed class LvmToolsTests
{
    private const int AreaAt = 4096;

    [SkippableFact]
    public void The_extents_are_those_that_the_tools_say()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup("--physicalextentsize", "256k");
        tools.CreateVolume("linear", "--size", "8M", "vg");
        tools.CreateVolume("between", "--size", "1M", "vg");
        tools.Run("lvextend", "--size", "+3M", "vg/linear");
        tools.CreateVolume("after", "--size", "1M", "vg");
        tools.Run("lvextend", "--size", "+2M", "vg/linear");
        tools.CreateVolume("striped", "--size", "16M", "--stripes", "2", "--stripesize", "64k", "vg");
        tools.CreateVolume("fine", "--size", "2M", "--stripes", "2", "--stripesize", "4k", "vg");
        tools.Run("lvextend", "--size", "+2M", "vg/fine");
        tools.CreateVolume("wide", "--size", "60M", "vg");
        tools.Run("vgchange", "--addtag", "a+b", "vg");
        tools.Run("lvchange", "--addtag", "@guest", "vg/linear");

        VolumeGroup group = LvmGroupReader.Read(tools.Paths);

        Assert.Equal("vg", group.Name);
        Assert.Equal(256 << 10, group.ExtentSize);
        Assert.Null(group.Refusal);
        Assert.Empty(group.Warnings);
        Assert.Equal(3, group.Require("linear").Segments.Count);
        Assert.Equal(2, group.Require("striped").Segments[0].Stripes.Count);
        Assert.Equal([0, 1], group.Require("wide").Segments.Select(segment => segment.Stripes[0].PhysicalVolume).Distinct().Order());
        RequireSame(group, tools, "linear", "between", "after", "striped", "fine", "wide");
        RequireSame(LvmGroupReader.Read([tools.Image(1), tools.Image(0)]), tools, "linear", "striped", "fine", "wide");
    }

    [SkippableFact]
    public void The_metadata_ring_goes_round()
    {
        using LvmTools tools = new(1);
        tools.Run("pvcreate", "--metadatasize", "32k", "--dataalignment", "4k", tools.Paths[0]);
        tools.Group("--physicalextentsize", "256k", "vg", tools.Paths[0]);

        // The text grows with each change, so that it begins at another place on each round.
        int wrapped = 0;
        for (int i = 0; i < 60 && wrapped < 3; i++)
        {
            tools.CreateVolume($"v{i}", "--size", "256k", "vg");
            tools.Run("lvrename", "vg", $"v{i}", $"w{i}");
            if (i % 2 == 1)
                tools.Run("lvremove", $"vg/w{i - 1}");
            VolumeGroup group = LvmGroupReader.Read(tools.Paths);
            Assert.Equal(1 + (2 * (i + 1)) + ((i + 1) / 2), group.SequenceNumber);
            if (!TextWraps(tools.Paths[0]))
                continue;
            wrapped++;
            RequireSame(group, tools, [.. group.LogicalVolumes.Select(volume => volume.Name)]);
        }

        Assert.Equal(3, wrapped);
    }

    [SkippableFact]
    public void What_is_neither_linear_nor_striped_is_named()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup();
        tools.CreateVolume("plain", "--size", "8M", "vg");
        tools.CreateVolume("origin", "--size", "8M", "vg");
        tools.CreateVolume("nothing", "--type", "error", "--size", "4M", "vg");
        tools.CreateVolume("frozen", "--permission", "r", "--size", "4M", "vg");
        tools.Restore(tools.Backup().Replace("logical_volumes {", "logical_volumes {" + VolumeTexts.Special, StringComparison.Ordinal));

        VolumeGroup group = LvmGroupReader.Read(tools.Paths);

        Assert.NotEmpty(group.Require("plain").Segments);
        RequireReason(group, "nothing", "it holds no data: it is of type error");
        RequireReason(group, "frozen", "it is read-only");
        RequireReason(group, "origin", "it is the origin of the snapshot cow");
        RequireReason(group, "cow", "it is a snapshot of origin");
        RequireReason(group, "snapshot0", "it only ties a snapshot to its origin");
        Assert.Equal([true, false], new[] { "cow", "snapshot0" }.Select(name => group.LogicalVolumes.Single(volume => volume.Name == name).IsVisible));
        RequireReason(group, "pool", "it is a thin pool");
        RequireReason(group, "pool_tdata", "it is a part of pool");
        RequireReason(group, "thin1", "it is a thin volume");
        RequireReason(group, "safe", "it is raid1");
        RequireReason(group, "safe_rimage_0", "it is a part of safe");
        RequireReason(group, "fast", "it is cached");
        Assert.Equal(100 << 20, group.LogicalVolumes.Single(volume => volume.Name == "thin1").Size);
        Assert.All(group.LogicalVolumes, volume => Assert.Equal(volume.Refusal == null, volume.Segments.Count > 0));
    }

    [SkippableFact]
    public void A_group_of_another_host_is_refused()
    {
        using LvmTools tools = new(1);
        tools.CreateGroup();
        tools.CreateVolume("disk", "--size", "8M", "vg");
        tools.Run("vgchange", "--systemid", "elsewhere", "vg");

        Assert.Contains("system id elsewhere", Refused(tools).Problem, StringComparison.Ordinal);
        VolumeGroup own = LvmGroupReader.Read(tools.Paths, new LvmReadOptions { SystemId = "elsewhere" });
        Assert.Null(own.Refusal);
        Assert.NotEmpty(own.Require("disk").Segments);
    }

    [SkippableFact]
    public void An_exported_group_is_refused()
    {
        using LvmTools tools = new(1);
        tools.CreateGroup();
        tools.CreateVolume("disk", "--size", "8M", "vg");
        tools.Run("vgexport", "vg");

        Assert.Contains("exported", Refused(tools).Problem, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Without_a_physical_volume_only_what_needs_it_is_refused()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup();
        tools.CreateVolume("here", "--size", "8M", "vg", tools.Paths[0]);
        tools.CreateVolume("both", "--size", "8M", "--stripes", "2", "vg");

        VolumeGroup group = LvmGroupReader.Read([tools.Paths[0]]);

        Assert.NotEmpty(group.Require("here").Segments);
        RequireReason(group, "both", $"it needs the physical volume {group.PhysicalVolumes[1].Uuid}, last seen as {tools.Paths[1]}, which is missing");
        Assert.True(group.PhysicalVolumes[1].IsMissing);
    }

    [SkippableFact]
    public void A_physical_volume_that_was_away_during_a_change_is_not_trusted()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup();
        tools.CreateVolume("old", "--size", "8M", "vg", tools.Paths[0]);
        tools.CreateVolume("away", "--size", "8M", "vg", tools.Paths[1]);
        tools.See(tools.Paths[0]);
        tools.Run("lvremove", "vg/old");

        VolumeGroup group = LvmGroupReader.Read(tools.Paths);

        RequireReason(group, "away", $"it needs {tools.Paths[1]}, which LVM2 marked as missing: it was away while the group changed");
        Assert.DoesNotContain(group.LogicalVolumes, volume => volume.Name == "old");
        Assert.Contains(group.Warnings, warning => warning.Contains(tools.Paths[1], StringComparison.Ordinal));
    }

    [SkippableFact]
    public void The_newest_copy_counts()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup();
        string old = tools.Image(0, "-old");
        tools.CreateVolume("disk", "--size", "8M", "vg");

        VolumeGroup group = LvmGroupReader.Read([old, tools.Image(1)]);

        Assert.Equal(2, group.SequenceNumber);
        Assert.NotEmpty(group.Require("disk").Segments);
        Assert.Contains("change 1 of the group", Assert.Single(group.Warnings), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Areas_that_are_not_in_use_are_passed_over()
    {
        using LvmTools tools = new(3);
        tools.Run("pvcreate", "--metadatacopies", "0", tools.Paths[0]);
        tools.Run("pvcreate", tools.Paths[1], tools.Paths[2]);
        tools.Group(["vg", .. tools.Paths]);
        tools.Run("vgchange", "--vgmetadatacopies", "1", "vg");
        tools.CreateVolume("disk", "--size", "100M", "vg");

        VolumeGroup group = LvmGroupReader.Read(tools.Paths);

        Assert.Empty(group.Warnings);
        RequireSame(group, tools, "disk");
        string[] without = [.. tools.Paths.Where(path => !Try(() => LvmGroupReader.Read([path])))];
        Assert.Equal(2, without.Length);
        Assert.Contains("hold no group's metadata", Assert.Throws<VolumeOpenException>(() => LvmGroupReader.Read(without)).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_damaged_copy_is_passed_over_and_named()
    {
        using LvmTools tools = new(2);
        tools.Run("pvcreate", "--metadatacopies", "2", tools.Paths[0]);
        tools.Run("pvcreate", tools.Paths[1]);
        tools.Group(["vg", .. tools.Paths]);
        tools.CreateVolume("disk", "--size", "100M", "vg");
        string[] images = [tools.Image(0), tools.Image(1)];

        Flip(images[0], AreaAt + 100);
        Flip(images[1], AreaAt + TextOffset(images[1]) + 50);
        VolumeGroup group = LvmGroupReader.Read(images);
        RequireSame(group, tools, "disk");
        Assert.Collection(
            group.Warnings,
            warning => Assert.StartsWith($"{images[0]}, metadata area 1: its header has a wrong checksum", warning, StringComparison.Ordinal),
            warning => Assert.StartsWith($"{images[1]}, metadata area 1: its text has a wrong checksum", warning, StringComparison.Ordinal));

        VolumeOpenException none = Assert.Throws<VolumeOpenException>(() => LvmGroupReader.Read([images[1]]));
        Assert.Contains("no copy of the group's metadata can be trusted", none.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_damaged_label_is_refused()
    {
        using LvmTools tools = new(1);
        tools.CreateGroup();
        string image = tools.Image(0);
        Flip(image, 512 + 40);

        VolumeOpenException e = Assert.Throws<VolumeOpenException>(() => LvmGroupReader.Read([image]));

        Assert.Equal($"Volume {image}: the label in sector 1 has a wrong checksum; restore the label with pvck --repair, or leave the path out.", e.Message);
    }

    [SkippableFact]
    public void Physical_volumes_of_two_groups_are_refused()
    {
        using LvmTools tools = new(3);
        tools.Run("pvcreate", tools.Paths);
        tools.Group("one", tools.Paths[0]);
        tools.Group("two", tools.Paths[1]);

        Assert.Contains("belongs to group two", Message(tools.Paths[0], tools.Paths[1]), StringComparison.Ordinal);
        Assert.Contains("is not one of the physical volumes of group one", Message(tools.Paths[0], tools.Paths[2]), StringComparison.Ordinal);
        Assert.Contains("hold no group's metadata", Message(tools.Paths[2]), StringComparison.Ordinal);
        Assert.Contains("the same physical volume", Message(tools.Paths[0], tools.Paths[0]), StringComparison.Ordinal);

        static string Message(params string[] paths) => Assert.Throws<VolumeOpenException>(() => LvmGroupReader.Read(paths)).Message;
    }

    [SkippableFact]
    public void A_device_that_the_kernel_uses_is_refused()
    {
        using LvmTools tools = new(1);
        using TemporaryDirectory sysfs = new();
        tools.CreateGroup();
        tools.CreateVolume("disk", "--size", "8M", "vg");
        string number = File.ReadAllText($"/sys/class/block/{Path.GetFileName(tools.Paths[0])}/dev").Trim();
        string holder = sysfs.File($"dev/block/{number}/holders/dm-3/dm");
        Directory.CreateDirectory(holder);
        File.WriteAllText(Path.Combine(holder, "name"), "vg-disk\n");

        VolumeGroup group = LvmGroupReader.Read(tools.Paths, new LvmReadOptions { SysfsPath = sysfs.Path });

        Assert.Equal($"the kernel uses {tools.Paths[0]} (dm-3 (vg-disk))", group.Refusal?.Problem);
        RequireReason(group, "disk", group.Refusal!.Problem);
    }

    private static void RequireSame(VolumeGroup group, LvmTools tools, params string[] volumes)
    {
        BackupText backup = new(tools.Backup());
        Assert.Equal(backup.Number("seqno"), group.SequenceNumber);
        Assert.Equal(backup.Text("id"), group.Uuid);
        foreach (string name in volumes)
        {
            LogicalVolume volume = group.Require(name);
            Assert.Equal(backup.Text($"logical_volumes/{name}/id"), volume.Uuid);
            List<LvmExtent> extents = [.. volume.Extents()];
            Assert.Equal(backup.Extents(name), extents);
            Assert.Equal(volume.ExtentCount, extents.Count);
            Assert.Equal(volume.Size, extents.Sum(extent => extent.Length));
        }

        int segments = 0;
        foreach (string[] fields in tools.Segments("lv_name,seg_start,seg_size,seg_pe_ranges,stripe_size"))
        {
            if (!volumes.Contains(fields[0]))
                continue;
            segments++;
            LvmSegment segment = group.Require(fields[0]).Segments.Single(one => one.DiskOffset == Number(fields[1]));
            Assert.Equal(Number(fields[2]), segment.Length);
            if (segment.Stripes.Count > 1)
                Assert.Equal(Number(fields[4]), segment.ChunkLength);
            string[] ranges = [.. segment.Stripes.Select(stripe =>
            {
                PhysicalVolume on = group.PhysicalVolumes[stripe.PhysicalVolume];
                long first = (stripe.DeviceOffset - on.DataOffset) / group.ExtentSize;
                long last = first + (segment.Length / segment.Stripes.Count / group.ExtentSize) - 1;
                return string.Create(CultureInfo.InvariantCulture, $"{on.DeviceHint}:{first}-{last}");
            })];
            Assert.Equal(fields[3], string.Join(' ', ranges));
        }

        Assert.Equal(volumes.Sum(name => group.Require(name).Segments.Count), segments);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static void RequireReason(VolumeGroup group, string volume, string reason)
    {
        LogicalVolume found = group.LogicalVolumes.Single(one => one.Name == volume);
        Assert.Equal(reason, found.Refusal?.Problem);
        Assert.Empty(found.Segments);
        Assert.Contains(reason, Assert.Throws<VolumeOpenException>(() => group.Require(volume)).Message, StringComparison.Ordinal);
    }

    private static LvmRefusal Refused(LvmTools tools)
    {
        VolumeGroup group = LvmGroupReader.Read(tools.Paths);
        Assert.NotNull(group.Refusal);
        Assert.All(group.LogicalVolumes, volume => Assert.Same(group.Refusal, volume.Refusal));
        return group.Refusal;
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (VolumeOpenException)
        {
            return false;
        }
    }

    private static bool TextWraps(string path)
    {
        byte[] header = Header(path);
        ulong end = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(40)) + BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(48));
        return end > BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32));
    }

    private static int TextOffset(string path) => (int)BinaryPrimitives.ReadUInt64LittleEndian(Header(path).AsSpan(40));

    private static byte[] Header(string path)
    {
        byte[] header = new byte[512];
        using FileStream file = File.OpenRead(path);
        file.Position = AreaAt;
        file.ReadExactly(header);
        return header;
    }

    private static void Flip(string path, long offset)
    {
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }
}
