using System.Buffers.Binary;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Tests;

/// <summary>Entries of a ring, byte by byte as a guest writes them: the numbers here are those of Xen's header.</summary>
internal static class Entry
{
    public static byte[] Plain(byte operation, ulong sector, params (uint Grant, byte First, byte Last)[] segments)
    {
        byte[] entry = new byte[112];
        entry[0] = operation;
        entry[1] = (byte)segments.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), 0x1122334455667788);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), sector);
        for (int i = 0; i < Math.Min(11, segments.Length); i++)
            Segment(entry.AsSpan(24 + (i * 8)), segments[i]);
        return entry;
    }

    public static byte[] Discard(ulong sector, ulong sectors, byte flag = 0)
    {
        byte[] entry = Plain(5, sector);
        entry[1] = flag;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(24), sectors);
        return entry;
    }

    public static byte[] Indirect(byte operation, ulong sector, ushort segments, uint grant)
    {
        byte[] entry = Plain(6, sector);
        entry[1] = operation;
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(2), segments);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(28), grant);
        return entry;
    }

    public static void Segment(Span<byte> at, (uint Grant, byte First, byte Last) segment)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, segment.Grant);
        at[4] = segment.First;
        at[5] = segment.Last;
    }

    public static BlkifRequest Parse(byte[] entry, BlkifDisk disk, IGuestPages pages) =>
        Parse(entry, disk, pages, out _);

    public static BlkifRequest Parse(byte[] entry, BlkifDisk disk, IGuestPages pages, out BlkifSegment[] segments)
    {
        segments = new BlkifSegment[BlkifAbi.IndirectSegmentsMax];
        BlkifRequest request = BlkifRequest.Parse(entry, disk, pages, segments);
        segments = segments[..request.Segments];
        return request;
    }
}
