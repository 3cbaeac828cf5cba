// The keys: LVM2's lib/format_text/import_vsn1.c (_read_vg).
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>Makes a volume group of its metadata and the physical volumes that were found.</summary>
internal static class GroupImport
{
    private const int Sector = 512;

    /// <exception cref="VolumeOpenException">It cannot be understood, or does not fit what was found.</exception>
    public static VolumeGroup Import(
        GroupText text, IReadOnlyList<FoundPhysicalVolume> found, LvmReadOptions options, IReadOnlyList<string> warnings)
    {
        try
        {
            return Import(text.Group, text, found, options, warnings);
        }
        catch (MetadataException e)
        {
            throw NotUnderstood(text.Path, e);
        }
    }

    public static VolumeOpenException NotUnderstood(string path, MetadataException e) => new(
        path, $"its metadata is not understood, though its checksum is right: {e.Message}", "see vgck and vgcfgrestore");

    private static VolumeGroup Import(
        ConfigSection group,
        GroupText text,
        IReadOnlyList<FoundPhysicalVolume> found,
        LvmReadOptions options,
        IReadOnlyList<string> warnings)
    {
        HashSet<string> status = StatusFlags.OfGroup(group);
        string systemId = Printable.Of(group.Text("system_id") ?? "");
        string lockType = Printable.Of(group.Text("lock_type") ?? "");
        long extentSize = group.RequiredNumber("extent_size", 1, uint.MaxValue) * Sector;
        IReadOnlyList<PhysicalVolume> physical = PhysicalVolumeImport.Import(group, extentSize, found);
        foreach (FoundPhysicalVolume one in found)
        {
            if (!physical.Any(volume => volume.Path == one.Path))
            {
                throw new VolumeOpenException(
                    one.Path, $"it is not one of the physical volumes of group {group.Name}", "leave it out, or vgextend");
            }
        }

        LvmRefusal? refusal = GroupRefusals.Of(group.Name, status, systemId, lockType, found, options);
        return new VolumeGroup
        {
            Name = group.Name,
            Uuid = text.Uuid,
            SequenceNumber = text.SequenceNumber,
            ExtentSize = extentSize,
            Status = [.. status],
            SystemId = systemId,
            LockType = lockType,
            PhysicalVolumes = physical,
            LogicalVolumes = ImportVolumes(group, extentSize, physical, refusal),
            Refusal = refusal,
            Warnings = warnings,
        };
    }

    private static List<LogicalVolume> ImportVolumes(
        ConfigSection group, long extentSize, IReadOnlyList<PhysicalVolume> physical, LvmRefusal? groupRefusal)
    {
        Dictionary<string, int> indices = physical.Select((volume, index) => (volume.Name, index)).ToDictionary();
        IEnumerable<ConfigSection> sections = group.Section("logical_volumes")?.Sections ?? [];
        List<ParsedVolume> parsed = [.. sections.Select(section => ParsedVolume.Parse(section, indices))];
        ExtentUse.Check(physical, parsed);

        VolumeUses uses = new(parsed);
        VolumeRefusals refusals = new(physical, extentSize, uses);
        List<LogicalVolume> volumes = [];
        foreach (ParsedVolume volume in parsed)
        {
            if (volume.ExtentCount > long.MaxValue / extentSize)
                throw new MetadataException($"logical volume {volume.Name} is larger than any device");
            LvmRefusal? refusal = groupRefusal ?? refusals.Of(volume);
            volumes.Add(new LogicalVolume(
                volume.Name,
                volume.Uuid,
                volume.IsVisible || uses.IsSnapshot(volume.Name),
                volume.ExtentCount * extentSize,
                refusal == null ? [.. volume.Segments.Select(segment => Map(segment, extentSize, physical))] : [],
                refusal));
        }

        return volumes;
    }

    private static LvmSegment Map(ParsedSegment segment, long extentSize, IReadOnlyList<PhysicalVolume> physical)
    {
        long length = segment.ExtentCount * extentSize;
        return new LvmSegment(
            segment.FirstExtent * extentSize,
            length,
            segment.ChunkSize == 0 ? length : segment.ChunkSize,
            [
                .. segment.Areas.Select(area => new LvmStripe(
                    area.PhysicalVolume, physical[area.PhysicalVolume].DataOffset + (area.FirstExtent * extentSize))),
            ]);
    }
}
