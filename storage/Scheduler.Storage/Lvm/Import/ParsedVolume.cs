// The keys: LVM2's lib/format_text/import_vsn1.c (_read_lvnames, _read_segment, text_import_areas), lib/striped/striped.c.
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>A run of extents of a physical volume that a segment lies on.</summary>
/// <param name="PhysicalVolume">Index of the physical volume; -1: the area is a logical volume.</param>
/// <param name="FirstExtent">First extent there.</param>
internal readonly record struct ParsedArea(int PhysicalVolume, long FirstExtent);

/// <summary>A segment as the metadata has it.</summary>
/// <param name="Type">E.g. <c>striped</c>, which a linear one is too; with flags, such as <c>cache+METADATA_FORMAT</c>.</param>
/// <param name="FirstExtent">First extent of the logical volume.</param>
/// <param name="ExtentCount">Extents.</param>
/// <param name="ChunkSize">Bytes of a stripe's chunk; 0 if there is only one stripe.</param>
/// <param name="AreaExtents">Extents on each area.</param>
/// <param name="Areas">What it lies on, as far as it lies on physical volumes at once.</param>
internal sealed record ParsedSegment(
    string Type, long FirstExtent, long ExtentCount, long ChunkSize, long AreaExtents, IReadOnlyList<ParsedArea> Areas)
{
    /// <summary>Linear or striped.</summary>
    public bool IsPlain => Type is "striped" or "linear";
}

/// <summary>A logical volume as the metadata has it, before it is judged.</summary>
/// <param name="Section">Its section.</param>
/// <param name="Uuid">Its identity.</param>
/// <param name="Status">Its flags.</param>
/// <param name="Segments">In order, without gaps.</param>
internal sealed record ParsedVolume(
    ConfigSection Section, string Uuid, HashSet<string> Status, IReadOnlyList<ParsedSegment> Segments)
{
    private const int Sector = 512;

    public string Name => Section.Name;

    /// <summary>Not a hidden part of another. LVM2 hides what only ties a snapshot to its origin, whatever its flags.</summary>
    public bool IsVisible => Status.Contains("VISIBLE") && !Segments.Any(segment => segment.Type == "snapshot");

    /// <summary>Extents.</summary>
    public long ExtentCount => Segments.Sum(segment => segment.ExtentCount);

    public static ParsedVolume Parse(ConfigSection section, IReadOnlyDictionary<string, int> physicalVolumes)
    {
        LvmName.Check(section.Name);
        List<ParsedSegment> segments = [.. section.Sections.Select(one => ParseSegment(section, one, physicalVolumes))];
        if (section.RequiredNumber("segment_count", 0, uint.MaxValue) != segments.Count)
            throw new MetadataException($"logical volume {section.Name} has {segments.Count} segments and says otherwise");
        segments.Sort((left, right) => left.FirstExtent.CompareTo(right.FirstExtent));
        long end = 0;
        foreach (ParsedSegment segment in segments)
        {
            if (segment.FirstExtent != end)
                throw new MetadataException($"the segments of logical volume {section.Name} leave a gap or overlap");
            end += segment.ExtentCount;
        }

        return new ParsedVolume(section, LvmName.Uuid(section), StatusFlags.OfLogicalVolume(section), segments);
    }

    private static ParsedSegment ParseSegment(
        ConfigSection volume, ConfigSection section, IReadOnlyDictionary<string, int> physicalVolumes)
    {
        string type = section.Text("type") ?? "striped";
        long first = section.RequiredNumber("start_extent", 0, uint.MaxValue);
        long count = section.RequiredNumber("extent_count", 1, uint.MaxValue);
        if (type is "mirror")
            return new ParsedSegment(type, first, count, 0, count, ParseAreas(volume, section.Array("mirrors"), physicalVolumes));
        if (type is not ("striped" or "linear"))
            return new ParsedSegment(type, first, count, 0, 0, []);

        List<ParsedArea> areas = ParseAreas(volume, section.Array("stripes"), physicalVolumes);
        if (areas.Count == 0 || section.RequiredNumber("stripe_count", 1, uint.MaxValue) != areas.Count)
            throw new MetadataException($"a segment of logical volume {volume.Name} has {areas.Count} stripes and says otherwise");
        long chunk = areas.Count == 1 ? 0 : section.RequiredNumber("stripe_size", 1, uint.MaxValue) * Sector;
        if (count % areas.Count != 0)
            throw new MetadataException($"a segment of logical volume {volume.Name} is not whole in stripes");
        return new ParsedSegment(type, first, count, chunk, count / areas.Count, areas);
    }

    private static List<ParsedArea> ParseAreas(
        ConfigSection volume, IReadOnlyList<ConfigScalar>? pairs, IReadOnlyDictionary<string, int> physicalVolumes)
    {
        List<ParsedArea> areas = [];
        for (int i = 0; pairs != null && i < pairs.Count; i += 2)
        {
            if (pairs[i].Text is not string name || i + 1 == pairs.Count || pairs[i + 1] is not { Text: null } first
                || first.Number is < 0 or > uint.MaxValue)
                throw new MetadataException($"a segment of logical volume {volume.Name} lies on something that is no area");
            areas.Add(new ParsedArea(physicalVolumes.GetValueOrDefault(name, -1), first.Number));
        }

        return areas;
    }
}
