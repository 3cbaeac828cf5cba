namespace Scheduler.Storage.Native;

/// <summary>What <c>statx</c> says of a file.</summary>
/// <param name="IsFile">A regular file.</param>
/// <param name="IsBlockDevice">A block device.</param>
/// <param name="Size">Bytes of a regular file.</param>
/// <param name="DirectBlock">Alignment of offsets in direct I/O; 0: direct I/O does not work; null: not told (before Linux 6.1,
/// and some file systems).</param>
/// <param name="DirectMemory">Alignment of memory in direct I/O, where <paramref name="DirectBlock"/> is told.</param>
/// <param name="Allocated">Bytes of space that a regular file has.</param>
/// <param name="Device">Number of a device.</param>
internal readonly record struct FileStatus(
    bool IsFile, bool IsBlockDevice, long Size, int? DirectBlock, int DirectMemory, long Allocated, (uint Major, uint Minor) Device)
{
    private const int TypeMask = 0xf000;
    private const int TypeFile = 0x8000;
    private const int TypeBlock = 0x6000;
    private const int StatBlockBytes = 512;

    /// <summary>Looks at an open file.</summary>
    /// <returns>0 or errno.</returns>
    public static int Get(int fd, out FileStatus status) => Get(fd, "", LibC.AtEmptyPath, out status);

    /// <summary>Looks at a path, following links.</summary>
    /// <returns>0 or errno.</returns>
    public static int Get(string path, out FileStatus status) => Get(LibC.AtCurrentDirectory, path, 0, out status);

    private static unsafe int Get(int directory, string path, int flags, out FileStatus status)
    {
        LibC.StatXBuffer stat = default;
        const uint Wanted = LibC.StatXBuffer.BasicMask | LibC.StatXBuffer.DirectAlignmentMask;
        while (LibC.StatX(directory, path, flags, Wanted, &stat) != 0)
        {
            if (LibC.LastError == Errno.EINTR)
                continue;
            status = default;
            return LibC.LastError;
        }

        bool told = (stat.Mask & LibC.StatXBuffer.DirectAlignmentMask) != 0;
        status = new FileStatus(
            (stat.Mode & TypeMask) == TypeFile,
            (stat.Mode & TypeMask) == TypeBlock,
            (long)stat.Size,
            told ? (int)stat.DirectOffsetAlignment : null,
            (int)stat.DirectMemoryAlignment,
            (long)stat.Blocks * StatBlockBytes,
            (stat.DeviceMajor, stat.DeviceMinor));
        return 0;
    }
}
