// The flags: LVM2's lib/format_text/flags.c.
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>
/// The status flags of a group, a physical or a logical volume. A flag under <c>status</c> that is not known is an error, as it
/// is to LVM2: what it stands for must be understood. One under <c>flags</c> may be passed over.
/// </summary>
internal static class StatusFlags
{
    private static readonly string[] s_group =
        ["EXPORTED", "RESIZEABLE", "PVMOVE", "READ", "WRITE", "WRITE_LOCKED", "NOAUTOACTIVATE", "CLUSTERED", "SHARED"];

    private static readonly string[] s_physical = ["ALLOCATABLE", "EXPORTED", "MISSING"];

    private static readonly string[] s_logical =
    [
        "READ", "WRITE", "WRITE_LOCKED", "FIXED_MINOR", "VISIBLE", "PVMOVE", "LOCKED", "NOTSYNCED", "REBUILD", "RESHAPE",
        "RESHAPE_DATA_OFFSET", "RESHAPE_DELTA_DISKS_PLUS", "RESHAPE_DELTA_DISKS_MINUS", "REMOVE_AFTER_RESHAPE", "WRITEMOSTLY",
        "ACTIVATION_SKIP", "NOAUTOACTIVATE", "ERROR_WHEN_FULL", "METADATA_FORMAT", "CROP_METADATA", "CACHE_VOL",
        "CACHE_USES_CACHEVOL",
    ];

    public static HashSet<string> OfGroup(ConfigSection section) => Read(section, s_group);

    public static HashSet<string> OfPhysicalVolume(ConfigSection section) => Read(section, s_physical);

    public static HashSet<string> OfLogicalVolume(ConfigSection section) => Read(section, s_logical);

    private static HashSet<string> Read(ConfigSection section, string[] known)
    {
        _ = section.Array("status") ?? throw section.Missing("status");
        HashSet<string> flags = [];
        foreach (string flag in section.Texts("status"))
        {
            if (!known.Contains(flag))
                throw new MetadataException($"{section.Name} has the unknown status flag {Printable.Of(flag)}");
            flags.Add(flag);
        }

        flags.UnionWith(section.Texts("flags").Where(known.Contains));
        return flags;
    }
}
