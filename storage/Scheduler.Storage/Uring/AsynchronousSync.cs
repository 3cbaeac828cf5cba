using System.Runtime.InteropServices;

namespace Scheduler.Storage.Uring;

/// <summary>
/// Whether a file system keeps <c>RWF_DSYNC</c> for a direct write that is not waited for. Not all do: FUSE (Linux 6.18) syncs
/// only what is written within the call, and reports an asynchronous write as complete while it is still volatile (F5).
/// </summary>
internal static unsafe partial class AsynchronousSync
{
    // f_type of statfs(2): include/uapi/linux/magic.h. Both complete such a write after its sync (fs/iomap/direct-io.c).
    private const long Ext = 0xef53;
    private const long Xfs = 0x5846_5342;

    private const int StatFsBytes = 256;

    /// <summary>Looks at the volume's file system. Block devices write with FUA, or flush before they complete.</summary>
    public static bool IsKept(FileVolume volume)
    {
        if (volume.IsBlockDevice)
            return true;

        // The type is the first field, a long on 64-bit machines.
        long* status = stackalloc long[StatFsBytes / sizeof(long)];
        return FStatFs(volume.Descriptor, status) == 0 && (status[0] is Ext or Xfs);
    }

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int FStatFs(int fd, long* status);
}
