using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>
/// An open file or block device, locked for this process (S5), with its size and granularity. How requests reach it is the
/// matter of a device that is given the volume.
/// </summary>
/// <remarks>
/// The lock is an open-file-description write lock on the whole file (<c>fcntl(2)</c>), the kind that QEMU takes on images: it
/// goes when the descriptor is closed, whoever dies how. A block device is also opened with <c>O_EXCL</c>, which keeps
/// mounts and device mapper out, and is kept out by them. What a process that was killed had in flight through io_uring holds
/// the file a moment longer, so a lock is waited for that long.
/// </remarks>
public sealed class FileVolume : IDisposable
{
    private const int SizeGranularity = 4096;
    private const int BlockSizeMin = 512;
    private const int BlockSizeMax = 4096;
    private const uint CreateMode = 0x180; // 0600
    private const int LockTries = 50;
    private const int LockTryMilliseconds = 10;

    private bool _closed;

    private FileVolume(string path, CacheMode cache, int descriptor)
    {
        Path = path;
        Cache = cache;
        Descriptor = descriptor;
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Bytes to use, from the first: a multiple of <see cref="BlockSize"/>.</summary>
    public long Size { get; private set; }

    /// <summary>
    /// 512 or 4096. With direct I/O what the device demands; through the page cache a device's logical block, and 512 for a
    /// file.
    /// </summary>
    public int BlockSize { get; private set; }

    /// <summary>Use of the page cache.</summary>
    public CacheMode Cache { get; }

    /// <summary>A block device, not a file.</summary>
    public bool IsBlockDevice { get; private set; }

    /// <summary>
    /// The open file, until <see cref="Dispose"/>. It has <c>O_DIRECT</c> with <see cref="CacheMode.Direct"/>, but never
    /// <c>O_DSYNC</c>: with <see cref="CacheMode.Dsync"/> each write carries <c>RWF_DSYNC</c>, which is the same to the kernel
    /// (<c>iocb_is_dsync</c>) and leaves the choice to each write.
    /// </summary>
    public int Descriptor { get; }

    /// <summary>What a device on this volume reports, if it offers <see cref="DeviceFlags.Dsync"/>.</summary>
    public DeviceInfo Info => new(
        Size, BlockSize, VolatileCache: true, DurableWrites: Cache == CacheMode.Dsync, SupportsDsync: true);

    /// <summary>Opens the volume, creating its file if need be, and locks it.</summary>
    /// <param name="options">Path, size, preallocation and cache mode.</param>
    /// <returns>The volume.</returns>
    /// <exception cref="VolumeOpenException">It cannot be opened as asked; nothing is left behind.</exception>
    public static FileVolume Open(VolumeOptions options)
    {
        if (string.IsNullOrEmpty(options.Path))
            throw new VolumeOpenException("(none)", "the path is empty", "name a file or a block device");
        string path = System.IO.Path.GetFullPath(options.Path);
        if (options.Size < 0 || options.Size % SizeGranularity != 0)
        {
            throw new VolumeOpenException(
                path, $"size {options.Size} is not a multiple of {SizeGranularity}", "give a multiple, or 0 for what there is");
        }

        int fd = OpenDescriptor(path, options.Size, out bool created);
        FileVolume volume = new(path, options.Cache, fd);
        bool locked = false;
        try
        {
            volume.LockWhole();
            locked = true;
            volume.Prepare(options);
            return volume;
        }
        catch
        {
            // Only under the lock is the new file surely nobody else's.
            if (created && locked)
                _ = LibC.Unlink(path);
            volume.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file, which releases the lock. No request may be in flight.</summary>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        _ = LibC.Close(Descriptor);
    }

    private static int OpenDescriptor(string path, long size, out bool created)
    {
        created = false;
        int error = FileStatus.Get(path, out FileStatus status);
        if (error == LibC.ENOENT)
        {
            if (size == 0)
                throw new VolumeOpenException(path, "it does not exist", "give a size to create it with", error);
            int fresh = FileCalls.Open(path, LibC.ReadWrite | LibC.Create | LibC.Exclusive, CreateMode);
            created = fresh >= 0;
            if (created)
                return fresh;
            if (fresh != -LibC.EEXIST)
                throw CannotOpen(path, "create", -fresh);
        }
        else if (error != 0)
        {
            throw CannotOpen(path, "look at", error);
        }
        else if (!status.IsFile && !status.IsBlockDevice)
        {
            throw new VolumeOpenException(path, "it is neither a file nor a block device", "name one of these");
        }

        int fd = FileCalls.Open(path, LibC.ReadWrite | (status.IsBlockDevice ? LibC.Exclusive : 0));
        for (int i = 0; i < LockTries && fd == -Errno.EBUSY; i++)
        {
            Thread.Sleep(LockTryMilliseconds);
            fd = FileCalls.Open(path, LibC.ReadWrite | LibC.Exclusive);
        }

        if (fd == -Errno.EBUSY)
            throw InUse(path, -fd);
        return fd >= 0 ? fd : throw CannotOpen(path, "open", -fd);
    }

    private static VolumeOpenException CannotOpen(string path, string verb, int error) =>
        new(path, $"cannot {verb} it: {FileCalls.Describe(error)}", "check the path and its permissions", error);

    private static VolumeOpenException InUse(string path, int error) =>
        new(path, "it is in use by another process or mounted", "stop that user, or name another volume", error);

    private unsafe void LockWhole()
    {
        LibC.FileLock whole = new() { Type = LibC.FileLock.Write };
        int error = 0;
        for (int i = 0; i <= LockTries; i++)
        {
            if (LibC.FControl(Descriptor, LibC.SetOpenFileLock, &whole) == 0)
                return;
            error = LibC.LastError;
            if (error is not (Errno.EAGAIN or LibC.EACCES))
                break;
            Thread.Sleep(LockTryMilliseconds);
        }

        throw error is Errno.EAGAIN or LibC.EACCES
            ? InUse(Path, error)
            : new VolumeOpenException(
                Path, $"cannot lock it: {FileCalls.Describe(error)}", "use a file system that has locks", error);
    }

    private void Prepare(VolumeOptions options)
    {
        FileStatus status = Status();
        IsBlockDevice = status.IsBlockDevice;
        long size = IsBlockDevice ? DeviceSize() : status.Size;

        // An empty file is one whose creation was cut short: it holds nothing that growing it could harm.
        if (status.IsFile && size == 0 && options.Size > 0)
        {
            Create(options);
            size = options.Size;
        }

        if (size < options.Size)
        {
            throw new VolumeOpenException(
                Path, $"it has {size} bytes, below the size of {options.Size}", "enlarge it, or give a smaller size or 0");
        }

        BlockSize = IsBlockDevice ? DeviceBlockSize() : BlockSizeMin;
        if (Cache == CacheMode.Direct)
            UseDirect();
        if (BlockSize is not (BlockSizeMin or BlockSizeMax))
        {
            throw new VolumeOpenException(
                Path, $"its blocks of {BlockSize} bytes are neither 512 nor 4096", "use another device, or cache = buffered");
        }

        Size = options.Size > 0 ? options.Size : size - (size % BlockSize);
        if (Size == 0)
            throw new VolumeOpenException(Path, $"it has {size} bytes, less than a block", "give a size, or enlarge it");
    }

    private FileStatus Status()
    {
        int error = FileStatus.Get(Descriptor, out FileStatus status);
        return error == 0 ? status : throw CannotOpen(Path, "look at", error);
    }

    private void Create(VolumeOptions options)
    {
        if (options.Preallocate)
        {
            int error = FileCalls.Allocate(Descriptor, 0, 0, options.Size);
            if (error != 0)
            {
                // What was allocated before it failed would otherwise pass for a volume that is too short.
                _ = LibC.FTruncate(Descriptor, 0);
                throw new VolumeOpenException(
                    Path,
                    $"cannot allocate {options.Size} bytes: {FileCalls.Describe(error)}",
                    error == Errno.EOPNOTSUPP ? "turn preallocation off" : "free space, or give a smaller size",
                    error);
            }
        }
        else if (LibC.FTruncate(Descriptor, options.Size) != 0)
        {
            int error = LibC.LastError;
            throw new VolumeOpenException(
                Path, $"cannot make it {options.Size} bytes large: {FileCalls.Describe(error)}", "give a smaller size", error);
        }

        int sync = FileCalls.Sync(Descriptor);
        if (sync == 0)
            sync = FileCalls.SyncDirectory(System.IO.Path.GetDirectoryName(Path)!);
        if (sync != 0)
        {
            throw new VolumeOpenException(
                Path, $"cannot make the new file durable: {FileCalls.Describe(sync)}", "check the file system", sync);
        }
    }

    private unsafe long DeviceSize()
    {
        ulong size;
        return LibC.IoControl(Descriptor, LibC.BlockDeviceSize, &size) == 0
            ? (long)size
            : throw CannotOpen(Path, "learn the size of", LibC.LastError);
    }

    private unsafe int DeviceBlockSize()
    {
        int size;
        return LibC.IoControl(Descriptor, LibC.BlockSectorSize, &size) == 0
            ? Math.Max(size, BlockSizeMin)
            : throw CannotOpen(Path, "learn the block size of", LibC.LastError);
    }

    private unsafe void UseDirect()
    {
        // Set after opening: an open that creates a file and then finds O_DIRECT unsupported leaves the file behind.
        int flags = LibC.FControl(Descriptor, LibC.GetStatusFlags, null);
        if (flags < 0 || LibC.FControl(Descriptor, LibC.SetStatusFlags, (void*)(nint)(flags | LibC.Direct)) != 0)
            throw NoDirect(LibC.LastError);
        if (IsBlockDevice)
            return;

        FileStatus status = Status();
        if (status.DirectBlock == 0 || status.DirectMemory > BlockSizeMax)
            throw NoDirect(Errno.EINVAL);

        // Where the kernel does not tell, 4096 fits every disk there is.
        BlockSize = Math.Max(status.DirectBlock ?? BlockSizeMax, BlockSizeMin);
    }

    private VolumeOpenException NoDirect(int error) =>
        new(Path, "its file system has no direct I/O", "set cache = buffered or cache = dsync", error);
}
