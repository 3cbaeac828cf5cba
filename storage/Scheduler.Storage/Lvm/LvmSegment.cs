namespace Scheduler.Storage.Lvm;

/// <summary>
/// A run of a logical volume that is mapped in one way: linear, which is one stripe, or striped, where chunks go to the
/// stripes in turn. It stays this small whatever its length: a terabyte in chunks of 64 KiB would be sixteen million extents.
/// </summary>
public sealed class LvmSegment
{
    /// <summary>A segment of a logical volume.</summary>
    /// <param name="diskOffset">First byte of the logical volume.</param>
    /// <param name="length">Bytes: a multiple of the chunk's length times the number of stripes.</param>
    /// <param name="chunkLength">Bytes that lie together on a stripe; the whole length when there is only one stripe.</param>
    /// <param name="stripes">One or more.</param>
    public LvmSegment(long diskOffset, long length, long chunkLength, IReadOnlyList<LvmStripe> stripes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(diskOffset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunkLength);
        ArgumentOutOfRangeException.ThrowIfZero(stripes.Count, nameof(stripes));
        if (length <= 0 || length % stripes.Count != 0 || length / stripes.Count % chunkLength != 0)
            throw new ArgumentOutOfRangeException(nameof(length));
        DiskOffset = diskOffset;
        Length = length;
        ChunkLength = chunkLength;
        Stripes = stripes;
    }

    /// <summary>First byte of the logical volume.</summary>
    public long DiskOffset { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes that lie together on a stripe.</summary>
    public long ChunkLength { get; }

    /// <summary>Where the stripes begin, in turn; one if the segment is linear.</summary>
    public IReadOnlyList<LvmStripe> Stripes { get; }

    /// <summary>How many extents it is.</summary>
    public long ExtentCount => Length / ChunkLength;

    /// <summary>Where a range begins, and how much of it lies together there.</summary>
    /// <param name="diskOffset">First byte of the logical volume, in this segment.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <returns>The extent, no longer than wanted.</returns>
    public LvmExtent Map(long diskOffset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        long within = diskOffset - DiskOffset;
        if (within < 0 || within >= Length)
            throw new ArgumentOutOfRangeException(nameof(diskOffset));
        (long chunk, long inChunk) = Math.DivRem(within, ChunkLength);
        (long row, long stripe) = Math.DivRem(chunk, Stripes.Count);
        LvmStripe start = Stripes[(int)stripe];
        return new LvmExtent(
            diskOffset,
            start.PhysicalVolume,
            start.DeviceOffset + (row * ChunkLength) + inChunk,
            Math.Min(length, ChunkLength - inChunk));
    }

    /// <summary>All its extents in order, made one by one: see <see cref="ExtentCount"/> before they are kept.</summary>
    /// <returns>The extents.</returns>
    public IEnumerable<LvmExtent> Extents()
    {
        for (long offset = 0; offset < Length; offset += ChunkLength)
            yield return Map(DiskOffset + offset, ChunkLength);
    }
}
