using System.Buffers.Binary;

namespace Scheduler.Xen.Blkif;

/// <summary>A piece of a page that holds data of a request.</summary>
/// <param name="Grant">Names the page.</param>
/// <param name="First">First sector of the page; once checked, 0 to 7.</param>
/// <param name="Last">Last one, included; once checked, from <paramref name="First"/> to 7.</param>
public readonly record struct BlkifSegment(uint Grant, byte First, byte Last)
{
    /// <summary>Bytes; means something only once it is checked.</summary>
    public int Bytes => (Last - First + 1) * BlkifAbi.SectorBytes;

    /// <summary>Where its data begin in the page, in bytes.</summary>
    public int At => First * BlkifAbi.SectorBytes;

    /// <summary>Whether the sectors are some of a page.</summary>
    internal bool IsWithinPage => First <= Last && Last < BlkifAbi.SectorsPerPage;

    /// <summary>Reads one of a list.</summary>
    /// <param name="list">The list's bytes.</param>
    /// <param name="index">Which one.</param>
    /// <returns>It, unchecked.</returns>
    public static BlkifSegment Read(ReadOnlySpan<byte> list, int index)
    {
        ReadOnlySpan<byte> bytes = list.Slice(index * BlkifAbi.SegmentBytes, BlkifAbi.SegmentBytes);
        return new BlkifSegment(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[4], bytes[5]);
    }
}
