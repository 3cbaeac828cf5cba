using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>A volume that is a volume group, and disks that are its logical volumes.</summary>
public sealed class GroupSettingsTests : IDisposable
{
    private readonly ConfigFile _file = new("""
        scheduler {
          volumes {
            vg { lvm = [/dev/sdb, "data/pv1.img"], lvm-system-id = here }
            file { path = data/vol0.img, size = 4GiB }
          }
          guests { g {} }
          disks {
            root { volume = vg, guest = g, lv = root }
            swap { volume = vg, guest = g, lv = "swap-1" }
            slice { volume = file, guest = g, size = 1GiB }
          }
        }
        """);

    public void Dispose() => _file.Dispose();

    [Fact]
    public void A_group_has_physical_volumes_and_its_disks_are_logical_volumes()
    {
        ServiceSettings settings = _file.Load();

        VolumeSettings group = settings.Volumes[0];
        Assert.True(group.IsGroup);
        Assert.Equal(["/dev/sdb", "data/pv1.img"], group.PhysicalVolumes);
        Assert.Equal(("", 0L, "here"), (group.Path, group.Size, group.SystemId));
        Assert.Equal(["root", "swap-1", null], settings.Disks.Select(disk => disk.LogicalVolume));
        Assert.Equal([0, 0, 1L << 30], settings.Disks.Select(disk => disk.Size));
        Assert.False(settings.Volumes[1].IsGroup);
        Assert.Empty(settings.Volumes[1].PhysicalVolumes);
    }

    [Theory]
    [InlineData("volumes.vg.path=x", "volumes.vg.path: does not go with lvm, which names the physical volumes")]
    [InlineData("volumes.vg.size=1GiB", "volumes.vg.size: does not go with lvm: a volume group has the size that it has")]
    [InlineData("volumes.vg.device=memory", "volumes.vg.device: a volume group lies on files or block devices; write file or faulty")]
    [InlineData("volumes.vg.lvm=[\"/dev/sdb\", \"/dev/../dev/sdb\"]", "volumes.vg.lvm: names /dev/sdb twice")]
    [InlineData("volumes.vg.lvm=[\"\"]", "volumes.vg.lvm: must be set")]
    [InlineData("volumes.other={ lvm = [\"/dev/sdb\"] }", "volumes.other.lvm: /dev/sdb is also a path of volume vg")]
    [InlineData("volumes.other={ path = /dev/sdb, size = 4k }", "volumes.other.path: is also the path of volume vg")]
    [InlineData("disks.root.size=1GiB", "disks.root.size: volume vg is a volume group; give only lv, the logical volume")]
    [InlineData("disks.root.offset=4096", "disks.root.offset: volume vg is a volume group; give only lv, the logical volume")]
    [InlineData("disks.root.lv=", "disks.root.lv: must be set")]
    [InlineData("disks.slice.lv=root", "disks.slice.lv: volume file is no volume group; give offset and size")]
    [InlineData("disks.other={ volume = vg, guest = g, lv = root }", "disks.other.lv: is also the logical volume of disk root")]
    public void What_does_not_go_together_is_one_line_with_its_key(string set, string problem) =>
        Assert.Equal($"--set: scheduler.{problem}", _file.Error(set));

    [Fact]
    public void There_are_no_more_physical_volumes_than_flush_domains()
    {
        string paths = string.Join(", ", Enumerable.Range(0, 65).Select(i => $"\"pv{i}\""));
        Assert.Equal(
            "--set: scheduler.volumes.vg.lvm: has 65 physical volumes; at most 64 can be served", _file.Error($"volumes.vg.lvm=[{paths}]"));
    }
}
