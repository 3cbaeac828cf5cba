using System.Runtime.InteropServices;
using static Scheduler.FrontEnd.SocketCalls;

namespace Scheduler.Host.Cluster.Link;

/// <summary>Who is told that a frame has left.</summary>
internal interface ILinkSender
{
    /// <summary>The frame's last byte is with the kernel: its payload's memory is free. Not called once the connection has ended.</summary>
    /// <param name="frame">The frame.</param>
    void Sent(in LinkFrame frame);
}

/// <summary>
/// Frames on their way to the socket: many in one call, payloads straight from their memory. What is in it is bounded by
/// the credits of the rings (S4): one frame for each slot, and three for a ring's end.
/// </summary>
internal sealed unsafe class LinkSendQueue : IDisposable
{
    private const int FramesPerCallMax = 64;

    private readonly nint _heads = (nint)NativeMemory.Alloc(FramesPerCallMax * LinkFrame.Bytes);
    private Entry[] _entries = new Entry[256];
    private int _first;

    /// <summary>Bytes of the first frame that are sent already.</summary>
    private long _sent;

    /// <summary>Frames in it.</summary>
    public int Count { get; private set; }

    /// <summary>Whether nothing of the first frame is sent.</summary>
    public bool IsBetweenFrames => _sent == 0;

    /// <summary>Appends a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="payload">Its payload, that stays until it is sent.</param>
    /// <param name="sender">Told when it has left, or null.</param>
    public void Add(in LinkFrame frame, nint payload, ILinkSender? sender) => Add(new Entry(frame, payload, sender, false));

    /// <summary>Appends a frame with a text.</summary>
    /// <param name="frame">The frame; the length of its payload is set here.</param>
    /// <param name="text">The text.</param>
    public void Add(in LinkFrame frame, string text)
    {
        byte[] bytes = LinkFrame.Text(text);
        nint copy = (nint)NativeMemory.Alloc((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>((void*)copy, bytes.Length));
        Add(new Entry(frame with { PayloadBytes = bytes.Length }, copy, null, true));
    }

    /// <summary>Sends once.</summary>
    /// <returns>-1 if the socket takes no more now, -2 if it is broken, otherwise bytes sent.</returns>
    public nint Send(int socket)
    {
        IoVector* vectors = stackalloc IoVector[2 * FramesPerCallMax];
        int used = 0;
        long skip = _sent;
        for (int i = 0; i < Count && i < FramesPerCallMax; i++)
        {
            ref Entry entry = ref At(i);
            nint head = _heads + (i * LinkFrame.Bytes);
            entry.Frame.Encode(new Span<byte>((void*)head, LinkFrame.Bytes));
            Append(vectors, ref used, head, LinkFrame.Bytes, ref skip);
            if (entry.Frame.PayloadBytes > 0)
                Append(vectors, ref used, entry.Payload, entry.Frame.PayloadBytes, ref skip);
        }

        nint sent = SocketCalls.Send(socket, vectors, used);
        if (sent > 0)
            _sent += sent;
        return sent;
    }

    /// <summary>Takes out the first frame if it is sent whole.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="sender">Who is to be told.</param>
    /// <returns>Whether it is.</returns>
    public bool TryTakeSent(out LinkFrame frame, out ILinkSender? sender)
    {
        (frame, sender) = (default, null);
        if (Count == 0 || _sent < LinkFrame.Bytes + (long)At(0).Frame.PayloadBytes)
            return false;
        (frame, sender) = (At(0).Frame, At(0).Sender);
        _sent -= LinkFrame.Bytes + (long)frame.PayloadBytes;
        RemoveFirst();
        return true;
    }

    /// <summary>Frees its memory; what was not sent will not be.</summary>
    public void Dispose()
    {
        while (Count > 0)
            RemoveFirst();
        NativeMemory.Free((void*)_heads);
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

    private ref Entry At(int index) => ref _entries[(_first + index) % _entries.Length];

    private void Add(in Entry entry)
    {
        if (Count == _entries.Length)
        {
            Entry[] larger = new Entry[2 * Count];
            for (int i = 0; i < Count; i++)
                larger[i] = At(i);
            (_entries, _first) = (larger, 0);
        }

        Count++;
        At(Count - 1) = entry;
    }

    private void RemoveFirst()
    {
        ref Entry entry = ref At(0);
        if (entry.OwnsPayload)
            NativeMemory.Free((void*)entry.Payload);
        entry = default;
        _first = (_first + 1) % _entries.Length;
        Count--;
    }

    private readonly record struct Entry(LinkFrame Frame, nint Payload, ILinkSender? Sender, bool OwnsPayload);
}
