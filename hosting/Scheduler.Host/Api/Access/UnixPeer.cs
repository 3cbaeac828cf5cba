using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Scheduler.Host.Api.Access;

/// <summary>Users of Unix sockets, as the kernel says.</summary>
internal static partial class UnixPeer
{
    private const int SOL_SOCKET = 1;
    private const int SO_PEERCRED = 17;

    /// <summary>The user that this process runs as.</summary>
    public static uint OwnUser => geteuid();

    /// <summary>The user at the other end.</summary>
    /// <param name="socket">A connected Unix socket.</param>
    /// <returns>The user's number; null if the kernel does not say.</returns>
    public static uint? UserOf(Socket socket)
    {
        // struct ucred: process, user, group.
        Span<byte> credentials = stackalloc byte[3 * sizeof(uint)];
        try
        {
            return socket.GetRawSocketOption(SOL_SOCKET, SO_PEERCRED, credentials) == credentials.Length
                ? MemoryMarshal.Cast<byte, uint>(credentials)[1]
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
