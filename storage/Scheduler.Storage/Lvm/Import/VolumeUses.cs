// What is built on what: the text_export functions of LVM2's segment types (lib/snapshot, lib/thin, lib/cache_segtype, ...).
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>
/// Which logical volumes others are built on. Such a one can look like any linear one: the origin of a snapshot does, and to
/// write to it past the snapshot would ruin the snapshot.
/// </summary>
internal sealed class VolumeUses
{
    // Values of a segment that are never the name of a logical volume.
    private static readonly HashSet<string> s_noNames =
        ["type", "tags", "device_id_type", "device_id", "cache_mode", "policy", "policy_settings", "discards", "mode", "internal_hash"];

    private readonly Dictionary<string, LvmRefusal> _uses = [];
    private readonly HashSet<string> _snapshots = [];

    public VolumeUses(IReadOnlyList<ParsedVolume> volumes)
    {
        HashSet<string> names = [.. volumes.Select(volume => volume.Name)];
        foreach (ParsedVolume volume in volumes)
        {
            foreach (ConfigSection segment in volume.Section.Sections)
                AddSegment(volume.Name, segment, names);
        }
    }

    /// <returns>Why a logical volume that others are built on is not served; null if none is.</returns>
    public LvmRefusal? Of(string name) => _uses.GetValueOrDefault(name);

    /// <returns>Whether it is a snapshot: LVM2 hides it in its metadata, and shows it to its users all the same.</returns>
    public bool IsSnapshot(string name) => _snapshots.Contains(name);

    private void AddSegment(string user, ConfigSection segment, HashSet<string> names)
    {
        if (segment.Text("type") == "snapshot"
            && segment.Text("origin") is string origin
            && (segment.Text("cow_store") ?? segment.Text("merging_store")) is string snapshot)
        {
            string shown = Printable.Of(snapshot);
            _uses[origin] = new LvmRefusal($"it is the origin of the snapshot {shown}", $"lvremove {shown}");
            _ = _snapshots.Add(snapshot);
            _uses[snapshot] = new LvmRefusal(
                $"it is a snapshot of {Printable.Of(origin)}", "serve a logical volume without snapshots");
            return;
        }

        // Each segment type has keys of its own for what it is built on, and one that is not known may have others: so
        // whatever string is the name of another logical volume counts.
        foreach (string used in segment.Strings(s_noNames))
        {
            if (used != user && names.Contains(used))
                _ = _uses.TryAdd(used, new LvmRefusal($"it is a part of {user}", $"remove {user}, or serve another logical volume"));
        }
    }
}
