using static Scheduler.FrontEnd.SocketCalls;

namespace Scheduler.Nbd.Server;

/// <summary>
/// Replies on their way to the socket: slots in order, sent many in one call, straight from their buffers. Never more than
/// the connection has slots.
/// </summary>
internal sealed unsafe class ReplyQueue(ConnectionMemory memory)
{
    private const int VectorsMax = 128;

    private readonly int[] _slots = new int[memory.Slots.Length];
    private int _first;
    private int _count;

    /// <summary>Bytes of the first reply that are sent already.</summary>
    private long _sent;

    public bool IsEmpty => _count == 0;

    public void Add(int slot)
    {
        _slots[(_first + _count) % _slots.Length] = slot;
        _count++;
    }

    /// <summary>Sends once.</summary>
    /// <returns>-1 if the socket takes no more now, -2 if it is broken, otherwise bytes sent.</returns>
    public nint Send(int socket)
    {
        IoVector* vectors = stackalloc IoVector[VectorsMax];
        int used = 0;
        long skip = _sent;
        for (int i = 0; i < _count && used + 2 <= VectorsMax; i++)
        {
            int slot = _slots[(_first + i) % _slots.Length];
            ref ConnectionSlot reply = ref memory.Slots[slot];
            Append(vectors, ref used, memory.Head(slot), reply.HeadLength, ref skip);
            Append(vectors, ref used, reply.Buffer, reply.DataLength, ref skip);
        }

        nint sent = SocketCalls.Send(socket, vectors, used);
        if (sent > 0)
            _sent += sent;
        return sent;
    }

    /// <summary>Takes out the first slot if its reply is sent whole.</summary>
    public bool TryTakeSent(out int slot)
    {
        slot = -1;
        if (_count == 0)
            return false;
        ref ConnectionSlot reply = ref memory.Slots[_slots[_first]];
        long length = reply.HeadLength + (long)reply.DataLength;
        if (_sent < length)
            return false;
        _sent -= length;
        slot = _slots[_first];
        _first = (_first + 1) % _slots.Length;
        _count--;
        return true;
    }

    private static void Append(IoVector* vectors, ref int used, nint start, int length, ref long skip)
    {
        if (skip >= length)
        {
            skip -= length;
            return;
        }

        vectors[used++] = new IoVector { Base = start + (nint)skip, Length = (nint)(length - skip) };
        skip = 0;
    }
}
