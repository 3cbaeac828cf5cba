// S2: no request reads or writes outside its disk's extents; asserted again here, where extents are resolved.
// Q2: requests above 256 KiB are dispatched in pieces, so that none holds the device for long.
namespace Scheduler.Core;

/// <summary>Where a disk's bytes are.</summary>
internal sealed class ExtentMap
{
    /// <summary>Most bytes of a piece that carries data.</summary>
    public const long PieceBytesMax = 256 << 10;

    /// <summary>Most bytes of a piece that carries none: its device time does not grow with its length as data's does.</summary>
    public const long DatalessPieceBytesMax = 8 << 20;

    private readonly Extent[] _extents;

    public ExtentMap(DiskSpec spec)
    {
        long end = 0;
        foreach (Extent extent in spec.Extents)
        {
            if (extent.DiskOffset != end || extent.Length <= 0 || extent.DeviceOffset < 0
                || (extent.Length | extent.DeviceOffset) % 4096 != 0)
                throw new ArgumentException($"disk {spec.Name}: {extent} does not follow the extent that ends at {end}, or is not a multiple of 4096", nameof(spec));
            end += extent.Length;
        }

        _extents = [.. spec.Extents];
        Size = end;
        foreach (Extent extent in _extents)
            Domains |= 1UL << extent.Domain;
    }

    /// <summary>Bytes of the disk.</summary>
    public long Size { get; }

    /// <summary>Domains that the disk lies on, a bit each.</summary>
    public ulong Domains { get; }

    /// <summary>The next piece of a request.</summary>
    public (int Domain, long DeviceOffset, long Length) Piece(RequestOp op, long offset, long length)
    {
        Invariant.Holds(offset >= 0 && length > 0 && offset <= Size - length, "S2", "a request is outside its disk");
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

        ref readonly Extent extent = ref _extents[low];
        long within = offset - extent.DiskOffset;
        Invariant.Holds(within >= 0 && within < extent.Length, "S2", "an offset is outside the extent that was found for it");
        long most = op.MovesData() ? PieceBytesMax
            : op is RequestOp.Status ? long.MaxValue : DatalessPieceBytesMax;
        return (extent.Domain, extent.DeviceOffset + within, Math.Min(Math.Min(length, most), extent.Length - within));
    }
}
