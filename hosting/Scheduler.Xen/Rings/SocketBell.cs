// The two ends ring each other's bell with a byte on their socket, sent and received without waiting, whatever the other end
// does. (An eventfd would be shared with its flags and its count: who fills it and takes O_NONBLOCK away makes the other wait.)
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Server;

namespace Scheduler.Xen.Rings;

/// <summary>The bell of a ring in shared memory: the socket over which it was agreed on.</summary>
/// <param name="socket">The socket.</param>
/// <param name="memory">What the guest is handed.</param>
/// <param name="disk">What the guest is told.</param>
internal sealed unsafe class SocketBell(int socket, SharedMemory memory, BlkifDisk disk) : IRingBell
{
    /// <inheritdoc/>
    public int Descriptor => socket;

    /// <inheritdoc/>
    public void Open()
    {
        // If it can't be sent the guest is gone, which is seen as soon as the socket is watched.
        _ = RingCalls.Send(socket, Hello.Accepted(disk), memory.File);
        memory.CloseFile();
    }

    /// <inheritdoc/>
    public bool Hear()
    {
        byte bell;
        return SocketCalls.Receive(socket, (nint)(&bell), 1) is not (0 or -2);
    }

    /// <inheritdoc/>
    /// <remarks>A socket that is full has bells that the guest has not heard.</remarks>
    public bool Ring()
    {
        byte bell = 1;
        SocketCalls.IoVector vector = new() { Base = (nint)(&bell), Length = 1 };
        return SocketCalls.Send(socket, &vector, 1) != -2;
    }

    /// <inheritdoc/>
    public void Close() => _ = SocketCalls.close(socket);
}
