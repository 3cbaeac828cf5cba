// S1  The one check of a guest's request: range, alignment, size, segments, grants. It works on a copy of the ring's entry, and
//     on a copy of a page of segments: what the guest changes meanwhile changes nothing here.
//
// The order of the checks decides which error a request with several faults gets: whether there is such an operation at all
// comes first (ProtocolMap), then its segments, then where it lies. A flush and an empty barrier have no place: Linux sends
// them with sector 2^64-1.
using System.Buffers.Binary;
using Scheduler.Actors;

namespace Scheduler.Xen.Blkif;

/// <summary>A request as it was parsed and checked.</summary>
/// <param name="Id">Opaque; comes back in the response.</param>
/// <param name="Operation">What the response has to echo: of an indirect request, the operation that it carries.</param>
/// <param name="Status">0, or what it is refused with.</param>
/// <param name="Mapped">What it is to the scheduler, if it is not refused.</param>
/// <param name="Offset">First byte on the disk; 0 where it has none.</param>
/// <param name="Length">Bytes; 0 where it has none.</param>
/// <param name="Segments">How many segments its data has; 0 if it is refused.</param>
public readonly record struct BlkifRequest(
    ulong Id, byte Operation, short Status, MappedRequest Mapped, long Offset, long Length, int Segments)
{
    /// <summary>Whether data moves between the guest's pages and the disk.</summary>
    public bool HasData => Segments > 0;

    /// <summary>Parses and checks a request.</summary>
    /// <param name="entry">A copy of the ring's entry, of <see cref="BlkifAbi.EntryBytes"/>.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="pages">The guest's pages.</param>
    /// <param name="segments">Receives the segments; <see cref="BlkifAbi.IndirectSegmentsMax"/> of them fit.</param>
    /// <returns>The request.</returns>
    public static BlkifRequest Parse(ReadOnlySpan<byte> entry, BlkifDisk disk, IGuestPages pages, Span<BlkifSegment> segments)
    {
        byte operation = entry[0];
        bool indirect = operation == BlkifAbi.Indirect;
        int count = operation == BlkifAbi.Discard ? 0 : indirect ? BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]) : entry[1];
        MappedRequest mapped = ProtocolMap.Blkif(disk.Order, operation, entry[1], count);
        BlkifRequest request = new(
            BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]), indirect ? entry[1] : operation, (short)mapped.Error, mapped, 0, 0, 0);
        if (mapped.Error != 0)
            return request;
        if (disk.IsReadOnly && mapped.Op is not (RingOp.Read or RingOp.Flush or RingOp.EmptyBarrier))
            return request with { Status = BlkifAbi.Error };

        ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
        switch (mapped.Op)
        {
            case RingOp.Flush or RingOp.EmptyBarrier:
                return request;
            case RingOp.Discard when (entry[1] & BlkifAbi.DiscardSecure) != 0:
                return request with { Status = BlkifAbi.NotSupported };
            case RingOp.Discard:
                return request.At(sector, BinaryPrimitives.ReadUInt64LittleEndian(entry[24..]), disk);
            default:
                ulong sectors = indirect
                    ? IndirectSegments(entry, count, pages, segments)
                    : DirectSegments(entry, count, pages, segments);
                BlkifRequest placed = request.At(sector, sectors, disk);
                return placed.Status == 0 ? placed with { Segments = count } : placed;
        }
    }

    // 0 where there are none, too many, or one that is not of the guest's pages.
    private static ulong DirectSegments(ReadOnlySpan<byte> entry, int count, IGuestPages pages, Span<BlkifSegment> segments) =>
        count <= BlkifAbi.DirectSegmentsMax ? Take(entry[BlkifAbi.SegmentsAt..], count, pages, segments) : 0;

    private static ulong IndirectSegments(ReadOnlySpan<byte> entry, int count, IGuestPages pages, Span<BlkifSegment> segments)
    {
        if (count > BlkifAbi.IndirectSegmentsMax)
            return 0;

        // As many as there may be are in the first of the pages that it names.
        Span<byte> list = stackalloc byte[count * BlkifAbi.SegmentBytes];
        uint grant = BinaryPrimitives.ReadUInt32LittleEndian(entry[BlkifAbi.IndirectGrantsAt..]);
        return pages.TryCopy(grant, list) ? Take(list, count, pages, segments) : 0;
    }

    private static ulong Take(ReadOnlySpan<byte> list, int count, IGuestPages pages, Span<BlkifSegment> segments)
    {
        ulong sectors = 0;
        for (int i = 0; i < count; i++)
        {
            BlkifSegment segment = segments[i] = BlkifSegment.Read(list, i);
            if (!segment.IsWithinPage || !pages.Has(segment.Grant))
                return 0;
            sectors += (ulong)(segment.Last - segment.First + 1);
        }

        return sectors;
    }

    // Compared without a sum: it may exceed 64 bits.
    private BlkifRequest At(ulong sector, ulong sectors, BlkifDisk disk)
    {
        ulong end = (ulong)disk.Size / BlkifAbi.SectorBytes;
        ulong mask = (ulong)(disk.Block / BlkifAbi.SectorBytes) - 1;
        return sectors == 0 || sector > end || sectors > end - sector || ((sector | sectors) & mask) != 0
            ? this with { Status = BlkifAbi.Error }
            : this with { Offset = (long)sector * BlkifAbi.SectorBytes, Length = (long)sectors * BlkifAbi.SectorBytes };
    }
}
