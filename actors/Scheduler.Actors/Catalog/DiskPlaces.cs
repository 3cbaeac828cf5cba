// Where a disk lies on its volume: where it was told to, where it is already, or in the first gap that is large enough.
namespace Scheduler.Actors;

/// <summary>Places disks.</summary>
internal static class DiskPlaces
{
    /// <summary>The disk with its offset, or why it has none.</summary>
    /// <param name="disk">The disk as a command gives it.</param>
    /// <param name="before">As it is now; null if it is new.</param>
    /// <param name="state">All volumes and disks.</param>
    public static (CatalogDisk Disk, CatalogRefusal? Refusal) Place(CatalogDisk disk, CatalogDisk? before, CatalogState state)
    {
        if (disk.LogicalVolume is not null || disk.Offset is not null)
            return (disk, null);
        if (before?.Offset is not null && before.Volume == disk.Volume)
            return (disk with { Offset = before.Offset }, null);

        // What is wrong with the volume or the size is said by the rules.
        if (disk.Size <= 0 || disk.Size > CatalogLimits.SizeMax || state.Find<CatalogVolume>(disk.Volume) is not { IsGroup: false } volume)
            return (disk with { Offset = 0 }, null);
        long offset = 0;
        long largest = 0;
        foreach (CatalogDisk other in state.All<CatalogDisk>().Where(other => other.Volume == disk.Volume && other.Name != disk.Name).OrderBy(other => other.Offset))
        {
            long gap = other.Offset.GetValueOrDefault() - offset;
            if (gap >= disk.Size)
                return (disk with { Offset = offset }, null);
            largest = Math.Max(largest, gap);
            offset = Math.Max(offset, other.End);
        }

        largest = Math.Max(largest, volume.Size - offset);
        return volume.Size - offset >= disk.Size
            ? (disk with { Offset = offset }, null)
            : (disk, new CatalogRefusal(
                CatalogProblem.Full, $"disk {disk.Name}: volume {disk.Volume} has no run of {disk.Size} free bytes; its largest has {largest}"));
    }
}
