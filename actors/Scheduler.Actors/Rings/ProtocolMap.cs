// What guests ask for in each protocol, and what it is to the scheduler: the one table that front ends go by. It takes the
// numbers that stand on the wire; whether a request is well-formed is the front end's own check, and comes first (S1).
//
// What a guest is offered, by the ordered mode of its disk:
//
//   mode         NBD flags              virtio-blk features            blkif nodes
//   every mode   TRIM WRITE_ZEROES      DISCARD WRITE_ZEROES           feature-discard 1
//                FAST_ZERO CACHE
//                CAN_MULTI_CONN
//   NONE         -                      -                              feature-barrier 0  feature-flush-cache 0
//                                                                      feature-max-indirect-segments as many as are taken
//   DRAIN* TAG*  FLUSH FUA              BARRIER FLUSH CONFIG_WCE       feature-barrier 1  feature-flush-cache 0
//                                                                      feature-max-indirect-segments 0
//   FLUSH_FUA    FLUSH FUA              FLUSH CONFIG_WCE               feature-barrier 0  feature-flush-cache 1
//                                                                      feature-max-indirect-segments as many as are taken
//
// What it sends, and what a barrier is answered with where it was not negotiated (O5):
//
//   NBD request                         to the scheduler               not negotiated
//   READ                                Read
//   WRITE                               Write, [FUA]
//   FLUSH                               Flush
//   TRIM                                Discard, [FUA]
//   CACHE                               Prefetch
//   WRITE_ZEROES                        Zero, [FUA] [NoHole] [FastZero]
//   BLOCK_STATUS                        Status
//   any other                           EINVAL
//
//   virtio-blk request                  to the scheduler               not negotiated
//   IN                                  Read
//   OUT                                 Write, [FUA]
//   OUT, BARRIER                        BarrierWrite                   UNSUPP
//   FLUSH, FLUSH_OUT                    Flush
//   FLUSH, FLUSH_OUT, BARRIER           EmptyBarrier                   UNSUPP
//   DISCARD                             Discard, [FUA]
//   WRITE_ZEROES, unmap                 Zero, [FUA]
//   WRITE_ZEROES                        Zero, [FUA] NoHole
//   GET_ID                              answered by the front end
//   any other, any other with BARRIER   UNSUPP
//
//   blkif request                       to the scheduler               not negotiated
//   READ                                Read
//   WRITE                               Write, [FUA]
//   WRITE_BARRIER                       BarrierWrite                   EOPNOTSUPP
//   WRITE_BARRIER, no segments          EmptyBarrier                   EOPNOTSUPP
//   FLUSH_DISKCACHE, no segments        Flush
//   FLUSH_DISKCACHE                     Flush, then Write, [FUA]
//   DISCARD                             Discard, [FUA]
//   INDIRECT of READ or WRITE           as READ or WRITE
//   INDIRECT of any other               ERROR
//   any other                           EOPNOTSUPP
//
// [FUA]: where the guest asked for it with the request, which only NBD can, or where the ring is write-through: the guest
// has no means to ask for durability, so whatever changes data is durable when it is answered. That is mode NONE, and in
// virtio-blk also a driver that did not take FLUSH or has set `writeback` to 0.
//
// NBD has no barrier and virtio-blk no FUA; nothing is made up for them. So NBD serves every mode but NONE in the same way.
// A flush is taken in every mode, whether it was offered or not: it asks for durability only, which no mode is without.
//
// A FLUSH_DISKCACHE with data is what Linux's backend and QEMU's make of it: what was completed before is made durable, then
// the data is written, and that is not durable by itself. Linux's front end sends none.
//
// A guest that knows nothing of barriers must not be given a blkif disk in a barrier mode: with feature-flush-cache 0 it
// takes the disk for write-through. Both nodes at once are not an answer: Linux's front end then sends no barriers.
//
// There is no indirect barrier. A Linux that is offered indirect segments makes durable writes as long as they allow, and stops
// with a bug when it comes to send one that needs them; without them it splits writes at 11 segments. So with barriers none
// are offered. They are taken all the same: a guest goes by what it was offered when it was connected.
//
// Linux's front end takes EOPNOTSUPP in answer to a flush or a barrier, with data or without, and ERROR in answer to one
// without data, for a backend that can't: it reports success to its file system and sends no more of them. After ERROR in answer
// to one with data it reports the error, and sends no more of them either. From then on each fsync of its guest succeeds, and
// nothing is durable. A refusal is therefore only for what was not offered; in place of an answer to a flush or a barrier that
// failed (F6, O6), or that can't be carried out as it is (S1), the ring has to close.
//
// Sources: NBD: doc/proto.md of github.com/NetworkBlockDevice/nbd, "Transmission flags", "Command flags", "Request types".
// virtio-blk: Virtual I/O Device (VIRTIO) 1.2, 5.2.3 "Feature bits", 5.2.5 "Device Initialization" and 5.2.6 "Device
// Operation", each with its "Legacy Interface". blkif: Xen's xen/include/public/io/blkif.h, "Features" and "REQUEST CODES";
// Linux's drivers/block/xen-blkback/blkback.c, dispatch_rw_block_io and dispatch_other_io, and drivers/block/xen-blkfront.c,
// blkif_queue_rw_req and blkif_interrupt; QEMU's hw/block/xen_disk.c (until 4.0), ioreq_parse.
namespace Scheduler.Actors;

/// <summary>What a guest's request is to the scheduler.</summary>
/// <param name="Op">The operation, unless there is an error.</param>
/// <param name="Flags">Its modifiers.</param>
/// <param name="FlushFirst">A <see cref="RingOp.Flush"/> goes first; this one is sent when that was answered with success,
/// and not at all otherwise.</param>
/// <param name="Error">0, or the protocol's own error: the request does not go to the scheduler.</param>
public readonly record struct MappedRequest(
    RingOp Op, RingFlags Flags = RingFlags.None, bool FlushFirst = false, int Error = 0);

/// <summary>The table of this file.</summary>
public static class ProtocolMap
{
    // NBD: transmission flags, command flags, commands, an error.
    private const ushort NbdSendFlush = 1 << 2;
    private const ushort NbdSendFua = 1 << 3;
    private const ushort NbdSendTrim = 1 << 5;
    private const ushort NbdSendWriteZeroes = 1 << 6;
    private const ushort NbdCanMultiConn = 1 << 8;
    private const ushort NbdSendCache = 1 << 10;
    private const ushort NbdSendFastZero = 1 << 11;
    private const ushort NbdFlagFua = 1 << 0;
    private const ushort NbdFlagNoHole = 1 << 1;
    private const ushort NbdFlagFastZero = 1 << 4;
    private const ushort NbdRead = 0;
    private const ushort NbdWrite = 1;
    private const ushort NbdFlush = 3;
    private const ushort NbdTrim = 4;
    private const ushort NbdCache = 5;
    private const ushort NbdWriteZeroes = 6;
    private const ushort NbdBlockStatus = 7;
    private const int NbdInvalid = 22;

    // virtio-blk: feature bits, request types and the bit beside them, a segment's flag, a status.
    private const uint VirtioFeatureBarrier = 1u << 0;
    private const uint VirtioFeatureFlush = 1u << 9;
    private const uint VirtioFeatureConfigWce = 1u << 11;
    private const uint VirtioFeatureDiscard = 1u << 13;
    private const uint VirtioFeatureWriteZeroes = 1u << 14;
    private const uint VirtioIn = 0;
    private const uint VirtioOut = 1;
    private const uint VirtioFlush = 4;
    private const uint VirtioFlushOut = 5;
    private const uint VirtioDiscard = 11;
    private const uint VirtioWriteZeroes = 13;
    private const uint VirtioBarrier = 0x80000000;
    private const uint VirtioUnmap = 1;
    private const int VirtioUnsupported = 2;

    // blkif: operations, statuses.
    private const byte BlkifRead = 0;
    private const byte BlkifWrite = 1;
    private const byte BlkifWriteBarrier = 2;
    private const byte BlkifFlushDiskcache = 3;
    private const byte BlkifDiscard = 5;
    private const byte BlkifIndirect = 6;
    private const int BlkifError = -1;
    private const int BlkifNotSupported = -2;

    /// <summary>NBD's transmission flags, of a disk that may be written, that are about its requests.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <returns>
    /// The flags. CAN_MULTI_CONN always: all connections to a disk reach one scheduler, whose flush covers what was replied
    /// on any of them (F2).
    /// </returns>
    public static ushort NbdFlags(RingOrder order)
    {
        const ushort Always = NbdSendTrim | NbdSendWriteZeroes | NbdSendFastZero | NbdSendCache | NbdCanMultiConn;
        return order == RingOrder.None ? Always : (ushort)(Always | NbdSendFlush | NbdSendFua);
    }

    /// <summary>An NBD request.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <param name="command">Its type.</param>
    /// <param name="flags">Its command flags; those that mean nothing with the command are ignored.</param>
    /// <returns>What it is to the scheduler.</returns>
    public static MappedRequest Nbd(RingOrder order, ushort command, ushort flags)
    {
        RingFlags fua = Durable(order == RingOrder.None || (flags & NbdFlagFua) != 0);
        return command switch
        {
            NbdRead => new(RingOp.Read),
            NbdWrite => new(RingOp.Write, fua),
            NbdFlush => new(RingOp.Flush),
            NbdTrim => new(RingOp.Discard, fua),
            NbdCache => new(RingOp.Prefetch),
            NbdWriteZeroes => new(RingOp.Zero, fua | HowToZero(flags)),
            NbdBlockStatus => new(RingOp.Status),
            _ => Refused(NbdInvalid),
        };
    }

    /// <summary>The feature bits, of the first 32, that a virtio-blk device offers for the sake of its requests.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <returns>
    /// The bits. VIRTIO_BLK_F_BARRIER (bit 0) belongs to the legacy interface: it is not for a driver that takes
    /// VIRTIO_F_VERSION_1.
    /// </returns>
    public static uint VirtioBlkFeatures(RingOrder order)
    {
        const uint Always = VirtioFeatureDiscard | VirtioFeatureWriteZeroes;
        const uint Cache = VirtioFeatureFlush | VirtioFeatureConfigWce;
        return order switch
        {
            RingOrder.None => Always,
            RingOrder.FlushFua => Always | Cache,
            _ => Always | Cache | VirtioFeatureBarrier,
        };
    }

    /// <summary>A virtio-blk request.</summary>
    /// <param name="features">What the driver took of <see cref="VirtioBlkFeatures"/>.</param>
    /// <param name="writeback">Whether the field of that name in the device's configuration is 1; means something only
    /// where VIRTIO_BLK_F_CONFIG_WCE was taken.</param>
    /// <param name="type">The request's type, with the barrier bit. VIRTIO_BLK_T_GET_ID is none of the scheduler's.</param>
    /// <param name="segmentFlags">With discard and write-zeroes the flags of the segment, one request for each; 0 with
    /// others.</param>
    /// <returns>What it is to the scheduler.</returns>
    public static MappedRequest VirtioBlk(uint features, bool writeback, uint type, uint segmentFlags)
    {
        bool through = (features & VirtioFeatureFlush) == 0 || ((features & VirtioFeatureConfigWce) != 0 && !writeback);
        RingFlags fua = Durable(through);
        bool barriers = (features & VirtioFeatureBarrier) != 0;
        return type switch
        {
            VirtioIn => new(RingOp.Read),
            VirtioOut => new(RingOp.Write, fua),
            VirtioOut | VirtioBarrier when barriers => new(RingOp.BarrierWrite),
            VirtioFlush or VirtioFlushOut => new(RingOp.Flush),
            VirtioFlush | VirtioBarrier or VirtioFlushOut | VirtioBarrier when barriers => new(RingOp.EmptyBarrier),
            VirtioDiscard when segmentFlags == 0 => new(RingOp.Discard, fua),
            VirtioWriteZeroes when segmentFlags == VirtioUnmap => new(RingOp.Zero, fua),
            VirtioWriteZeroes when segmentFlags == 0 => new(RingOp.Zero, fua | RingFlags.NoHole),
            _ => Refused(VirtioUnsupported),
        };
    }

    /// <summary>Whether a ring of a disk may carry barriers, where its protocol has them.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <returns>Whether it may.</returns>
    public static bool TakesBarriers(RingOrder order) => order is not (RingOrder.None or RingOrder.FlushFua);

    /// <summary>The xenstore nodes, beside those of the disk's shape, that a blkif backend writes.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <param name="indirectSegmentsMax">Most segments of an indirect request that the front end takes.</param>
    /// <returns>Names and values.</returns>
    public static IReadOnlyList<(string Node, int Value)> BlkifNodes(RingOrder order, int indirectSegmentsMax) =>
    [
        ("feature-barrier", TakesBarriers(order) ? 1 : 0),
        ("feature-flush-cache", order == RingOrder.FlushFua ? 1 : 0),
        ("feature-discard", 1),
        ("feature-max-indirect-segments", TakesBarriers(order) ? 0 : indirectSegmentsMax),
    ];

    /// <summary>A blkif request.</summary>
    /// <param name="order">The disk's mode.</param>
    /// <param name="operation">Its operation.</param>
    /// <param name="indirect">With BLKIF_OP_INDIRECT the operation that it carries; ignored with others.</param>
    /// <param name="segments">Number of its segments.</param>
    /// <returns>What it is to the scheduler. A flush and an empty barrier have no range: their sector means nothing.</returns>
    public static MappedRequest Blkif(RingOrder order, byte operation, byte indirect, int segments)
    {
        RingFlags fua = Durable(order == RingOrder.None);
        return operation switch
        {
            BlkifRead => new(RingOp.Read),
            BlkifWrite => new(RingOp.Write, fua),
            BlkifWriteBarrier when TakesBarriers(order) => new(segments == 0 ? RingOp.EmptyBarrier : RingOp.BarrierWrite),
            BlkifFlushDiskcache when segments == 0 => new(RingOp.Flush),
            BlkifFlushDiskcache => new(RingOp.Write, fua, FlushFirst: true),
            BlkifDiscard => new(RingOp.Discard, fua),
            BlkifIndirect when indirect == BlkifRead => new(RingOp.Read),
            BlkifIndirect when indirect == BlkifWrite => new(RingOp.Write, fua),
            BlkifIndirect => Refused(BlkifError),
            _ => Refused(BlkifNotSupported),
        };
    }

    private static RingFlags Durable(bool set) => set ? RingFlags.Fua : RingFlags.None;

    private static RingFlags HowToZero(ushort flags) =>
        ((flags & NbdFlagNoHole) != 0 ? RingFlags.NoHole : RingFlags.None)
        | ((flags & NbdFlagFastZero) != 0 ? RingFlags.FastZero : RingFlags.None);

    private static MappedRequest Refused(int error) => new(default, Error: error);
}
