namespace Scheduler.Nbd.Protocol;

/// <summary>Translates the host's error numbers into the few that the protocol knows.</summary>
public static class NbdErrors
{
    // Linux numbers (include/uapi/asm-generic/errno*.h) that have no number of their own in the protocol.
    private const int AccessDenied = 13;
    private const int FileTooBig = 27;
    private const int ReadOnlyFileSystem = 30;
    private const int QuotaExceeded = 122;

    /// <summary>The protocol's error for one of Linux, in answer to a request.</summary>
    /// <param name="errno">0, or a Linux errno; positive.</param>
    /// <param name="command">The request's command.</param>
    /// <param name="flags">The request's flags.</param>
    /// <returns>
    /// The number of the same name where the protocol has one; <see cref="NbdError.ENOSPC"/> also for EDQUOT and
    /// EFBIG, and <see cref="NbdError.EPERM"/> for EACCES and EROFS. ENOTSUP goes out only to a fast zero and
    /// EOVERFLOW only to a read, as the specification asks: to others they are <see cref="NbdError.EINVAL"/>. All else
    /// is <see cref="NbdError.EIO"/>.
    /// </returns>
    public static NbdError FromErrno(int errno, NbdCommand command, NbdCommandFlags flags)
    {
        return errno switch
        {
            0 => NbdError.None,
            (int)NbdError.EPERM or AccessDenied or ReadOnlyFileSystem => NbdError.EPERM,
            (int)NbdError.ENOMEM => NbdError.ENOMEM,
            (int)NbdError.EINVAL => NbdError.EINVAL,
            (int)NbdError.ENOSPC or FileTooBig or QuotaExceeded => NbdError.ENOSPC,
            (int)NbdError.EOVERFLOW => command == NbdCommand.Read ? NbdError.EOVERFLOW : NbdError.EINVAL,
            (int)NbdError.ENOTSUP =>
                command == NbdCommand.WriteZeroes && (flags & NbdCommandFlags.FastZero) != 0
                    ? NbdError.ENOTSUP
                    : NbdError.EINVAL,
            (int)NbdError.ESHUTDOWN => NbdError.ESHUTDOWN,
            _ => NbdError.EIO,
        };
    }
}
