using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>Why a logical volume is not served, though nothing is in its group's way.</summary>
/// <param name="physical">The group's physical volumes.</param>
/// <param name="extentSize">Bytes of an extent.</param>
/// <param name="uses">What other logical volumes are built on.</param>
internal sealed class VolumeRefusals(IReadOnlyList<PhysicalVolume> physical, long extentSize, VolumeUses uses)
{
    private const int Alignment = 4096;
    private const string OnlyPlain = "serve a linear or striped logical volume; its data can be copied to one";

    /// <returns>The reason, or null.</returns>
    public LvmRefusal? Of(ParsedVolume volume)
    {
        foreach (ParsedSegment segment in volume.Segments)
        {
            if (!segment.IsPlain)
                return new LvmRefusal(OfType(segment.Type), OnlyPlain);
        }

        if (uses.Of(volume.Name) is LvmRefusal used)
            return used;
        if (!volume.IsVisible)
            return new LvmRefusal("it is a hidden part of the group", "serve a visible logical volume");
        if (volume.Segments.Count == 0)
            return new LvmRefusal("it is empty", "lvextend gives it extents");
        if (volume.Status.Contains("LOCKED") || volume.Status.Contains("PVMOVE"))
            return new LvmRefusal("a pvmove of it is under way", "let it end, or pvmove --abort");
        if (!volume.Status.Contains("WRITE") && !volume.Status.Contains("WRITE_LOCKED"))
            return new LvmRefusal("it is read-only", "lvchange --permission rw");
        return volume.Segments.Select(OfSegment).FirstOrDefault(refusal => refusal != null);
    }

    private static string OfType(string type) => type.Split('+')[0] switch
    {
        "thin" => "it is a thin volume",
        "thin-pool" => "it is a thin pool",
        "cache" => "it is cached",
        "cache-pool" => "it is a cache pool",
        "writecache" => "it has a write cache",
        "snapshot" => "it only ties a snapshot to its origin",
        "mirror" => "it is a mirror",
        "vdo" => "it is a VDO volume",
        "vdo-pool" => "it is a VDO pool",
        "error" or "zero" => $"it holds no data: it is of type {type}",
        "integrity" => "it has integrity checksums",
        string raid when raid.StartsWith("raid", StringComparison.Ordinal) => $"it is {Printable.Of(raid)}",
        _ => $"it has a segment of type {Printable.Of(type)}",
    };

    private LvmRefusal? OfSegment(ParsedSegment segment)
    {
        foreach (ParsedArea area in segment.Areas)
        {
            if (area.PhysicalVolume < 0)
                return new LvmRefusal("it lies on another logical volume", OnlyPlain);
            PhysicalVolume on = physical[area.PhysicalVolume];
            if (on.MarkedMissing && on.Path != null)
            {
                return new LvmRefusal(
                    $"it needs {on.Path}, which LVM2 marked as missing: it was away while the group changed",
                    "check its data, then vgextend --restoremissing",
                    LacksDevice: true);
            }

            if (on.Path == null)
            {
                string hint = on.DeviceHint.Length > 0 ? $", last seen as {on.DeviceHint}" : "";
                return new LvmRefusal($"it needs the physical volume {on.Uuid}{hint}, which is missing", "name it too", LacksDevice: true);
            }

            long offset = on.DataOffset + (area.FirstExtent * extentSize);
            long length = segment.AreaExtents * extentSize;
            if (offset + length > on.Size)
                return new LvmRefusal($"it reaches beyond the {on.Size} bytes of {on.Path}", "enlarge that device again", LacksDevice: true);
            if (offset % Alignment != 0 || length % Alignment != 0 || segment.ChunkSize % Alignment != 0)
                return new LvmRefusal($"its extents on {on.Path} or its chunks are not multiples of {Alignment} bytes", "copy it to one whose are");
            if (segment.ChunkSize != 0 && length % segment.ChunkSize != 0)
                return new LvmRefusal("its stripes are not whole in chunks", OnlyPlain);
        }

        return null;
    }
}
