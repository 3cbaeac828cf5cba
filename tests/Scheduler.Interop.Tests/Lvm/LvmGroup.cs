using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>
/// A volume group <c>vg</c> that LVM2's own tools make, on loop devices over image files. The tools have a configuration of
/// their own: they see no other device, and need no device mapper, since nothing is activated. The service is given the
/// images, or the loop devices.
/// </summary>
internal sealed class LvmGroup : IDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly List<string> _loops = [];

    /// <param name="directory">Where the images lie, as pv0.img and so on.</param>
    /// <param name="devices">How many physical volumes.</param>
    /// <param name="mib">Size of each.</param>
    public LvmGroup(TemporaryDirectory directory, int devices = 2, int mib = 128)
    {
        Requires.Tool("lvm", "losetup");
        Requires.That(Environment.IsPrivilegedProcess, "LVM2's tools need root");
        _directory = directory;
        try
        {
            for (int i = 0; i < devices; i++)
                _loops.Add(Loop(directory.File($"pv{i}.img"), (long)mib << 20));
            Configure();
            Run("pvcreate", [.. _loops]);
            Run("vgcreate", ["--setautoactivation", "n", "--physicalextentsize", "1M", "vg", .. _loops]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The loop devices.</summary>
    public IReadOnlyList<string> Devices => _loops;

    /// <summary>The image files below them.</summary>
    public string[] Images => [.. Enumerable.Range(0, _loops.Count).Select(i => _directory.File($"pv{i}.img"))];

    /// <summary>Runs a tool to its end, which must be a good one.</summary>
    public string Run(string tool, params string[] arguments) => Tool.Run(
        "env",
        [
            $"LVM_SYSTEM_DIR={_directory.File("lvm")}", "LVM_SUPPRESS_FD_WARNINGS=1", "lvm", tool, "--driverloaded", "n", "--yes", .. arguments,
        ]).Succeeded().Output;

    /// <summary>Makes a logical volume, not active and not wiped.</summary>
    public void CreateVolume(string name, params string[] arguments) =>
        Run("lvcreate", ["--activate", "n", "--zero", "n", "--wipesignatures", "n", "--name", name, .. arguments]);

    /// <summary>The group as <c>vgcfgbackup</c> writes it.</summary>
    public string Backup()
    {
        string file = _directory.File("backup");
        Run("vgcfgbackup", "--file", file, "vg");
        return File.ReadAllText(file);
    }

    /// <summary>Puts a group <c>vg</c> on its devices by <c>vgcfgrestore</c>.</summary>
    public void Restore(string text)
    {
        string file = _directory.File("restore");
        File.WriteAllText(file, text);
        Run("vgcfgrestore", "--force", "--file", file, "vg");
    }

    /// <summary>Configuration of a service with the group as volume <c>vg</c>.</summary>
    /// <param name="physical">Its physical volumes.</param>
    /// <param name="keys">Further keys of the volume.</param>
    /// <param name="volumes">Logical volumes: each is a disk of its own name, and of a guest of its own.</param>
    public static string Config(IEnumerable<string> physical, string keys, params string[] volumes) => $$"""
        volumes.vg { lvm = [{{string.Join(", ", physical.Select(path => $"\"{path}\""))}}], {{keys}} }
        guests { {{string.Join(", ", volumes.Select(volume => $"g-{volume} {{}}"))}} }
        disks { {{string.Join(", ", volumes.Select(volume => $"{volume} {{ volume = vg, guest = g-{volume}, lv = {volume} }}"))}} }
        """;

    public void Dispose()
    {
        foreach (string loop in _loops)
            _ = Tool.Run("losetup", "--detach", loop);
    }

    private static string Loop(string file, long size)
    {
        using (FileStream stream = File.Create(file))
            stream.SetLength(size);
        ToolResult made = Tool.Run("losetup", "--find", "--show", file);
        Requires.That(made.Status == 0, $"losetup does not work here: {made.Error}");
        return made.Output;
    }

    private void Configure()
    {
        string directory = _directory.File("lvm");
        _ = Directory.CreateDirectory(Path.Combine(directory, "locks"));
        string filter = string.Concat(_loops.Select(path => $"\"a|^{path}$|\", ")) + "\"r|.*|\"";
        File.WriteAllText(
            Path.Combine(directory, "lvm.conf"),
            $$"""
            devices {
                filter = [ {{filter}} ]
                global_filter = [ {{filter}} ]
                use_devicesfile = 0
                obtain_device_list_from_udev = 0
                external_device_info_source = "none"
                hints = "none"
                md_component_detection = 0
                multipath_component_detection = 0
            }
            backup { backup = 0 archive = 0 }
            activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
            global { locking_dir = "{{directory}}/locks" system_id_source = "none" event_activation = 0 use_lvmlockd = 0 use_lvmpolld = 0 }
            """);
    }
}
