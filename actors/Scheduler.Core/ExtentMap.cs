// S2: no request reads or writes outside its disk's extents; asserted again here, where extents are resolved.
// Q2: requests above 256 KiB are dispatched in pieces, so that none holds the device for long.
// F2: a disk lies on the domains of all legs of its stripes: a flush covers each of them.
namespace Scheduler.Core;

/// <summary>Where a disk's bytes are.</summary>
internal sealed class ExtentMap
{
    private const int Granularity = 4096;

    private readonly Extent[] _extents;

    public ExtentMap(DiskSpec spec)
    {
        long end = 0;
        foreach (Extent extent in spec.Extents)
        {
            if (extent.DiskOffset != end || extent.Length <= 0 || extent.DeviceOffset < 0
                || (extent.Length | extent.DeviceOffset) % Granularity != 0)
                throw new ArgumentException($"disk {spec.Name}: {extent} does not follow the extent that ends at {end}, or is not a multiple of 4096", nameof(spec));
            if (extent.Stripes is { } stripes && !AreWhole(extent, stripes))
                throw new ArgumentException($"disk {spec.Name}: {extent} is not whole rows of two or more stripes in chunks that are multiples of 4096", nameof(spec));
            end += extent.Length;
            foreach ((int domain, _, _) in extent.Runs())
                Domains |= 1UL << domain;
        }

        _extents = [.. spec.Extents];
        Size = end;
    }

    /// <summary>Bytes of the disk.</summary>
    public long Size { get; }

    /// <summary>Domains that the disk lies on, a bit each.</summary>
    public ulong Domains { get; }

    /// <summary>The next piece of a request.</summary>
    public (int Domain, long DeviceOffset, long Length) Piece(RequestOp op, long offset, long length)
    {
        Invariant.Holds(offset >= 0 && length > 0 && offset <= Size - length, "S2", "a request is outside its disk");
        ref readonly Extent extent = ref _extents[IndexOf(offset)];
        long within = offset - extent.DiskOffset;
        Invariant.Holds(within >= 0 && within < extent.Length, "S2", "an offset is outside the extent that was found for it");
        long most = Math.Min(length, op.PieceBytesMax());
        return extent.Stripes is null
            ? (extent.Domain, extent.DeviceOffset + within, Math.Min(most, extent.Length - within))
            : InStripes(extent.Stripes, within, most);
    }

    /// <summary>Whether another map has all bytes of this one in the same places.</summary>
    public bool IsBeginningOf(ExtentMap other)
    {
        if (other.Size < Size)
            return false;
        for (long at = 0; at < Size;)
        {
            Extent mine = _extents[IndexOf(at)];
            Extent its = other._extents[other.IndexOf(at)];
            if (mine.Stripes?.ChunkLength != its.Stripes?.ChunkLength
                || LegsAt(mine, at) is not { } legs || LegsAt(its, at) is not { } others || !legs.SequenceEqual(others))
                return false;
            at = Math.Min(mine.DiskOffset + mine.Length, its.DiskOffset + its.Length);
        }

        return true;
    }

    // Where the legs go on from an offset, which must begin a row of stripes.
    private static (int Domain, long DeviceOffset)[]? LegsAt(in Extent extent, long offset)
    {
        long within = offset - extent.DiskOffset;
        if (extent.Stripes is not { } stripes)
            return [(extent.Domain, extent.DeviceOffset + within)];
        (long rows, long rest) = Math.DivRem(within, stripes.ChunkLength * stripes.Legs.Count);
        return rest != 0 ? null : [.. stripes.Legs.Select(leg => (leg.Domain, leg.DeviceOffset + (rows * stripes.ChunkLength)))];
    }

    private static bool AreWhole(in Extent extent, ExtentStripes stripes) =>
        stripes.Legs.Count >= 2 && stripes.ChunkLength > 0 && stripes.ChunkLength % Granularity == 0
        && stripes.ChunkLength <= extent.Length / stripes.Legs.Count
        && extent.Length % (stripes.ChunkLength * stripes.Legs.Count) == 0
        && stripes.Legs[0] == (extent.Domain, extent.DeviceOffset)
        && stripes.Legs.All(leg => leg.DeviceOffset >= 0 && leg.DeviceOffset % Granularity == 0);

    private static (int Domain, long DeviceOffset, long Length) InStripes(ExtentStripes stripes, long within, long most)
    {
        (long chunk, long inChunk) = Math.DivRem(within, stripes.ChunkLength);
        (long row, long index) = Math.DivRem(chunk, stripes.Legs.Count);
        (int domain, long start) = stripes.Legs[(int)index];
        return (domain, start + (row * stripes.ChunkLength) + inChunk, Math.Min(most, stripes.ChunkLength - inChunk));
    }

    private int IndexOf(long offset)
    {
        int low = 0;
        int high = _extents.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_extents[middle].DiskOffset <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
