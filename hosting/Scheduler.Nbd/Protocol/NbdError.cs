namespace Scheduler.Nbd.Protocol;

/// <summary>
/// The error numbers that may stand in a reply (section "Error values"), whatever the server runs on.
/// </summary>
public enum NbdError : uint
{
    /// <summary>Success.</summary>
    None = 0,

    /// <summary>Operation not permitted: a write to a read-only export.</summary>
    EPERM = 1,

    /// <summary>Input/output error.</summary>
    EIO = 5,

    /// <summary>Out of memory.</summary>
    ENOMEM = 12,

    /// <summary>Invalid request.</summary>
    EINVAL = 22,

    /// <summary>No space left, or a write beyond the end.</summary>
    ENOSPC = 28,

    /// <summary>A read too long for one reply.</summary>
    EOVERFLOW = 75,

    /// <summary>A fast zero that would not be fast.</summary>
    ENOTSUP = 95,

    /// <summary>The server is stopping.</summary>
    ESHUTDOWN = 108,
}
