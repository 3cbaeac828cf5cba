using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>
/// Requires that each extent of a physical volume exists and belongs to one logical volume only, hidden ones included: else
/// one guest could reach another's bytes (S2).
/// </summary>
internal static class ExtentUse
{
    public static void Check(IReadOnlyList<PhysicalVolume> physical, IEnumerable<ParsedVolume> logical)
    {
        List<Use>[] uses = [.. physical.Select(_ => new List<Use>())];
        foreach (ParsedVolume volume in logical)
        {
            foreach (ParsedSegment segment in volume.Segments)
            {
                foreach (ParsedArea area in segment.Areas.Where(area => area.PhysicalVolume >= 0))
                    uses[area.PhysicalVolume].Add(new Use(area.FirstExtent, segment.AreaExtents, volume.Name));
            }
        }

        for (int i = 0; i < uses.Length; i++)
            Check(physical[i], uses[i]);
    }

    private static void Check(PhysicalVolume physical, List<Use> uses)
    {
        uses.Sort((left, right) => left.First.CompareTo(right.First));
        long end = 0;
        string last = "";
        foreach (Use use in uses)
        {
            if (use.First < end)
            {
                throw new MetadataException(
                    $"extent {use.First} of physical volume {physical.Name} belongs to both {last} and {use.Volume}");
            }

            end = use.First + use.Count;
            last = use.Volume;
            if (end > physical.ExtentCount)
            {
                throw new MetadataException(
                    $"{use.Volume} reaches beyond the {physical.ExtentCount} extents of physical volume {physical.Name}");
            }
        }
    }

    private readonly record struct Use(long First, long Count, string Volume);
}
