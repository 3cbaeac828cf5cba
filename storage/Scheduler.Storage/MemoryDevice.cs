using System.Runtime.InteropServices;

namespace Scheduler.Storage;

/// <summary>A device in native memory. Every request completes within <see cref="Submit"/>; never-written bytes are zero.</summary>
public sealed unsafe class MemoryDevice : IBlockDevice
{
    private readonly CompletionQueue _completions = new();
    private byte* _memory;

    /// <param name="size">Bytes, a positive multiple of <paramref name="blockSize"/>; the system provides memory as it is
    /// touched.</param>
    /// <param name="blockSize">1, 512 or 4096.</param>
    /// <param name="volatileCache">What <see cref="DeviceInfo.VolatileCache"/> says; nothing is ever lost either way.</param>
    public MemoryDevice(long size, int blockSize = 512, bool volatileCache = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (blockSize is not (1 or 512 or 4096) || size % blockSize != 0)
            throw new ArgumentException($"Block size {blockSize} does not fit size {size}.", nameof(blockSize));
        Info = new DeviceInfo(size, blockSize, volatileCache, DurableWrites: !volatileCache, SupportsDsync: true);
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)size);
    }

    /// <summary>Frees the memory of a device that was not disposed.</summary>
    ~MemoryDevice() => Free();

    /// <inheritdoc/>
    public DeviceInfo Info { get; }

    /// <inheritdoc/>
    public Action CompletionsReady
    {
        set => _completions.Ready = value;
    }

    /// <inheritdoc/>
    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        ObjectDisposedException.ThrowIf(_memory == null, this);
        RequestCheck.All(Info, requests);
        foreach (ref readonly DeviceRequest request in requests)
        {
            Execute(request);
            _completions.PostFromOwner([new DeviceCompletion(request.Tag, 0)]);
        }
    }

    /// <inheritdoc/>
    public int Reap(Span<DeviceCompletion> completions) => _completions.Reap(completions);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Execute(in DeviceRequest request)
    {
        byte* target = _memory + request.Offset;
        switch (request.Op)
        {
            case DeviceOp.Read:
                NativeMemory.Copy(target, (void*)request.Buffer, (nuint)request.Length);
                break;
            case DeviceOp.Write:
                NativeMemory.Copy((void*)request.Buffer, target, (nuint)request.Length);
                break;
            case DeviceOp.Zero or DeviceOp.Discard:
                NativeMemory.Clear(target, (nuint)request.Length);
                break;
            case DeviceOp.Status:
                AllocationMap.Clear(request.Buffer);
                AllocationMap.TryAdd(request.Buffer, request.Length, hole: false);
                break;
            default:
                // Flush and prefetch: it is all there.
                break;
        }
    }

    private void Free()
    {
        NativeMemory.Free(_memory);
        _memory = null;
    }
}
