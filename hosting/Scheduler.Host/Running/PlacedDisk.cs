using Scheduler.Core;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Running;

/// <summary>A disk that is served, and where it is.</summary>
/// <param name="Settings">The disk as configured.</param>
/// <param name="Extents">Its bytes.</param>
/// <param name="Identity">Of a logical volume, its identity; it outlives a change of name.</param>
internal sealed record PlacedDisk(DiskSettings Settings, IReadOnlyList<Extent> Extents, string Identity = "")
{
    /// <summary>Bytes.</summary>
    public long Size { get; } = Extents.Sum(extent => extent.Length);

    /// <summary>A slice of a volume with one flush domain.</summary>
    public static PlacedDisk Slice(DiskSettings disk) => new(disk, [new Extent(0, 0, disk.Offset, disk.Size)]);

    /// <summary>What the core is told of it.</summary>
    /// <param name="guest">Index of its guest on the volume.</param>
    public DiskSpec Spec(int guest) => new()
    {
        Name = Settings.Name,
        Guest = guest,
        Ordered = Settings.Ordered,
        Extents = Extents,
    };
}
