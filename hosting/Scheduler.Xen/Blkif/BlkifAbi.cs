// The layout of a blkif ring as 64-bit x86 guests have it ("x86_64-abi"). All numbers are little endian.
//
//   ring      0 req_prod  4 req_event  8 rsp_prod  12 rsp_event   (u32 each, they wrap)   64 entries, 112 bytes each
//   request   0 operation u8   1 segments u8      2 handle u16                  8 id u64  16 sector u64  24 segment[11]
//   discard   0 operation u8   1 flag u8          2 handle u16                  8 id u64  16 sector u64  24 sectors u64
//   indirect  0 operation u8   1 its operation u8  2 segments u16               8 id u64  16 sector u64  24 handle u16  28 grant u32[8]
//   segment   0 grant u32      4 first sector u8  5 last sector u8 (of a page; both are included)
//   response  0 id u64         8 operation u8    10 status s16
//
// A ring of several pages is one ring: its entries go on over the pages' borders, and there are as many as the largest power
// of two that fits. A page of segments, which an indirect request names, holds 512. Sectors have 512 bytes, whatever the
// disk's blocks are.
//
// Sources: Xen's xen/include/public/io/blkif.h and ring.h; Linux's drivers/block/xen-blkfront.c.
namespace Scheduler.Xen.Blkif;

/// <summary>Numbers of the ring's layout.</summary>
public static class BlkifAbi
{
    /// <summary>BLKIF_OP_READ.</summary>
    public const byte Read = 0;

    /// <summary>BLKIF_OP_WRITE.</summary>
    public const byte Write = 1;

    /// <summary>BLKIF_OP_WRITE_BARRIER.</summary>
    public const byte WriteBarrier = 2;

    /// <summary>BLKIF_OP_FLUSH_DISKCACHE.</summary>
    public const byte FlushDiskcache = 3;

    /// <summary>BLKIF_OP_DISCARD.</summary>
    public const byte Discard = 5;

    /// <summary>BLKIF_OP_INDIRECT.</summary>
    public const byte Indirect = 6;

    /// <summary>BLKIF_RSP_OKAY.</summary>
    public const short Okay = 0;

    /// <summary>BLKIF_RSP_ERROR.</summary>
    public const short Error = -1;

    /// <summary>BLKIF_RSP_EOPNOTSUPP.</summary>
    public const short NotSupported = -2;

    /// <summary>BLKIF_DISCARD_SECURE.</summary>
    public const byte DiscardSecure = 1;

    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>Bytes of a sector.</summary>
    public const int SectorBytes = 512;

    /// <summary>Sectors of a page.</summary>
    public const int SectorsPerPage = PageBytes / SectorBytes;

    /// <summary>Bytes of a ring's entry, for a request or a response.</summary>
    public const int EntryBytes = 112;

    /// <summary>Where the entries begin.</summary>
    public const int EntriesAt = 64;

    /// <summary>Where the producer of requests is.</summary>
    public const int RequestProducerAt = 0;

    /// <summary>Where it is said from which request on the backend wants to be told.</summary>
    public const int RequestEventAt = 4;

    /// <summary>Where the producer of responses is.</summary>
    public const int ResponseProducerAt = 8;

    /// <summary>Where it is said from which response on the guest wants to be told.</summary>
    public const int ResponseEventAt = 12;

    /// <summary>Bytes of a segment.</summary>
    public const int SegmentBytes = 8;

    /// <summary>Where a request's segments begin.</summary>
    public const int SegmentsAt = 24;

    /// <summary>Where an indirect request's grants begin.</summary>
    public const int IndirectGrantsAt = 28;

    /// <summary>Most segments in a request itself.</summary>
    public const int DirectSegmentsMax = 11;

    /// <summary>Most segments that an indirect request may have: 1 MiB, and a half page of segments.</summary>
    public const int IndirectSegmentsMax = 256;

    /// <summary>Longest read or write in bytes.</summary>
    public const int TransferBytesMax = IndirectSegmentsMax * PageBytes;

    /// <summary>Largest ring: 1 &lt;&lt; 4 pages.</summary>
    public const int RingOrderMax = 4;

    /// <summary>Entries of a ring.</summary>
    /// <param name="order">Logarithm of its pages; 0 to <see cref="RingOrderMax"/>.</param>
    /// <returns>A power of two.</returns>
    public static int Entries(int order) => 32 << order;
}
