namespace Scheduler.Storage.Tests.Lvm;

/// <summary>
/// LVM2's own tools with a configuration of their own: they see the devices that they are told of only, keep no backups, and
/// need no device mapper, since nothing is activated.
/// </summary>
internal abstract class LvmCommands
{
    /// <summary>A directory for that configuration.</summary>
    protected abstract string Home { get; }

    /// <summary>From now on the tools see these devices only.</summary>
    public void See(params string[] paths)
    {
        string filter = string.Concat(paths.Select(path => $"\"a|^{path}$|\", ")) + "\"r|.*|\"";
        Directory.CreateDirectory(In("locks"));
        File.WriteAllText(
            In("lvm.conf"),
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
            global { locking_dir = "{{In("locks")}}" system_id_source = "none" event_activation = 0 use_lvmlockd = 0 use_lvmpolld = 0 }
            """);
    }

    /// <summary>Runs a tool to its end, which must be a good one.</summary>
    public string Run(string tool, params string[] arguments) => RunEnv(
        [$"LVM_SYSTEM_DIR={Home}", "LVM_SUPPRESS_FD_WARNINGS=1", "lvm", tool, "--driverloaded", "n", "--yes", .. arguments]);

    /// <summary>Runs <c>vgcreate</c>, so that no rule of this machine takes the new group for one to activate.</summary>
    public void Group(params string[] arguments) => Run("vgcreate", ["--setautoactivation", "n", .. arguments]);

    /// <summary>Makes a logical volume, not active and not wiped.</summary>
    public void CreateVolume(string name, params string[] arguments) =>
        Run("lvcreate", ["--activate", "n", "--zero", "n", "--wipesignatures", "n", "--name", name, .. arguments]);

    /// <summary>The group <c>vg</c> as <c>vgcfgbackup</c> writes it.</summary>
    public string Backup()
    {
        Run("vgcfgbackup", "--file", In("backup"), "vg");
        return File.ReadAllText(In("backup"));
    }

    /// <summary>Puts a group <c>vg</c> on its devices by <c>vgcfgrestore</c>.</summary>
    public void Restore(string text)
    {
        File.WriteAllText(In("restore"), text);
        Run("vgcfgrestore", "--force", "--file", In("restore"), "vg");
    }

    /// <summary>Runs <c>env</c>, which must end well, in the way of the tests that use this.</summary>
    protected abstract string RunEnv(string[] arguments);

    private string In(string name) => Path.Combine(Home, name);
}
