namespace Scheduler.Nbd.Protocol;

/// <summary>
/// What a chunk of a structured reply carries (section "Structured reply types"). Errors have bit 15 set.
/// </summary>
public enum ReplyChunkType : ushort
{
    /// <summary>Nothing: ends a reply.</summary>
    None = 0,

    /// <summary>An offset and the bytes there.</summary>
    OffsetData = 1,

    /// <summary>A metadata context and its extents.</summary>
    BlockStatus = 5,

    /// <summary>An error of the whole request, with a message.</summary>
    Error = (1 << 15) + 1,
}
