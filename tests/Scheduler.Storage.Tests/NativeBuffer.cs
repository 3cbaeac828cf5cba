using System.Runtime.InteropServices;

namespace Scheduler.Storage.Tests;

/// <summary>Native memory as devices want it.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private void* _memory;

    public NativeBuffer(long length)
    {
        Length = length;
        _memory = NativeMemory.AlignedAlloc((nuint)length, 4096);
        NativeMemory.Clear(_memory, (nuint)length);
    }

    public long Length { get; }

    public nint Address => (nint)_memory;

    public Span<byte> Bytes => new(_memory, (int)Length);

    /// <summary>Fills it with bytes that depend on the seed and on their place.</summary>
    public NativeBuffer FillRandom(int seed)
    {
        new Random(seed).NextBytes(Bytes);
        return this;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
