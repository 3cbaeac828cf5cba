namespace Scheduler.Storage.Lvm;

/// <summary>A logical volume: where its bytes are, or why it is not served.</summary>
public sealed class LogicalVolume
{
    internal LogicalVolume(
        string name, string uuid, bool visible, long size, IReadOnlyList<LvmSegment> segments, LvmRefusal? refusal)
    {
        Name = name;
        Uuid = uuid;
        IsVisible = visible;
        Size = size;
        Segments = segments;
        Refusal = refusal;
    }

    /// <summary>Name within the group.</summary>
    public string Name { get; }

    /// <summary>Its identity.</summary>
    public string Uuid { get; }

    /// <summary>Not a hidden part of another logical volume.</summary>
    public bool IsVisible { get; }

    /// <summary>Bytes.</summary>
    public long Size { get; }

    /// <summary>
    /// In order and without gaps; all offsets are multiples of 4096, and all lies on physical volumes that were found. Empty
    /// if there is a <see cref="Refusal"/>.
    /// </summary>
    public IReadOnlyList<LvmSegment> Segments { get; }

    /// <summary>Why it is not served; null if it can be.</summary>
    public LvmRefusal? Refusal { get; }

    /// <summary>How many extents it is.</summary>
    public long ExtentCount => Segments.Sum(segment => segment.ExtentCount);

    /// <summary>Where a range begins, and how much of it lies together there.</summary>
    /// <param name="diskOffset">First byte, within the volume.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <returns>The extent, no longer than wanted.</returns>
    public LvmExtent Map(long diskOffset, long length)
    {
        int low = 0;
        int high = Segments.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Segments[middle].DiskOffset <= diskOffset)
                low = middle;
            else
                high = middle - 1;
        }

        return high < 0
            ? throw new InvalidOperationException($"{Name} is not served: {Refusal?.Problem}")
            : Segments[low].Map(diskOffset, length);
    }

    /// <summary>All its extents in order, made one by one: see <see cref="ExtentCount"/> before they are kept.</summary>
    /// <returns>The extents.</returns>
    public IEnumerable<LvmExtent> Extents() => Segments.SelectMany(segment => segment.Extents());
}
