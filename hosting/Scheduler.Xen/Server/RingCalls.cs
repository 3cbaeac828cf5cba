using System.Runtime.InteropServices;

namespace Scheduler.Xen.Server;

/// <summary>Messages with a descriptor.</summary>
internal static unsafe partial class RingCalls
{
    private const int SOL_SOCKET = 1;
    private const int SCM_RIGHTS = 1;
    private const int MSG_NOSIGNAL = 0x4000;

    /// <summary>Sends a packet without blocking.</summary>
    /// <param name="socket">A socket of packets that does not block.</param>
    /// <param name="message">Its bytes.</param>
    /// <param name="descriptor">A descriptor that the other end gets a copy of; -1 for none.</param>
    /// <returns>Whether it is sent.</returns>
    public static bool Send(int socket, ReadOnlySpan<byte> message, int descriptor)
    {
        fixed (byte* start = message)
        {
            SocketCalls.IoVector vector = new() { Base = (nint)start, Length = message.Length };
            ControlMessage control = new() { Length = (nuint)sizeof(ControlMessage) - 4, Level = SOL_SOCKET, Type = SCM_RIGHTS, Descriptor = descriptor };
            SocketCalls.MessageHeader header = new() { Vectors = &vector, VectorCount = 1 };
            if (descriptor >= 0)
            {
                header.Control = &control;
                header.ControlLength = (nuint)sizeof(ControlMessage);
            }

            return sendmsg(socket, &header, MSG_NOSIGNAL) == message.Length;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int fd, SocketCalls.MessageHeader* message, int flags);

    /// <summary><c>struct cmsghdr</c> with one descriptor, padded as <c>CMSG_SPACE</c> says.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct ControlMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
    }
}
