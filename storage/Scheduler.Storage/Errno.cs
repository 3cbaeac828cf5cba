namespace Scheduler.Storage;

/// <summary>The Linux error numbers that the service uses (<c>include/uapi/asm-generic/errno*.h</c>).</summary>
public static class Errno
{
    /// <summary>Operation not permitted.</summary>
    public const int EPERM = 1;

    /// <summary>Interrupted system call.</summary>
    public const int EINTR = 4;

    /// <summary>Input/output error.</summary>
    public const int EIO = 5;

    /// <summary>Try again: the call would block.</summary>
    public const int EAGAIN = 11;

    /// <summary>Out of memory.</summary>
    public const int ENOMEM = 12;

    /// <summary>Device or resource busy.</summary>
    public const int EBUSY = 16;

    /// <summary>Invalid argument.</summary>
    public const int EINVAL = 22;

    /// <summary>No space left on the device.</summary>
    public const int ENOSPC = 28;

    /// <summary>Of a disk: a reservation keeps this host out (<c>BLK_STS_RESV_CONFLICT</c> in block/blk-core.c).</summary>
    public const int EBADE = 52;

    /// <summary>Value too large.</summary>
    public const int EOVERFLOW = 75;

    /// <summary>Operation not supported.</summary>
    public const int EOPNOTSUPP = 95;

    /// <summary>The other side has shut down.</summary>
    public const int ESHUTDOWN = 108;

    /// <summary>Operation cancelled.</summary>
    public const int ECANCELED = 125;
}
