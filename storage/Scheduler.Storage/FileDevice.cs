using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>
/// A device on a file or block device that needs nothing of the kernel but blocking calls: what is in the page cache is
/// transferred at once, on the caller's thread (<c>RWF_NOWAIT</c>); all else goes to threads, in whole batches.
/// </summary>
public sealed class FileDevice : IBlockDevice
{
    private const int WorkersMin = 4;
    private const int WorkersMax = 8;

    // Copying more than that would hold up the caller as a wait would: about 50 us.
    private const long InlineBytesMax = 256 * 1024;

    private readonly FileVolume _volume;
    private readonly CompletionQueue _completions = new();
    private readonly WorkerPool _pool;

    // The owner's only: whether the file takes RWF_NOWAIT, until it says that it does not. ext4 never does for buffered
    // writes, tmpfs for nothing.
    private bool _readsNoWait;
    private bool _writesNoWait;

    private DeviceRequest[] _deferred = new DeviceRequest[64];
    private DeviceCompletion[] _inline = new DeviceCompletion[64];
    private bool _disposed;

    /// <param name="volume">An open volume; the device closes it.</param>
    /// <param name="workers">Most threads besides the one for flushes; 0: as many as there are cores, 4 to 8.</param>
    public FileDevice(FileVolume volume, int workers = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        _volume = volume;
        Info = volume.Info;
        _readsNoWait = volume.Cache != CacheMode.Direct;
        _writesNoWait = volume.Cache == CacheMode.Buffered;
        int count = workers > 0 ? workers : Math.Clamp(Environment.ProcessorCount, WorkersMin, WorkersMax);
        _pool = new WorkerPool(new FileOperations(volume), _completions, volume, count);
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
        if (_deferred.Length < requests.Length)
        {
            _deferred = new DeviceRequest[requests.Length * 2];
            _inline = new DeviceCompletion[requests.Length * 2];
        }

        int deferred = 0;
        int completed = 0;
        foreach (ref readonly DeviceRequest request in requests)
        {
            if (TryInline(request))
                _inline[completed++] = new DeviceCompletion(request.Tag, 0);
            else
                _deferred[deferred++] = request;
        }

        // The workers' first: they can begin while the rest is booked.
        if (deferred > 0)
            _pool.Enqueue(_deferred.AsSpan(0, deferred));
        _completions.PostFromOwner(_inline.AsSpan(0, completed));
    }

    /// <inheritdoc/>
    public int Reap(Span<DeviceCompletion> completions) => _completions.Reap(completions);

    /// <summary>Waits for what is in flight, ends the threads and closes the volume. What completed can still be reaped.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _pool.Dispose();
        _volume.Dispose();
    }

    // Only a complete success counts: after anything else a worker does the whole request and has the last word.
    private bool TryInline(in DeviceRequest request)
    {
        if (request.Length > InlineBytesMax)
            return false;
        switch (request.Op)
        {
            case DeviceOp.Read when _readsNoWait:
                nint read = FileCalls.ReadOnce(
                    _volume.Descriptor, request.Buffer, request.Length, request.Offset, LibC.RwfNoWait);
                _readsNoWait = !NotKnown(read);
                return read == request.Length;
            case DeviceOp.Write when _writesNoWait && request.Flags == DeviceFlags.None:
                nint written = FileCalls.WriteOnce(
                    _volume.Descriptor, request.Buffer, request.Length, request.Offset, LibC.RwfNoWait);
                _writesNoWait = !NotKnown(written);
                return written == request.Length;
            default:
                return false;
        }
    }

    private static bool NotKnown(nint result) => result is -Errno.EOPNOTSUPP or -LibC.ENOSYS;
}
