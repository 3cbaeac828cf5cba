using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Scheduler.Storage;
using static Scheduler.FrontEnd.SocketCalls;

namespace Scheduler.Host.Cluster.Link;

/// <summary>What a link needs of sockets beyond <see cref="SocketCalls"/>.</summary>
internal static unsafe partial class LinkCalls
{
    private const int AF_INET = 2;
    private const int AF_INET6 = 10;
    private const int SOCK_STREAM = 1;
    private const int SOCK_NONBLOCK = 0x800;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1;
    private const int SO_ERROR = 4;
    private const int EINPROGRESS = 115;
    private const int AddressBytesMax = 128;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int MakeSocket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, byte* address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int fd, int level, int name, void* value, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpeername(int fd, byte* address, int* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, MessageHeader* message, int flags);

    /// <summary>Begins to connect; the socket is writable when that has ended.</summary>
    /// <param name="endpoint">Where to.</param>
    /// <returns>The socket.</returns>
    /// <exception cref="IOException">It can't be begun.</exception>
    public static int BeginConnect(IPEndPoint endpoint)
    {
        int fd = MakeSocket(endpoint.AddressFamily == AddressFamily.InterNetworkV6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            throw new IOException($"no socket: {LastError()}");
        SocketAddress address = endpoint.Serialize();
        fixed (byte* bytes = address.Buffer.Span)
        {
            if (connect(fd, bytes, address.Size) == 0 || Marshal.GetLastPInvokeError() == EINPROGRESS)
                return fd;
        }

        string problem = LastError();
        _ = close(fd);
        throw new IOException(problem);
    }

    /// <summary>How connecting has ended.</summary>
    /// <param name="fd">The socket, writable.</param>
    /// <returns>Null if it is connected, otherwise why not.</returns>
    public static string? ConnectProblem(int fd)
    {
        int error;
        int length = sizeof(int);
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 ? LastError()
            : error == 0 ? null
            : Marshal.GetPInvokeErrorMessage(error);
    }

    /// <summary>Who is at the other end, for people.</summary>
    public static string PeerOf(int fd)
    {
        byte* bytes = stackalloc byte[AddressBytesMax];
        int length = AddressBytesMax;
        if (getpeername(fd, bytes, &length) != 0)
            return "an unknown address";
        SocketAddress address = new(*(ushort*)bytes == AF_INET6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
        new ReadOnlySpan<byte>(bytes, Math.Min(length, address.Size)).CopyTo(address.Buffer.Span);
        return new IPEndPoint(IPAddress.Any, 0).Create(address).ToString() ?? "";
    }

    /// <summary>Receives into several places, without blocking.</summary>
    /// <returns>Bytes; 0 at the end of the stream; -1 for nothing now; -2 if the connection is broken.</returns>
    public static nint Receive(int fd, IoVector* vectors, int count)
    {
        MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
        while (true)
        {
            nint received = recvmsg(fd, &message, 0);
            if (received >= 0)
                return received;
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
                return -1;
            if (error != Errno.EINTR)
                return -2;
        }
    }

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
