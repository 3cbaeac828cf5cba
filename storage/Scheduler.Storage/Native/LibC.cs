using System.Runtime.InteropServices;

namespace Scheduler.Storage.Native;

/// <summary>
/// The calls of the C library that the devices need, as they are: -1 and <c>errno</c> on failure, except where said. Numbers
/// are those of 64-bit Linux. What must be repeated or resumed is in <see cref="FileCalls"/>.
/// </summary>
internal static unsafe partial class LibC
{
    public const int ENOENT = 2;
    public const int ENXIO = 6;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int ENOTTY = 25;
    public const int ENOSYS = 38;
    public const int EDQUOT = 122;

    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int CloseOnExec = 0x80000;

    public const int AtCurrentDirectory = -100;
    public const int AtEmptyPath = 0x1000;

    /// <summary><c>RWF_DSYNC</c>: this write as if the file had been opened with <c>O_DSYNC</c>.</summary>
    public const int RwfDsync = 2;

    /// <summary><c>RWF_NOWAIT</c>: fail with EAGAIN rather than wait for storage or a lock.</summary>
    public const int RwfNoWait = 8;

    public const int FallocKeepSize = 1;
    public const int FallocPunchHole = 2;
    public const int FallocZeroRange = 16;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int GetStatusFlags = 3;
    public const int SetStatusFlags = 4;

    /// <summary><c>F_OFD_SETLK</c>: a lock that belongs to the open file, not to the process.</summary>
    public const int SetOpenFileLock = 37;

    /// <summary><c>BLKSSZGET</c>: the logical block size, an int.</summary>
    public const nuint BlockSectorSize = 0x1268;

    /// <summary><c>BLKGETSIZE64</c>: bytes, a u64.</summary>
    public const nuint BlockDeviceSize = 0x80081272;

    /// <summary><c>BLKDISCARD</c>: takes offset and length, two u64.</summary>
    public const nuint BlockDiscard = 0x1277;

    /// <summary><c>BLKZEROOUT</c>: takes offset and length, two u64; the range stays allocated.</summary>
    public const nuint BlockZeroOut = 0x127f;

    public const int EventFdCloseOnExec = 0x80000;
    public const int EventFdNonBlocking = 0x800;
    public const short PollIn = 1;
    public const int SetTimerSlack = 29;

    /// <summary><c>SIGKILL</c>.</summary>
    public const int KillSignal = 9;

    private const string Library = "libc";

    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    // The two that differ between the architectures (arch/arm64/include/uapi/asm/fcntl.h).
    public static int Direct => s_arm ? 0x10000 : 0x4000;

    public static int Directory => s_arm ? 0x4000 : 0x10000;

    /// <summary><c>errno</c> of the last call that failed on this thread.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "preadv2", SetLastError = true)]
    public static partial nint PReadV2(int fd, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport(Library, EntryPoint = "pwritev2", SetLastError = true)]
    public static partial nint PWriteV2(int fd, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(int fd);

    [LibraryImport(Library, EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FDataSync(int fd);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int FAllocate(int fd, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int FTruncate(int fd, long length);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long LSeek(int fd, long offset, int whence);

    // Variadic in C; the registers are those of a fixed signature on x86-64 and on Linux's arm64.
    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(int fd, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FControl(int fd, int command, void* argument);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int StatX(int directory, string path, int flags, uint mask, StatXBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Library, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "ppoll", SetLastError = true)]
    public static partial int PPoll(PollFd* fds, nuint count, TimeSpec* timeout, void* signals);

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int PrCtl(int option, nuint argument, nuint a3, nuint a4, nuint a5);

    /// <summary>Of a negative process id: to the process group of that number.</summary>
    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport(Library, EntryPoint = "sem_init", SetLastError = true)]
    public static partial int SemInit(void* semaphore, int shared, uint value);

    [LibraryImport(Library, EntryPoint = "sem_post", SetLastError = true)]
    public static partial int SemPost(void* semaphore);

    [LibraryImport(Library, EntryPoint = "sem_wait", SetLastError = true)]
    public static partial int SemWait(void* semaphore);

    [LibraryImport(Library, EntryPoint = "sem_destroy", SetLastError = true)]
    public static partial int SemDestroy(void* semaphore);

    /// <summary><c>struct iovec</c>.</summary>
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary><c>struct flock</c>.</summary>
    public struct FileLock
    {
        public const short Write = 1;

        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    /// <summary><c>struct timespec</c>.</summary>
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary><c>struct statx</c> (include/uapi/linux/stat.h): the fields that are used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatXBuffer
    {
        public const uint BasicMask = 0x7ff;
        public const uint DirectAlignmentMask = 0x2000;

        [FieldOffset(0)]
        public uint Mask;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(48)]
        public ulong Blocks;

        [FieldOffset(128)]
        public uint DeviceMajor;

        [FieldOffset(132)]
        public uint DeviceMinor;

        [FieldOffset(152)]
        public uint DirectMemoryAlignment;

        [FieldOffset(156)]
        public uint DirectOffsetAlignment;
    }
}
