using System.Runtime.InteropServices;

namespace Scheduler.Storage.Loop;

/// <summary>System calls of the loop: epoll(7), eventfd(2).</summary>
internal static unsafe partial class EpollCalls
{
    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_ctl(int epfd, int op, int fd, EpollEvent* ev);

    // Since Linux 5.11 and glibc 2.35: a time-out in nanoseconds. epoll_wait's milliseconds are coarser than a flush.
    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_pwait2(int epfd, EpollEvent* events, int maxevents, Timespec* timeout, void* sigmask);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initval, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int fd, void* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int fd, void* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    // Packed on x86-64 only (include/uapi/linux/eventpoll.h, EPOLL_PACKED); elsewhere the data is aligned. The service
    // runs on 64-bit machines only.
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    public struct EpollEvent
    {
        public uint Events;
        public ulong Data;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
