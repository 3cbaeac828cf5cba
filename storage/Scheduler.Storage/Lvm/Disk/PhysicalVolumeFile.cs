using System.Runtime.InteropServices;
using Scheduler.Storage.Native;

namespace Scheduler.Storage.Lvm.Disk;

/// <summary>
/// What may be a physical volume, opened for reading: a block device or an image file. A block device is read past the page
/// cache, as LVM2 itself does: this machine's cache does not know what another machine wrote.
/// </summary>
internal sealed unsafe class PhysicalVolumeFile : IDisposable
{
    private const int Block = 4096;
    private const int BufferBytes = 1 << 20;
    private const int SeekEnd = 2;

    private readonly int _descriptor;

    private PhysicalVolumeFile(string path, int descriptor)
    {
        Path = path;
        _descriptor = descriptor;
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Bytes.</summary>
    public long Size { get; private set; }

    /// <summary>Device number of a block device; null for a file.</summary>
    public (uint Major, uint Minor)? DeviceNumber { get; private set; }

    /// <exception cref="VolumeOpenException">It cannot be opened.</exception>
    public static PhysicalVolumeFile Open(string path)
    {
        if (string.IsNullOrEmpty(path))
            throw new VolumeOpenException("(none)", "the path of a physical volume is empty", "name a block device or a file");
        path = System.IO.Path.GetFullPath(path);
        int error = FileStatus.Get(path, out FileStatus status);
        if (error != 0)
            throw Failed(path, "look at", error);
        if (!status.IsFile && !status.IsBlockDevice)
            throw new VolumeOpenException(path, "it is neither a file nor a block device", "name one of these");

        int fd = FileCalls.Open(path, LibC.ReadOnly | (status.IsBlockDevice ? LibC.Direct : 0));
        if (fd < 0)
            throw Failed(path, "open", -fd);
        PhysicalVolumeFile file = new(path, fd);
        try
        {
            file.Look();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a range that the caller has checked against <see cref="Size"/>.</summary>
    /// <exception cref="VolumeOpenException">It cannot be read.</exception>
    public void Read(long offset, Span<byte> data)
    {
        if (offset < 0 || data.Length > Size - offset)
            throw new ArgumentOutOfRangeException(nameof(offset));
        void* buffer = NativeMemory.AlignedAlloc(BufferBytes, Block);
        try
        {
            while (!data.IsEmpty)
            {
                long start = offset - (offset % Block);
                int skip = (int)(offset - start);
                int moved = Math.Min(data.Length, BufferBytes - skip);
                long end = Math.Min(Size, (offset + moved + Block - 1) / Block * Block);
                int error = FileCalls.Read(_descriptor, (nint)buffer, end - start, start);
                if (error != 0)
                    throw Failed(Path, "read", error);
                new ReadOnlySpan<byte>((byte*)buffer + skip, moved).CopyTo(data);
                data = data[moved..];
                offset += moved;
            }
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ = LibC.Close(_descriptor);

    private static VolumeOpenException Failed(string path, string verb, int error) =>
        new(path, $"cannot {verb} it: {FileCalls.Describe(error)}", "check the path, its permissions and the device", error);

    private void Look()
    {
        Size = LibC.LSeek(_descriptor, 0, SeekEnd);
        if (Size < 0)
            throw Failed(Path, "learn the size of", LibC.LastError);
        int error = FileStatus.Get(_descriptor, out FileStatus status);
        if (error != 0)
            throw Failed(Path, "look at", error);
        DeviceNumber = status.IsBlockDevice ? status.Device : null;
    }
}
