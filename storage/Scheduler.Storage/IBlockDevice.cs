namespace Scheduler.Storage;

/// <summary>What a device is asked to do.</summary>
public enum DeviceOp : byte
{
    /// <summary>Read <see cref="DeviceRequest.Length"/> bytes into the buffer.</summary>
    Read,

    /// <summary>Write <see cref="DeviceRequest.Length"/> bytes from the buffer.</summary>
    Write,

    /// <summary>Make every write that completed before this was submitted durable (<c>fdatasync</c>). No range.</summary>
    Flush,

    /// <summary>The range is no longer needed (<c>fallocate</c> punching a hole, <c>BLKDISCARD</c>). No buffer.</summary>
    Discard,

    /// <summary>The range reads as zeroes afterwards. No buffer.</summary>
    Zero,

    /// <summary>Bring the range into the host's cache if it has one; complete when it is there. No buffer.</summary>
    Prefetch,

    /// <summary>
    /// Report what of the range is allocated (<c>SEEK_DATA</c>/<c>SEEK_HOLE</c>). The buffer, of
    /// <see cref="AllocationMap.BufferBytes"/> bytes, receives an <see cref="AllocationMap"/>.
    /// </summary>
    Status,
}

/// <summary>Modifiers of a device request.</summary>
[Flags]
public enum DeviceFlags : byte
{
    /// <summary>No modifier.</summary>
    None = 0,

    /// <summary>With <see cref="DeviceOp.Write"/> only: the data is durable when the request completes (<c>RWF_DSYNC</c>).</summary>
    Dsync = 1,

    /// <summary>With <see cref="DeviceOp.Zero"/>: keep the range allocated.</summary>
    NoHole = 2,

    /// <summary>With <see cref="DeviceOp.Zero"/>: fail with <see cref="Errno.EOPNOTSUPP"/> rather than write zeroes as data.</summary>
    FastZero = 4,
}

/// <summary>One request to a device.</summary>
/// <param name="Tag">Chosen by the caller, unique among the requests in flight; comes back in the completion.</param>
/// <param name="Op">What to do.</param>
/// <param name="Flags">Modifiers that fit <paramref name="Op"/>.</param>
/// <param name="Offset">First byte, on the device; a multiple of <see cref="DeviceInfo.BlockSize"/>. 0 for a flush.</param>
/// <param name="Length">Bytes; a positive multiple of <see cref="DeviceInfo.BlockSize"/>. 0 for a flush.</param>
/// <param name="Buffer">Native memory aligned to <see cref="DeviceInfo.BlockSize"/>, of <paramref name="Length"/> bytes for reads and writes; the caller
/// keeps it alive and leaves it alone until the completion.</param>
public readonly record struct DeviceRequest(
    ulong Tag, DeviceOp Op, DeviceFlags Flags, long Offset, long Length, nint Buffer);

/// <summary>The end of one request.</summary>
/// <param name="Tag">The request's tag.</param>
/// <param name="Error">0, or a positive Linux errno (<see cref="Errno"/>). A short transfer never counts as success.</param>
public readonly record struct DeviceCompletion(ulong Tag, int Error);

/// <summary>What is known of an open device.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="BlockSize">Granularity of offsets and lengths: 512 or 4096 (1 where the device takes any byte range).</param>
/// <param name="VolatileCache">Completed writes may be lost until a flush. False only where every completed write is durable.</param>
/// <param name="DurableWrites">Completed <see cref="DeviceOp.Write"/>s are durable (<c>O_DSYNC</c>), though
/// <see cref="DeviceOp.Zero"/> and <see cref="DeviceOp.Discard"/> still need a flush.</param>
/// <param name="SupportsDsync"><see cref="DeviceFlags.Dsync"/> is honoured.</param>
public readonly record struct DeviceInfo(
    long Size, int BlockSize, bool VolatileCache, bool DurableWrites, bool SupportsDsync);

/// <summary>
/// An asynchronous block device: one flush domain (design, section 2). Requests in flight are unordered.
/// </summary>
/// <remarks>
/// One thread, the owner, calls <see cref="Submit"/> and <see cref="Reap"/>. Every submitted request is completed exactly
/// once, also when the device fails; <see cref="IDisposable.Dispose"/> waits for those in flight.
/// </remarks>
public interface IBlockDevice : IDisposable
{
    /// <summary>Size, granularity and durability.</summary>
    DeviceInfo Info { get; }

    /// <summary>
    /// Takes all the requests. Never blocks on the storage and never throws for a storage error. A request may complete
    /// within the call, but is only reported by <see cref="Reap"/>.
    /// </summary>
    /// <param name="requests">Requests; the span is not kept.</param>
    /// <exception cref="ArgumentException">A request is misaligned, out of range, or has a flag that its operation does not
    /// take: a defect of the caller, not of the storage. Nothing was submitted.</exception>
    void Submit(ReadOnlySpan<DeviceRequest> requests);

    /// <summary>Moves completions that are ready into <paramref name="completions"/>. Does not block.</summary>
    /// <param name="completions">Room for completions.</param>
    /// <returns>How many were written; fewer than the room means that none is left now.</returns>
    int Reap(Span<DeviceCompletion> completions);

    /// <summary>
    /// Called, from any thread, when a completion became ready while none was; the owner then calls <see cref="Reap"/> until
    /// it returns less than its room. May be called spuriously. Set once, before the first <see cref="Submit"/>.
    /// Not called for a request that completed within <see cref="Submit"/>: the owner reaps after each submission.
    /// </summary>
    Action CompletionsReady { set; }
}
