using Scheduler.Storage.Loop;

namespace Scheduler.Storage.Uring;

/// <summary>
/// A device on a file or block device that hands requests to the kernel through an io_uring(7), a batch with one system
/// call; each request in the way that measured best for its kind and cache mode.
/// </summary>
/// <remarks>
/// <para>Past the page cache, all that io_uring has an operation for goes through it: a quarter to three quarters of the
/// processor time that threads take which wait. Only a first write to space that is merely allocated takes longer at low
/// depth: the kernel hands it on to a thread of its own.</para>
/// <para>Through the page cache, what is there is transferred at once, on the caller's thread, as in <see cref="FileDevice"/>,
/// and reads of what is not go through io_uring. Writes and flushes go to threads of this process: the kernel would hand them
/// to threads of its own one by one, which for writes that are to be durable took several times as long.</para>
/// <para>What io_uring has no operation for goes to threads too: block devices' discards and zeroing, allocation maps,
/// prefetching; and writes that are to be durable at once, where the file system forgets that (<see cref="AsynchronousSync"/>).
/// The threads are started when first needed.</para>
/// </remarks>
public sealed class UringDevice : ILoopDevice, ILoopDescriptor
{
    private const int EntriesDefault = 256;

    private readonly FileVolume _volume;
    private readonly UringQueues _queues;
    private readonly CompletionQueue _completions = new();
    private readonly InlineTransfers _transfers;
    private readonly UringOperations _operations;
    private readonly WorkerPool _threads;
    private readonly bool _syncIsKept;

    // The owner's calls, against Dispose from another thread.
    private readonly Lock _lock = new();
    private DeviceRequest[] _forThreads = new DeviceRequest[64];
    private DeviceCompletion[] _inline = new DeviceCompletion[64];
    private Action? _ready;
    private CompletionWatcher? _watcher;
    private EventLoop? _loop;
    private int _watch;
    private bool _disposed;

    private UringDevice(FileVolume volume, UringQueues queues, int workers)
    {
        _volume = volume;
        _queues = queues;
        Info = volume.Info;
        _transfers = new InlineTransfers(volume);
        _syncIsKept = AsynchronousSync.IsKept(volume);
        _threads = new WorkerPool(new FileOperations(volume), _completions, volume, workers);
        _operations = new UringOperations(queues, volume, _threads, _completions);
    }

    /// <inheritdoc/>
    public DeviceInfo Info { get; }

    /// <inheritdoc/>
    public Action CompletionsReady
    {
        set
        {
            _ready = value;
            _completions.Ready = value;
        }
    }

    /// <summary>Makes a device, if the kernel lets it.</summary>
    /// <param name="volume">An open volume; the device closes it. Without a device it stays the caller's.</param>
    /// <param name="refusal">Why there is no device, in a few words, where there is none.</param>
    /// <param name="workers">Most threads besides the one for flushes; 0: as many as there are cores, 4 to 8.</param>
    /// <param name="entries">Requests that one system call takes, a power of two; more take more calls.</param>
    /// <returns>The device, or null.</returns>
    public static UringDevice? TryOpen(
        FileVolume volume, out string refusal, int workers = 0, int entries = EntriesDefault)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(entries);
        UringQueues? queues = UringQueues.TryCreate(volume.Descriptor, entries, out refusal);
        return queues is null ? null : new UringDevice(volume, queues, workers);
    }

    /// <inheritdoc/>
    public void AttachTo(EventLoop loop)
    {
        lock (_lock)
        {
            // What was posted to a loop that begins late; the descriptor may be another's by now.
            if (_disposed)
                return;
            _watch = loop.Watch(_queues.Descriptor, this, LoopReady.Readable);
            _loop = loop;
        }
    }

    /// <inheritdoc/>
    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            RequestCheck.All(Info, requests);
            if (_forThreads.Length < requests.Length)
            {
                _forThreads = new DeviceRequest[requests.Length * 2];
                _inline = new DeviceCompletion[requests.Length * 2];
            }

            int forThreads = 0;
            int completed = 0;
            foreach (ref readonly DeviceRequest request in requests)
            {
                if (_transfers.TryComplete(request))
                    _inline[completed++] = new DeviceCompletion(request.Tag, 0);
                else if (IsForKernel(request))
                    _operations.Add(request);
                else
                    _forThreads[forThreads++] = request;
            }

            _operations.Submit();
            if (forThreads > 0)
                _threads.Enqueue(_forThreads.AsSpan(0, forThreads));
            _completions.PostFromOwner(_inline.AsSpan(0, completed));
            WatchWhatIsInFlight();
        }
    }

    /// <inheritdoc/>
    public int Reap(Span<DeviceCompletion> completions)
    {
        int count = 0;
        lock (_lock)
        {
            if (!_disposed && _operations.InFlight > 0)
            {
                count = _operations.Reap(completions);
                if (count < completions.Length)
                    WatchWhatIsInFlight();
            }
        }

        return count + _completions.Reap(completions[count..]);
    }

    /// <summary>Waits for what is in flight and closes the volume. What completed can still be reaped.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        // From here on the completions are this thread's to take.
        _watcher?.Dispose();
        LeaveLoop();
        DeviceCompletion[] room = new DeviceCompletion[64];
        while (_operations.InFlight > 0)
        {
            int count = _operations.Reap(room);
            if (count > 0)
                _completions.Post(room.AsSpan(0, count));
            else if (_operations.InFlight > 0)
                _queues.Wait();
        }

        _threads.Dispose();
        _queues.Dispose();
        _volume.Dispose();
    }

    void ILoopDescriptor.OnReady(LoopReady ready) => _ready?.Invoke();

    private bool IsForKernel(in DeviceRequest request)
    {
        if (!_operations.Takes(request.Op))
            return false;
        if (request.Flags == DeviceFlags.Dsync && !_syncIsKept)
            return false;
        return _volume.Cache == CacheMode.Direct || request.Op switch
        {
            // The kernel copies what is in the cache within the submission, as InlineTransfers does.
            DeviceOp.Read => request.Length <= InlineTransfers.BytesMax,
            DeviceOp.Write or DeviceOp.Flush => false,
            _ => true,
        };
    }

    private void WatchWhatIsInFlight()
    {
        if (_loop is not null || _operations.InFlight == 0)
            return;
        _watcher ??= new CompletionWatcher(_queues.Descriptor, () => _ready?.Invoke());
        _watcher.Arm();
    }

    private void LeaveLoop()
    {
        if (_loop is not { } loop)
            return;
        if (loop.IsCurrent)
        {
            loop.Unwatch(_watch);
            return;
        }

        ManualResetEventSlim left = new();
        loop.Post(() =>
        {
            loop.Unwatch(_watch);
            left.Set();
        });
        left.Wait();
    }
}
