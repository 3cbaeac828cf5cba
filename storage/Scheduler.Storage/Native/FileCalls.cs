using System.Runtime.InteropServices;

namespace Scheduler.Storage.Native;

/// <summary>
/// File calls that finish what they began: repeated after a signal (EINTR), resumed after a short transfer. They answer 0 or
/// a positive errno.
/// </summary>
internal static unsafe class FileCalls
{
    // Linux moves at most 0x7ffff000 bytes in one call (MAX_RW_COUNT); asking for no more keeps the block alignment.
    private const long TransferBytesMax = 0x7fff_f000;

    /// <summary>Reads the whole range.</summary>
    /// <returns>0 or errno; EIO where the file ends early.</returns>
    public static int Read(int fd, nint buffer, long length, long offset)
    {
        long done = 0;
        while (done < length)
        {
            nint moved = ReadOnce(fd, buffer + (nint)done, length - done, offset + done, 0);
            if (moved < 0)
                return (int)-moved;
            if (moved == 0)
                return Errno.EIO;
            done += moved;
        }

        return 0;
    }

    /// <summary>Writes the whole range.</summary>
    /// <param name="fd">File.</param>
    /// <param name="buffer">Data.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="offset">First byte in the file.</param>
    /// <param name="flags">0 or <see cref="LibC.RwfDsync"/>.</param>
    /// <returns>0 or errno.</returns>
    public static int Write(int fd, nint buffer, long length, long offset, int flags)
    {
        long done = 0;
        while (done < length)
        {
            nint moved = WriteOnce(fd, buffer + (nint)done, length - done, offset + done, flags);
            if (moved < 0)
                return (int)-moved;
            if (moved == 0)
                return Errno.EIO;
            done += moved;
        }

        return 0;
    }

    /// <summary>One read; short where the kernel makes it short.</summary>
    /// <returns>Bytes, or -errno.</returns>
    public static nint ReadOnce(int fd, nint buffer, long length, long offset, int flags)
    {
        LibC.IoVector vector = new() { Base = (void*)buffer, Length = (nuint)Math.Min(length, TransferBytesMax) };
        while (true)
        {
            nint moved = LibC.PReadV2(fd, &vector, 1, offset, flags);
            if (moved >= 0)
                return moved;
            if (LibC.LastError != Errno.EINTR)
                return -LibC.LastError;
        }
    }

    /// <summary>One write; short where the kernel makes it short.</summary>
    /// <returns>Bytes, or -errno.</returns>
    public static nint WriteOnce(int fd, nint buffer, long length, long offset, int flags)
    {
        LibC.IoVector vector = new() { Base = (void*)buffer, Length = (nuint)Math.Min(length, TransferBytesMax) };
        while (true)
        {
            nint moved = LibC.PWriteV2(fd, &vector, 1, offset, flags);
            if (moved >= 0)
                return moved;
            if (LibC.LastError != Errno.EINTR)
                return -LibC.LastError;
        }
    }

    /// <summary>
    /// <c>fdatasync</c>, once. Any failure is final (F6): the kernel reports a write-back error once and may have dropped the
    /// pages. Only EINTR is repeated, which says that the wait was cut short, not that anything failed.
    /// </summary>
    /// <returns>0 or errno.</returns>
    public static int DataSync(int fd)
    {
        while (LibC.FDataSync(fd) != 0)
        {
            if (LibC.LastError != Errno.EINTR)
                return LibC.LastError;
        }

        return 0;
    }

    /// <summary><c>fsync</c>, under the rule of <see cref="DataSync"/>.</summary>
    /// <returns>0 or errno.</returns>
    public static int Sync(int fd)
    {
        while (LibC.FSync(fd) != 0)
        {
            if (LibC.LastError != Errno.EINTR)
                return LibC.LastError;
        }

        return 0;
    }

    /// <summary><c>fallocate</c>; every mode used here may be repeated.</summary>
    /// <returns>0 or errno.</returns>
    public static int Allocate(int fd, int mode, long offset, long length)
    {
        while (LibC.FAllocate(fd, mode, offset, length) != 0)
        {
            if (LibC.LastError != Errno.EINTR)
                return LibC.LastError;
        }

        return 0;
    }

    /// <summary>A block device's ioctl on a range of bytes.</summary>
    /// <returns>0 or errno.</returns>
    public static int BlockRange(int fd, nuint request, long offset, long length)
    {
        ulong* range = stackalloc ulong[2];
        range[0] = (ulong)offset;
        range[1] = (ulong)length;
        while (LibC.IoControl(fd, request, range) != 0)
        {
            if (LibC.LastError != Errno.EINTR)
                return LibC.LastError;
        }

        return 0;
    }

    /// <summary>Opens a file; close-on-exec always.</summary>
    /// <returns>A descriptor, or -errno.</returns>
    public static int Open(string path, int flags, uint mode = 0)
    {
        while (true)
        {
            int fd = LibC.Open(path, flags | LibC.CloseOnExec, mode);
            if (fd >= 0)
                return fd;
            if (LibC.LastError != Errno.EINTR)
                return -LibC.LastError;
        }
    }

    /// <summary>Makes a directory's entries durable: a file that was created, renamed or removed in it.</summary>
    /// <returns>0 or errno.</returns>
    public static int SyncDirectory(string directory)
    {
        int fd = Open(directory, LibC.ReadOnly | LibC.Directory);
        if (fd < 0)
            return -fd;
        int error = Sync(fd);
        _ = LibC.Close(fd);
        return error;
    }

    /// <summary>Text of an errno, for messages.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);
}
