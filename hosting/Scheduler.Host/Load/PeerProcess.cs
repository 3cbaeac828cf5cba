using System.Buffers.Binary;
using System.Net.Sockets;

namespace Scheduler.Host.Load;

/// <summary>Who listens at the other end of a Unix socket.</summary>
internal static class PeerProcess
{
    /// <summary>The process' number.</summary>
    /// <param name="socket">A connection.</param>
    /// <returns>It; null if the kernel does not say.</returns>
    public static int? Of(Socket socket)
    {
        byte[] credentials = new byte[12];
        int length = socket.GetRawSocketOption(1, 17, credentials);
        int pid = BinaryPrimitives.ReadInt32LittleEndian(credentials);
        return length == credentials.Length && pid > 0 ? pid : null;
    }
}
