using System.Numerics;
using System.Runtime.InteropServices;

namespace Scheduler.Nbd.Server;

/// <summary>Gets told that a guest has buffer memory again. Called from any thread; must not block.</summary>
internal interface IBufferWaiter
{
    void BuffersFreed();
}

/// <summary>
/// The buffer memory of one guest, over all its connections: bounded, so that a guest that sends half of many large writes
/// starves only itself. Buffers are native, aligned to 4096 and of power-of-two sizes; freed ones are kept for the next.
/// </summary>
/// <param name="bytesMax">Most bytes in use; at least 33 MiB, so that the longest payload fits.</param>
/// <remarks>Thread-safe.</remarks>
public sealed class GuestBuffers(long bytesMax)
{
    private const int SmallestBytes = 4096;
    private const int Classes = 14;
    private const long KeptBytesMax = 4 << 20;

    private readonly Stack<nint>[] _free = [.. Enumerable.Range(0, Classes).Select(_ => new Stack<nint>())];
    private readonly List<IBufferWaiter> _waiters = [];
    private readonly Lock _lock = new();
    private long _inUse;
    private long _kept;

    /// <summary>Bytes in use.</summary>
    public long InUse
    {
        get
        {
            lock (_lock)
                return _inUse;
        }
    }

    /// <summary>Bytes of the buffer that a request of a length gets.</summary>
    internal static int SizeFor(int length) => Math.Max(SmallestBytes, (int)BitOperations.RoundUpToPowerOf2((uint)length));

    /// <summary>Takes a buffer, or asks to be told when there may be one.</summary>
    /// <returns>The buffer, or 0: the waiter is told once.</returns>
    internal unsafe nint Rent(int length, IBufferWaiter waiter)
    {
        int size = SizeFor(length);
        lock (_lock)
        {
            if (_inUse + size > bytesMax)
            {
                _waiters.Add(waiter);
                return 0;
            }

            _inUse += size;
            if (_free[Class(size)].TryPop(out nint kept))
            {
                _kept -= size;
                return kept;
            }
        }

        return (nint)NativeMemory.AlignedAlloc((nuint)size, SmallestBytes);
    }

    internal unsafe void Return(nint buffer, int length)
    {
        int size = SizeFor(length);
        IBufferWaiter[]? waiters = null;
        lock (_lock)
        {
            _inUse -= size;
            if (_kept + size <= KeptBytesMax)
            {
                _kept += size;
                _free[Class(size)].Push(buffer);
                buffer = 0;
            }

            if (_waiters.Count > 0)
            {
                waiters = [.. _waiters];
                _waiters.Clear();
            }
        }

        if (buffer != 0)
            NativeMemory.AlignedFree((void*)buffer);
        foreach (IBufferWaiter waiter in waiters ?? [])
            waiter.BuffersFreed();
    }

    private static int Class(int size) => BitOperations.Log2((uint)size / SmallestBytes);
}
