using Scheduler.Actors;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Server;

/// <summary>One request of a connection, from its header to the last byte of its reply.</summary>
internal struct ConnectionSlot
{
    public RequestHeader Header;

    /// <summary>The request's data, or 0.</summary>
    public nint Buffer;

    /// <summary>Bytes that were asked for with the buffer.</summary>
    public int BufferLength;

    /// <summary>Bytes of the reply's head, in the connection's reply heads.</summary>
    public int HeadLength;

    /// <summary>Bytes of the reply that follow the head, from the buffer.</summary>
    public int DataLength;

    /// <summary>The device may still use the buffer: it is not to be used again.</summary>
    public bool KeepBuffer;
}

/// <summary>
/// The native memory of one connection: its slots' buffers and the heads of its replies. Given back when the connection,
/// the ring, the volume and the device have all let go.
/// </summary>
internal sealed unsafe class ConnectionMemory : RingMemory
{
    /// <summary>Room for the longest head: of a read, or of an error without text.</summary>
    public const int HeadBytes = 32;

    private readonly GuestBuffers _buffers;
    private readonly nint _heads;

    public ConnectionMemory(GuestBuffers buffers, int slots)
    {
        _buffers = buffers;
        Slots = new ConnectionSlot[slots];
        _heads = (nint)System.Runtime.InteropServices.NativeMemory.Alloc((nuint)(slots * HeadBytes));
    }

    public ConnectionSlot[] Slots { get; }

    public nint Head(int slot) => _heads + (slot * HeadBytes);

    /// <summary>Bytes that the connection holds.</summary>
    public long Held { get; private set; }

    /// <summary>Whether the connection may have a buffer of a length beside what it holds.</summary>
    public bool MayHold(int length) => Held + GuestBuffers.SizeFor(length) <= _buffers.PerConnectionMax;

    public bool TryRent(int slot, int length, IBufferWaiter waiter)
    {
        nint buffer = _buffers.Rent(length, Held, waiter);
        if (buffer == 0)
            return false;
        Set(slot, buffer, length);
        return true;
    }

    public void Set(int slot, nint buffer, int length)
    {
        Slots[slot].Buffer = buffer;
        Slots[slot].BufferLength = length;
        Held += GuestBuffers.SizeFor(length);
    }

    public void Return(int slot)
    {
        nint buffer = Slots[slot].Buffer;
        if (buffer == 0)
            return;
        Slots[slot].Buffer = 0;
        Held -= GuestBuffers.SizeFor(Slots[slot].BufferLength);
        _buffers.Return(buffer, Slots[slot].BufferLength);
    }

    protected override void GiveBack()
    {
        for (int slot = 0; slot < Slots.Length; slot++)
            Return(slot);
        System.Runtime.InteropServices.NativeMemory.Free((void*)_heads);
    }
}
