using System.Numerics;
using System.Runtime.InteropServices;

namespace Scheduler.FrontEnd;

/// <summary>Who waits for a buffer.</summary>
internal interface IBufferWaiter
{
    /// <summary>A buffer was taken for the waiter. Called from any thread; must not block.</summary>
    /// <param name="buffer">The buffer, the waiter's now.</param>
    void BufferGranted(nint buffer);
}

/// <summary>
/// The buffer memory of one guest, over all its connections: bounded, so that a guest that sends half of many large writes,
/// or reads no replies, starves at most itself. Buffers are native, aligned to 4096 and of power-of-two sizes; freed ones
/// are kept for the next.
/// </summary>
/// <param name="bytesAtMost">Most bytes in use; at least 33 MiB, so that the longest payload fits.</param>
/// <remarks>
/// Who finds too little waits in line, and is granted its buffer when there is room. A connection holds at most half of the
/// memory, or one payload of the longest. One that holds nothing may always have a small buffer, beyond the bound: so a
/// connection that keeps its buffers never stops another one of its guest. Thread-safe.
/// </remarks>
public sealed class GuestBuffers(long bytesAtMost)
{
    /// <summary>Bytes that a connection without a buffer may have beyond the bound.</summary>
    internal const int ReserveBytes = 64 << 10;

    private const int SmallestBytes = 4096;
    private const int LongestBytes = 32 << 20;
    private const int Classes = 14;
    private const long KeptBytesMax = 4 << 20;

    private readonly Stack<nint>[] _free = [.. Enumerable.Range(0, Classes).Select(_ => new Stack<nint>())];
    private readonly LinkedList<(IBufferWaiter Waiter, int Size)> _line = new();
    private readonly Lock _lock = new();
    private long _bytesMax = bytesAtMost;
    private long _inUse;
    private long _kept;

    /// <summary>Most bytes in use. Beyond a lower bound, what is in use stays so until it is returned.</summary>
    public long BytesMax
    {
        get => Volatile.Read(ref _bytesMax);
        set
        {
            List<(IBufferWaiter Waiter, nint Buffer)>? granted;
            lock (_lock)
            {
                Volatile.Write(ref _bytesMax, value);
                granted = GrantLine();
            }

            Tell(granted);
        }
    }

    /// <summary>Bytes in use.</summary>
    public long InUse
    {
        get
        {
            lock (_lock)
                return _inUse;
        }
    }

    /// <summary>Most bytes of one connection.</summary>
    internal long PerConnectionMax => Math.Max(LongestBytes, BytesMax / 2);

    /// <summary>Bytes of the buffer that a request of a length gets.</summary>
    internal static int SizeFor(int length) => Math.Max(SmallestBytes, (int)BitOperations.RoundUpToPowerOf2((uint)length));

    /// <summary>Takes a buffer, or gets in line for one.</summary>
    /// <param name="length">Bytes needed.</param>
    /// <param name="held">Bytes that the connection holds already.</param>
    /// <param name="waiter">Who is granted one later; not in line now.</param>
    /// <returns>The buffer, or 0.</returns>
    internal nint Rent(int length, long held, IBufferWaiter waiter)
    {
        int size = SizeFor(length);
        lock (_lock)
        {
            bool fits = _line.Count == 0 && _inUse + size <= _bytesMax;
            if (!fits && (held > 0 || size > ReserveBytes))
            {
                _ = _line.AddLast((waiter, size));
                return 0;
            }

            return Take(size);
        }
    }

    /// <summary>Leaves the line.</summary>
    /// <param name="waiter">Who waits no more; if it was granted a buffer already, it has that.</param>
    internal void Leave(IBufferWaiter waiter)
    {
        List<(IBufferWaiter Waiter, nint Buffer)>? granted;
        lock (_lock)
        {
            for (LinkedListNode<(IBufferWaiter Waiter, int Size)>? node = _line.First; node is not null; node = node.Next)
            {
                if (node.Value.Waiter != waiter)
                    continue;
                _line.Remove(node);
                break;
            }

            granted = GrantLine();
        }

        Tell(granted);
    }

    /// <summary>Takes a part of the bound for memory that the caller has by itself, as long as it has it. Never waits.</summary>
    /// <param name="bytes">How much.</param>
    /// <returns>False if it is more than one connection may have, or than is left.</returns>
    internal bool TryReserve(long bytes)
    {
        lock (_lock)
        {
            if (_line.Count > 0 || bytes > PerConnectionMax || _inUse + bytes > _bytesMax)
                return false;
            _inUse += bytes;
            return true;
        }
    }

    /// <summary>Gives a part of the bound back.</summary>
    /// <param name="bytes">What was reserved.</param>
    internal void Release(long bytes)
    {
        List<(IBufferWaiter Waiter, nint Buffer)>? granted;
        lock (_lock)
        {
            _inUse -= bytes;
            granted = GrantLine();
        }

        Tell(granted);
    }

    internal unsafe void Return(nint buffer, int length)
    {
        int size = SizeFor(length);
        List<(IBufferWaiter Waiter, nint Buffer)>? granted;
        lock (_lock)
        {
            _inUse -= size;
            if (_kept + size <= KeptBytesMax)
            {
                _kept += size;
                _free[Class(size)].Push(buffer);
                buffer = 0;
            }

            granted = GrantLine();
        }

        if (buffer != 0)
            NativeMemory.AlignedFree((void*)buffer);
        Tell(granted);
    }

    private static int Class(int size) => BitOperations.Log2((uint)size / SmallestBytes);

    private static void Tell(List<(IBufferWaiter Waiter, nint Buffer)>? granted)
    {
        if (granted is null)
            return;
        foreach ((IBufferWaiter waiter, nint buffer) in granted)
            waiter.BufferGranted(buffer);
    }

    // Under the lock.
    private unsafe nint Take(int size)
    {
        if (_free[Class(size)].TryPop(out nint buffer))
            _kept -= size;
        else
            buffer = (nint)NativeMemory.AlignedAlloc((nuint)size, SmallestBytes);
        _inUse += size;
        return buffer;
    }

    // Under the lock: in order, as far as there is room.
    private List<(IBufferWaiter Waiter, nint Buffer)>? GrantLine()
    {
        List<(IBufferWaiter Waiter, nint Buffer)>? granted = null;
        while (_line.First is { } first && _inUse + first.Value.Size <= _bytesMax)
        {
            _line.RemoveFirst();
            (granted ??= []).Add((first.Value.Waiter, Take(first.Value.Size)));
        }

        return granted;
    }
}
