namespace Scheduler.Actors;

/// <summary>What a guest asks for, in a front end's terms. The same numbers as the core's operations; a test pins that.</summary>
public enum RingOp : byte
{
    /// <summary>Read bytes into the buffer.</summary>
    Read = 0,

    /// <summary>Write the buffer's bytes.</summary>
    Write = 1,

    /// <summary>Make durable what was answered before, on the whole disk.</summary>
    Flush = 2,

    /// <summary>A write that orders its stream and is durable when answered.</summary>
    BarrierWrite = 3,

    /// <summary>A flush that orders its stream.</summary>
    EmptyBarrier = 4,

    /// <summary>The range is no longer needed.</summary>
    Discard = 5,

    /// <summary>The range reads as zeroes afterwards.</summary>
    Zero = 6,

    /// <summary>Bring the range into the host's cache.</summary>
    Prefetch = 7,

    /// <summary>Report what is allocated; the buffer receives a <see cref="Storage.AllocationMap"/> of the range's beginning.</summary>
    Status = 8,
}

/// <summary>Modifiers of a request; the same numbers as the core's.</summary>
[Flags]
public enum RingFlags : byte
{
    /// <summary>No modifier.</summary>
    None = 0,

    /// <summary>Answered only when the request's own data is durable.</summary>
    Fua = 1,

    /// <summary>With zero: keep the range allocated.</summary>
    NoHole = 2,

    /// <summary>With zero: fail rather than write zeroes as data.</summary>
    FastZero = 4,
}

/// <summary>A request's descriptor: what travels instead of its data.</summary>
/// <param name="Slot">A free slot of the ring: 0 to its credits - 1. Free again with the reply.</param>
/// <param name="Op">What to do.</param>
/// <param name="Flags">Modifiers.</param>
/// <param name="Stream">Stream; 0 where the ring has one.</param>
/// <param name="Offset">First byte on the disk.</param>
/// <param name="Length">Bytes; 0 for a flush.</param>
/// <param name="Buffer">Native memory, aligned to 4096, that stays where it is until the reply; 0 where no data moves.</param>
public readonly record struct RingRequest(
    int Slot, RingOp Op, RingFlags Flags, byte Stream, long Offset, long Length, nint Buffer);

/// <summary>The answer to a request.</summary>
/// <param name="Slot">Its slot, free now.</param>
/// <param name="Error">0 or a positive Linux errno.</param>
public readonly record struct RingReply(int Slot, int Error);
