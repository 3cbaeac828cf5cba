namespace Scheduler.Storage;

/// <summary>
/// A device on a file or block device that needs nothing of the kernel but blocking calls: what is in the page cache is
/// transferred at once, on the caller's thread (<c>RWF_NOWAIT</c>); all else goes to threads, in whole batches.
/// </summary>
public sealed class FileDevice : IBlockDevice
{
    private readonly FileVolume _volume;
    private readonly CompletionQueue _completions = new();
    private readonly InlineTransfers _transfers;
    private readonly WorkerPool _pool;
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
        _transfers = new InlineTransfers(volume);
        _pool = new WorkerPool(new FileOperations(volume), _completions, volume, workers);
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
            if (_transfers.TryComplete(request))
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
}
