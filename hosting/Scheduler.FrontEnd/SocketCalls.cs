using System.Runtime.InteropServices;
using Scheduler.Storage;

namespace Scheduler.FrontEnd;

/// <summary>
/// System calls on sockets that belong to a loop. Not System.Net.Sockets: that would register each socket with the
/// runtime's own epoll threads, which would wake for each message beside the loop.
/// </summary>
internal static unsafe partial class SocketCalls
{
    private const int ECONNABORTED = 103;
    private const int SOCK_NONBLOCK = 0x800;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int IPPROTO_TCP = 6;
    private const int TCP_NODELAY = 1;
    private const int TCP_KEEPIDLE = 4;
    private const int TCP_KEEPINTVL = 5;
    private const int TCP_KEEPCNT = 6;
    private const int SOL_SOCKET = 1;
    private const int SO_KEEPALIVE = 9;
    private const int SO_PEERCRED = 17;
    private const int SO_PASSRIGHTS = 83;
    private const int AF_UNIX = 1;
    private const int SOCK_STREAM = 1;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int fd, void* address, void* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, void* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int fd, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int fd, int level, int name, void* value, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* pair);

    /// <summary>Accepts without blocking.</summary>
    /// <returns>The socket; -1 for none now; -2 if the process or the kernel is out of something.</returns>
    public static int Accept(int fd)
    {
        int socket = accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0)
            return socket;
        return Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EINTR or ECONNABORTED ? -1 : -2;
    }

    /// <summary>Receives without blocking.</summary>
    /// <returns>Bytes; 0 at the end of the stream; -1 for nothing now; -2 if the connection is broken.</returns>
    public static int Receive(int fd, nint buffer, int length)
    {
        while (true)
        {
            nint count = recv(fd, (void*)buffer, length, 0);
            if (count >= 0)
                return (int)count;
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
                return -1;
            if (error != Errno.EINTR)
                return -2;
        }
    }

    /// <summary>Sends what is gathered, without blocking.</summary>
    /// <returns>Bytes sent; -1 for nothing now; -2 if the connection is broken.</returns>
    public static nint Send(int fd, IoVector* vectors, int count)
    {
        MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
        while (true)
        {
            nint sent = sendmsg(fd, &message, MSG_NOSIGNAL);
            if (sent >= 0)
                return sent;
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
                return -1;
            if (error != Errno.EINTR)
                return -2;
        }
    }

    /// <summary>
    /// For TCP (fails harmlessly on a Unix socket): no delay, since replies are gathered here already; and a peer that is gone
    /// without a word is noticed after two minutes, so that its connections do not stay for ever.
    /// </summary>
    public static void SetOptions(int fd)
    {
        Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
        Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
        Set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    }

    /// <summary>
    /// Nobody may send descriptors over a Unix socket, or over what it accepts (Linux 6.16; before that nothing happens). One that
    /// is dropped with a message is closed by whoever receives, and closing may wait: a TCP socket with a long SO_LINGER does.
    /// </summary>
    public static void RefuseDescriptors(int fd) => Set(fd, SOL_SOCKET, SO_PASSRIGHTS, 0);

    /// <summary>The user who has connected to a Unix socket.</summary>
    /// <param name="fd">A socket that was accepted from one.</param>
    /// <returns>The user's number; null if the kernel does not say.</returns>
    public static uint? PeerUser(int fd)
    {
        Credentials credentials;
        int length = sizeof(Credentials);
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 && length == sizeof(Credentials) ? credentials.User : null;
    }

    /// <summary>Makes two sockets that are connected with each other and don't block.</summary>
    /// <returns>Whether there were descriptors and memory for them.</returns>
    public static bool TryPair(out int one, out int other)
    {
        int* pair = stackalloc int[2];
        bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0;
        (one, other) = made ? (pair[0], pair[1]) : (-1, -1);
        return made;
    }

    private static void Set(int fd, int level, int name, int value) => _ = setsockopt(fd, level, name, &value, sizeof(int));

    /// <summary><c>struct ucred</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Credentials
    {
        public int Process;
        public uint User;
        public uint Group;
    }

    /// <summary><c>struct iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nint Base;
        public nint Length;
    }

    /// <summary><c>struct msghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
