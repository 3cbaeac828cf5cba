using System.Runtime.InteropServices;

namespace Scheduler.Storage;

/// <summary>Reads zeroes and drops writes, at once: what remains of the cost is everybody else's.</summary>
public sealed unsafe class NullDevice : IBlockDevice
{
    private readonly CompletionQueue _completions = new();
    private bool _disposed;

    /// <param name="size">Bytes, a positive multiple of <paramref name="blockSize"/>.</param>
    /// <param name="blockSize">1, 512 or 4096.</param>
    public NullDevice(long size, int blockSize = 512)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (blockSize is not (1 or 512 or 4096) || size % blockSize != 0)
            throw new ArgumentException($"Block size {blockSize} does not fit size {size}.", nameof(blockSize));

        // It claims a volatile cache so that whoever is measured on it flushes as on a disk.
        Info = new DeviceInfo(size, blockSize, VolatileCache: true, DurableWrites: false, SupportsDsync: true);
    }

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
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequestCheck.All(Info, requests);
        foreach (ref readonly DeviceRequest request in requests)
        {
            if (request.Op == DeviceOp.Read)
            {
                NativeMemory.Clear((void*)request.Buffer, (nuint)request.Length);
            }
            else if (request.Op == DeviceOp.Status)
            {
                AllocationMap.Clear(request.Buffer);
                AllocationMap.TryAdd(request.Buffer, request.Length, hole: true);
            }

            _completions.PostFromOwner([new DeviceCompletion(request.Tag, 0)]);
        }
    }

    /// <inheritdoc/>
    public int Reap(Span<DeviceCompletion> completions) => _completions.Reap(completions);

    /// <inheritdoc/>
    public void Dispose() => _disposed = true;
}
