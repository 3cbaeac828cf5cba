namespace Scheduler.Core;

/// <summary>What a guest asks for (design, section 2). Values are stable: they are shown in metrics and traces.</summary>
public enum RequestOp : byte
{
    /// <summary>Read bytes.</summary>
    Read = 0,

    /// <summary>Write bytes.</summary>
    Write = 1,

    /// <summary>Make durable what was replied to before, on the whole disk (F2).</summary>
    Flush = 2,

    /// <summary>A write that orders its stream and is durable when answered (O2).</summary>
    BarrierWrite = 3,

    /// <summary>A barrier without data: a flush that orders its stream (F4, O2).</summary>
    EmptyBarrier = 4,

    /// <summary>The range is no longer needed.</summary>
    Discard = 5,

    /// <summary>The range reads as zeroes afterwards.</summary>
    Zero = 6,

    /// <summary>Bring the range into the host's cache. Ordered and charged as a read.</summary>
    Prefetch = 7,

    /// <summary>Report what of the range's beginning is allocated. Ordered and charged as a read.</summary>
    Status = 8,
}

/// <summary>Modifiers of a request.</summary>
[Flags]
public enum RequestFlags : byte
{
    /// <summary>No modifier.</summary>
    None = 0,

    /// <summary>Answered only when the request's own data is durable (F5). With write, zero and discard.</summary>
    Fua = 1,

    /// <summary>With zero: keep the range allocated.</summary>
    NoHole = 2,

    /// <summary>With zero: fail rather than write zeroes as data.</summary>
    FastZero = 4,
}

/// <summary>How a stream's barriers are carried out: the names of Linux's <c>QUEUE_ORDERED_*</c>
/// (<c>Documentation/block/barriers.txt</c> before 2.6.37), and <see cref="FlushFua"/>.</summary>
public enum OrderedMode : byte
{
    /// <summary>Barriers are refused, empty ones too.</summary>
    None = 0,

    /// <summary>The guest waits before and after a barrier.</summary>
    Drain = 1,

    /// <summary>As <see cref="Drain"/>, with a flush before and after.</summary>
    DrainFlush = 2,

    /// <summary>As <see cref="Drain"/>, with a flush before and a forced-unit-access write.</summary>
    DrainFua = 3,

    /// <summary>Barriers stream past; the scheduler holds what follows.</summary>
    Tag = 4,

    /// <summary>As <see cref="Tag"/>, with a flush before and after.</summary>
    TagFlush = 5,

    /// <summary>As <see cref="Tag"/>, with a flush before and a forced-unit-access write.</summary>
    TagFua = 6,

    /// <summary>No order, only flush and FUA: NBD, virtio-blk, modern blkif.</summary>
    FlushFua = 7,
}

/// <summary>What the classes of requests are, in one place.</summary>
public static class RequestOps
{
    /// <summary>Number of operations.</summary>
    public const int Count = 9;

    /// <summary>Whether it changes data: what rules F and O mean by *write*.</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for write, barrier write, discard and zero.</returns>
    public static bool IsWrite(this RequestOp op) =>
        op is RequestOp.Write or RequestOp.BarrierWrite or RequestOp.Discard or RequestOp.Zero;

    /// <summary>Whether it only looks at data, and so may pass a barrier (O3).</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for read, prefetch and status.</returns>
    public static bool IsRead(this RequestOp op) =>
        op is RequestOp.Read or RequestOp.Prefetch or RequestOp.Status;

    /// <summary>Whether it orders its stream (O2).</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for barrier write and empty barrier.</returns>
    public static bool IsBarrier(this RequestOp op) => op is RequestOp.BarrierWrite or RequestOp.EmptyBarrier;

    /// <summary>Whether it moves its bytes to or from the device, so that its device time grows with them (Q1).</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for read, prefetch, write and barrier write.</returns>
    public static bool MovesData(this RequestOp op) =>
        op is RequestOp.Read or RequestOp.Prefetch or RequestOp.Write or RequestOp.BarrierWrite;

    /// <summary>Most bytes of a piece of it: what goes to the device at once (Q2). Without data, device time does not grow with
    /// the bytes as data's does, and a status only looks at the beginning.</summary>
    /// <param name="op">An operation with a range.</param>
    /// <returns>256 KiB with data, 8 MiB without, and no bound for status.</returns>
    public static long PieceBytesMax(this RequestOp op) =>
        op.MovesData() ? 256 << 10 : op == RequestOp.Status ? long.MaxValue : 8 << 20;

    /// <summary>Whether it writes bytes of its own, which a durable write or a device in <c>O_DSYNC</c> mode makes durable.</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for write and barrier write.</returns>
    public static bool WritesData(this RequestOp op) => op is RequestOp.Write or RequestOp.BarrierWrite;

    /// <summary>Whether it asks for a flush by itself, rather than by a flag.</summary>
    /// <param name="op">An operation.</param>
    /// <returns>True for flush, barrier write and empty barrier.</returns>
    public static bool IsFlushPoint(this RequestOp op) => op == RequestOp.Flush || op.IsBarrier();

    /// <summary>Whether it has a range.</summary>
    /// <param name="op">An operation.</param>
    /// <returns>False for flush and empty barrier.</returns>
    public static bool HasRange(this RequestOp op) => op is not (RequestOp.Flush or RequestOp.EmptyBarrier);
}

/// <summary>Error numbers that the core itself answers with (Linux values); a device's own pass through.</summary>
public static class CoreError
{
    /// <summary>A sync failed, the domain is fenced, or an ordered predecessor failed (F6, O6).</summary>
    public const int Io = 5;

    /// <summary>The device wrote nothing because it is full: a write error even when a sync was asked for.</summary>
    public const int NoSpace = 28;

    /// <summary>The mode that would be needed was not negotiated (O5).</summary>
    public const int NotSupported = 95;

    /// <summary>The volume is stopping, or the ring was disconnected.</summary>
    public const int Shutdown = 108;

    /// <summary>The ring went away before the request reached the device.</summary>
    public const int Canceled = 125;
}
