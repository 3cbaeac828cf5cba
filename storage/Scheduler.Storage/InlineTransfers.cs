using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>
/// Transfers to and from the page cache that need not wait, on the caller's thread (<c>RWF_NOWAIT</c>). For one thread.
/// </summary>
/// <param name="volume">The open file.</param>
internal sealed class InlineTransfers(FileVolume volume)
{
    /// <summary>Copying more than that would hold up the caller as a wait would: about 50 us.</summary>
    public const long BytesMax = 256 * 1024;

    // Whether the file takes RWF_NOWAIT, until it says that it does not. ext4 never does for buffered writes, tmpfs for
    // nothing.
    private bool _readsNoWait = volume.Cache != CacheMode.Direct;
    private bool _writesNoWait = volume.Cache == CacheMode.Buffered;

    /// <summary>Carries the request out if that needs no wait.</summary>
    /// <returns>Whether it is complete. Only a complete success counts: after anything else the whole request is to be done
    /// in another way, which has the last word.</returns>
    public bool TryComplete(in DeviceRequest request)
    {
        if (request.Length > BytesMax)
            return false;
        switch (request.Op)
        {
            case DeviceOp.Read when _readsNoWait:
                nint read = FileCalls.ReadOnce(
                    volume.Descriptor, request.Buffer, request.Length, request.Offset, LibC.RwfNoWait);
                _readsNoWait = !NotKnown(read);
                return read == request.Length;
            case DeviceOp.Write when _writesNoWait && request.Flags == DeviceFlags.None:
                nint written = FileCalls.WriteOnce(
                    volume.Descriptor, request.Buffer, request.Length, request.Offset, LibC.RwfNoWait);
                _writesNoWait = !NotKnown(written);
                return written == request.Length;
            default:
                return false;
        }
    }

    private static bool NotKnown(nint result) => result is -Errno.EOPNOTSUPP or -LibC.ENOSYS;
}
