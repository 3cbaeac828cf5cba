using System.Globalization;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>
/// LVM2's own tools on loop devices of their own, with a configuration of their own: they see no other device, keep no backups,
/// and need no device mapper, since nothing is activated.
/// </summary>
internal sealed class LvmTools : IDisposable
{
    public const long DeviceSize = 64 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly List<LoopDevice> _devices = [];

    public LvmTools(int devices)
    {
        try
        {
            Requires.Tool("lvm", "losetup");
            Requires.That(Environment.IsPrivilegedProcess, "LVM2's tools need root");
            for (int i = 0; i < devices; i++)
                _devices.Add(new LoopDevice(DeviceSize));
            Paths = [.. _devices.Select(device => device.Path)];
            See(Paths);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The loop devices.</summary>
    public string[] Paths { get; } = [];

    /// <summary>From now on the tools see these devices only.</summary>
    public void See(params string[] paths)
    {
        string filter = string.Concat(paths.Select(path => $"\"a|^{path}$|\", ")) + "\"r|.*|\"";
        Directory.CreateDirectory(_directory.File("locks"));
        File.WriteAllText(
            _directory.File("lvm.conf"),
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
            global { locking_dir = "{{_directory.File("locks")}}" system_id_source = "none" event_activation = 0 use_lvmlockd = 0 use_lvmpolld = 0 }
            """);
    }

    /// <summary>Runs a tool to its end, which must be a good one.</summary>
    public string Run(string tool, params string[] arguments)
    {
        (int status, string output, string error) = Command.Run(
            "env",
            [
                $"LVM_SYSTEM_DIR={_directory.Path}", "LVM_SUPPRESS_FD_WARNINGS=1", "lvm", tool, "--driverloaded", "n", "--yes", .. arguments,
            ]);
        Assert.True(status == 0, $"{tool} {string.Join(' ', arguments)}: {error}");
        return output;
    }

    /// <summary>Makes physical volumes of all devices, and a group <c>vg</c> of them.</summary>
    public void CreateGroup(params string[] arguments)
    {
        Run("pvcreate", Paths);
        Group([.. arguments, "vg", .. Paths]);
    }

    /// <summary>Runs <c>vgcreate</c>, so that no rule of this machine takes the new group for one to activate.</summary>
    public void Group(params string[] arguments) => Run("vgcreate", ["--setautoactivation", "n", .. arguments]);

    /// <summary>Makes a logical volume in <c>vg</c>, not active and not wiped.</summary>
    public void CreateVolume(string name, params string[] arguments) =>
        Run("lvcreate", ["--activate", "n", "--zero", "n", "--wipesignatures", "n", "--name", name, .. arguments]);

    /// <summary>The group <c>vg</c> as <c>vgcfgbackup</c> writes it.</summary>
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

    /// <summary>What <c>lvs</c> says of each segment of the visible logical volumes, one array of fields each.</summary>
    public IEnumerable<string[]> Segments(string fields) =>
        Run("lvs", "--noheadings", "--nosuffix", "--units", "b", "--separator", ";", "--segments", "--options", fields, "vg")
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(';'));

    /// <summary>A copy of a device as a file; its data is left out.</summary>
    public string Image(int device, string suffix = "")
    {
        string path = _directory.File(string.Create(CultureInfo.InvariantCulture, $"image{device}{suffix}"));
        byte[] metadata = new byte[2 << 20];
        byte[] end = new byte[2 << 20];
        using FileStream from = File.OpenRead(Paths[device]);
        from.ReadExactly(metadata);
        from.Position = DeviceSize - end.Length;
        from.ReadExactly(end);
        using FileStream to = File.Create(path);
        to.Write(metadata);
        to.Position = DeviceSize - end.Length;
        to.Write(end);
        return path;
    }

    public void Dispose()
    {
        foreach (LoopDevice device in _devices)
            device.Dispose();
        _directory.Dispose();
    }
}
