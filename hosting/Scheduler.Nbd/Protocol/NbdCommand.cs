namespace Scheduler.Nbd.Protocol;

/// <summary>What a request asks for (section "Request types").</summary>
public enum NbdCommand : ushort
{
    /// <summary>Read bytes.</summary>
    Read = 0,

    /// <summary>Write the bytes that follow the header.</summary>
    Write = 1,

    /// <summary>End the connection once everything in flight is answered; has no reply.</summary>
    Disconnect = 2,

    /// <summary>Make durable what was replied to before.</summary>
    Flush = 3,

    /// <summary>The range is no longer needed.</summary>
    Trim = 4,

    /// <summary>The range will be read soon.</summary>
    Cache = 5,

    /// <summary>The range reads as zeroes afterwards.</summary>
    WriteZeroes = 6,

    /// <summary>Report what of the range is allocated.</summary>
    BlockStatus = 7,
}
