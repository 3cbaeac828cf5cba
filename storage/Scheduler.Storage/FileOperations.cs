using System.Runtime.InteropServices;
using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>Carries out one request on an open file, blocking. Any thread, any number at once.</summary>
internal sealed unsafe class FileOperations
{
    private const int UnwantedBytes = 256 << 10;

    // Where each worker reads what nobody takes.
    [ThreadStatic]
    private static nint t_unwanted;

    private readonly FileVolume _volume;
    private readonly int _fd;

    // What the file system was found not to know. Several threads may find out at once, which does no harm.
    private volatile bool _punchUnsupported;
    private volatile bool _zeroRangeUnsupported;

    public FileOperations(FileVolume volume)
    {
        _volume = volume;
        _fd = volume.Descriptor;
    }

    /// <summary>Carries out the request.</summary>
    /// <returns>0 or errno.</returns>
    public int Execute(in DeviceRequest request) => request.Op switch
    {
        DeviceOp.Read => FileCalls.Read(_fd, request.Buffer, request.Length, request.Offset),
        DeviceOp.Write => Write(request),
        DeviceOp.Flush => FileCalls.DataSync(_fd),
        DeviceOp.Discard => Discard(request.Offset, request.Length),
        DeviceOp.Zero => Zero(request.Offset, request.Length, request.Flags),
        DeviceOp.Prefetch => Prefetch(request.Offset, request.Length),
        DeviceOp.Status => Status(request),
        _ => Errno.EINVAL,
    };

    // Unsupported is said in many ways: by a file system, a driver, an old kernel, or by a file that is no block device.
    private static bool Unsupported(int error) => error is Errno.EOPNOTSUPP or LibC.ENOSYS or LibC.ENOTTY;

    // One number for "no room": the service's protocols know no quota.
    private static int OneNoSpace(int error) => error == LibC.EDQUOT ? Errno.ENOSPC : error;

    private int Write(in DeviceRequest request)
    {
        bool durable = (request.Flags & DeviceFlags.Dsync) != 0 || _volume.Cache == CacheMode.Dsync;
        int error = FileCalls.Write(
            _fd, request.Buffer, request.Length, request.Offset, durable ? LibC.RwfDsync : 0);
        error = OneNoSpace(error);
        if (!durable || error != Errno.ENOSPC)
            return error;

        // A durable write that says "no space" is ambiguous. Either the write found none, and nothing but this request is the
        // worse for it; or the write went into the cache and the sync failed (delayed allocation, quota, a thin volume below),
        // and the kernel may have dropped dirty pages, of other writes too. The first is a failed write, the second a failed
        // sync, which fences the domain (F6). The same data written without a sync tells them apart: if that finds no space
        // either, the write failed; if it succeeds, the sync did, and the answer is EIO. Nothing is synced again: a second
        // sync could succeed over the pages that the first one lost.
        error = OneNoSpace(FileCalls.Write(_fd, request.Buffer, request.Length, request.Offset, 0));
        return error == Errno.ENOSPC ? Errno.ENOSPC : Errno.EIO;
    }

    private int Discard(long offset, long length)
    {
        // Advice: what cannot be done need not be.
        int error = _volume.IsBlockDevice
            ? FileCalls.BlockRange(_fd, LibC.BlockDiscard, offset, length)
            : Punch(offset, length);
        return Unsupported(error) ? 0 : error;
    }

    private int Punch(long offset, long length)
    {
        if (_punchUnsupported)
            return Errno.EOPNOTSUPP;
        int error = FileCalls.Allocate(_fd, LibC.FallocPunchHole | LibC.FallocKeepSize, offset, length);
        if (Unsupported(error))
            _punchUnsupported = true;
        return error;
    }

    private int Zero(long offset, long length, DeviceFlags flags)
    {
        bool fast = (flags & DeviceFlags.FastZero) != 0;

        // On a block device this is the disk's own "write zeroes", or nothing (blkdev_fallocate: BLKDEV_ZERO_NOFALLBACK).
        int error = (flags & DeviceFlags.NoHole) == 0 ? Punch(offset, length) : Errno.EOPNOTSUPP;
        if (Unsupported(error))
            error = _volume.IsBlockDevice ? ZeroOut(offset, length, fast) : ZeroRange(offset, length);
        if (Unsupported(error))
            error = fast ? Errno.EOPNOTSUPP : WriteZeroes(offset, length);
        return OneNoSpace(error);
    }

    // The kernel writes zeroes as data where the disk cannot do it by itself, and does not say which it will be.
    private int ZeroOut(long offset, long length, bool fast) =>
        fast ? Errno.EOPNOTSUPP : FileCalls.BlockRange(_fd, LibC.BlockZeroOut, offset, length);

    private int ZeroRange(long offset, long length)
    {
        if (_zeroRangeUnsupported)
            return Errno.EOPNOTSUPP;
        int error = FileCalls.Allocate(_fd, LibC.FallocZeroRange | LibC.FallocKeepSize, offset, length);
        if (Unsupported(error))
            _zeroRangeUnsupported = true;
        return error;
    }

    private int WriteZeroes(long offset, long length)
    {
        while (length > 0)
        {
            long part = Math.Min(length, ZeroBlock.Bytes);
            int error = FileCalls.Write(_fd, ZeroBlock.Address, part, offset, 0);
            if (error != 0)
                return error;
            offset += part;
            length -= part;
        }

        return 0;
    }

    // A read whose data nobody takes: complete when the data is there, so that it occupies its place on the device as any
    // read does (posix_fadvise would only queue it). Advice, so never an error; past the page cache there is nothing to fill.
    private int Prefetch(long offset, long length)
    {
        if (_volume.Cache == CacheMode.Direct)
            return 0;
        if (t_unwanted == 0)
            t_unwanted = (nint)NativeMemory.AlignedAlloc(UnwantedBytes, 4096);
        for (long done = 0; done < length; done += UnwantedBytes)
        {
            if (FileCalls.Read(_fd, t_unwanted, Math.Min(UnwantedBytes, length - done), offset + done) != 0)
                break;
        }

        return 0;
    }

    private int Status(in DeviceRequest request)
    {
        AllocationMap.Clear(request.Buffer);
        long position = request.Offset;
        long end = request.Offset + request.Length;

        // A block device's holes are unknown; lseek would call it all data as well.
        if (_volume.IsBlockDevice)
        {
            AllocationMap.TryAdd(request.Buffer, request.Length, hole: false);
            return 0;
        }

        while (position < end)
        {
            long next = Seek(position, end, LibC.SeekData);
            bool hole = next > position;
            if (!hole)
            {
                // Punched between the two calls: call one block data, which is always true enough, and go on.
                next = Seek(position, end, LibC.SeekHole);
                if (next <= position)
                    next = Math.Min(position + _volume.BlockSize, end);
            }

            if (!AllocationMap.TryAdd(request.Buffer, next - position, hole))
                break;
            position = next;
        }

        return 0;
    }

    // The next data or hole at or after a position, no further than the end. Seeking moves the file's position, which nobody
    // uses: every transfer names its own.
    private long Seek(long position, long end, int whence)
    {
        long found = LibC.LSeek(_fd, position, whence);
        if (found >= 0)
            return Math.Min(found, end);

        // ENXIO: no data up to the file's end. Anything else: the file system does not tell; then all is data.
        bool noData = whence == LibC.SeekData && LibC.LastError == LibC.ENXIO;
        return noData || whence == LibC.SeekHole ? end : position;
    }
}
