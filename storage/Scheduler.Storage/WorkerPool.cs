using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>
/// Threads that carry out requests which may block, and post their completions. Started when first needed, asleep when idle.
/// </summary>
/// <remarks>
/// Three queues. Flushes have a thread of their own, so that neither waits for the other (F8). Plain buffered writes are short
/// and are taken several at a time; all the rest may wait for the disk and is taken one at a time. A batch is put in under
/// one lock and wakes one thread, which wakes the next if it leaves work behind: the caller never pays for more than one.
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    private const int WorkersMin = 4;
    private const int WorkersMax = 8;
    private const int ShareMax = 16;
    private const long ShareBytesMax = 256 * 1024;
    private const int StackBytes = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly RingQueue<DeviceRequest> _writes = new();
    private readonly RingQueue<DeviceRequest> _others = new();
    private readonly RingQueue<DeviceRequest> _flushes = new(4);
    private readonly NativeSemaphore _workerWake = new();
    private readonly NativeSemaphore _flusherWake = new();
    private readonly FileOperations _operations;
    private readonly CompletionQueue _completions;
    private readonly Thread?[] _workers;
    private readonly bool _plainWritesAreShort;
    private readonly int _writersMax;

    // All under the lock.
    private Thread? _flusher;
    private bool _flusherIdle;
    private int _started;
    private int _idle;
    private int _waking;
    private int _writers;
    private bool _writesLast;
    private bool _stopping;

    /// <param name="operations">Carries requests out.</param>
    /// <param name="completions">Takes the results.</param>
    /// <param name="volume">Its kind and cache mode decide which requests are short.</param>
    /// <param name="workers">Most threads besides the one for flushes; 0: as many as there are cores, 4 to 8.</param>
    public WorkerPool(FileOperations operations, CompletionQueue completions, FileVolume volume, int workers)
    {
        _operations = operations;
        _completions = completions;
        if (workers == 0)
            workers = Math.Clamp(Environment.ProcessorCount, WorkersMin, WorkersMax);
        _workers = new Thread?[workers];
        _plainWritesAreShort = volume.Cache == CacheMode.Buffered;

        // The kernel lets one buffered writer into a file at a time (inode lock); a second would only wait for it.
        _writersMax = volume.IsBlockDevice ? workers : 1;
    }

    /// <summary>Takes the requests.</summary>
    public void Enqueue(ReadOnlySpan<DeviceRequest> requests)
    {
        bool wakeWorker;
        bool wakeFlusher;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            foreach (ref readonly DeviceRequest request in requests)
                QueueFor(request).Enqueue(request);
            wakeWorker = Recruit();
            wakeFlusher = RecruitFlusher();
        }

        if (wakeWorker)
            _workerWake.Post();
        if (wakeFlusher)
            _flusherWake.Post();
    }

    /// <summary>Finishes what was taken, then ends the threads.</summary>
    public void Dispose()
    {
        int wake;
        lock (_lock)
        {
            if (_stopping)
                return;
            _stopping = true;
            wake = _idle;
            _waking += _idle;
            _idle = 0;
        }

        for (int i = 0; i < wake; i++)
            _workerWake.Post();
        _flusherWake.Post();
        foreach (Thread? worker in _workers)
            worker?.Join();
        _flusher?.Join();
        _workerWake.Dispose();
        _flusherWake.Dispose();
    }

    private RingQueue<DeviceRequest> QueueFor(in DeviceRequest request)
    {
        if (request.Op == DeviceOp.Flush)
            return _flushes;
        bool isShort = _plainWritesAreShort && request.Op == DeviceOp.Write && request.Flags == DeviceFlags.None;
        return isShort ? _writes : _others;
    }

    private bool WritesMayStart => _writes.Count > 0 && _writers < _writersMax;

    // Sees to it that a thread comes for the queued work, unless one is on its way already; that one will call here again.
    // Under the lock; true: post the semaphore after leaving it.
    private bool Recruit()
    {
        if (_waking > 0 || (_others.Count == 0 && !WritesMayStart))
            return false;
        if (_idle > 0)
        {
            _idle--;
            _waking++;
            return true;
        }

        if (_started < _workers.Length && !_stopping)
        {
            _workers[_started] = StartThread(Work, $"volume-{_started + 1}");
            _started++;
            _waking++;
        }

        return false;
    }

    private bool RecruitFlusher()
    {
        if (_flushes.Count == 0)
            return false;
        _flusher ??= StartThread(FlushWork, "volume-flush");
        bool wake = _flusherIdle;
        _flusherIdle = false;
        return wake;
    }

    private static Thread StartThread(ThreadStart body, string name)
    {
        Thread thread = new(body, StackBytes) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private void Work()
    {
        DeviceRequest[] share = new DeviceRequest[ShareMax];
        DeviceCompletion[] done = new DeviceCompletion[ShareMax];
        bool woken = true;
        bool wrote = false;
        while (true)
        {
            int count;
            bool wakeNext = false;
            lock (_lock)
            {
                if (woken)
                    _waking--;
                if (wrote)
                    _writers--;
                count = Take(share, out wrote);
                if (count > 0)
                    wakeNext = Recruit();
                else if (_stopping)
                    return;
                else
                    _idle++;
            }

            if (wakeNext)
                _workerWake.Post();
            woken = count == 0;
            if (woken)
            {
                _workerWake.Wait();
                continue;
            }

            for (int i = 0; i < count; i++)
                done[i] = new DeviceCompletion(share[i].Tag, _operations.Execute(share[i]));
            _completions.Post(done.AsSpan(0, count));
        }
    }

    // The two queues take turns, so that neither starves where there is but one worker.
    private int Take(DeviceRequest[] share, out bool writes)
    {
        writes = WritesMayStart && !(_writesLast && _others.Count > 0);
        _writesLast = writes;
        if (!writes)
            return _others.Dequeue(share.AsSpan(0, 1));

        _writers++;
        int count = 0;
        long bytes = 0;
        while (count < ShareMax && bytes < ShareBytesMax && _writes.TryDequeue(out share[count]))
            bytes += share[count++].Length;
        return count;
    }

    private void FlushWork()
    {
        while (true)
        {
            DeviceRequest flush;
            bool found;
            lock (_lock)
            {
                found = _flushes.TryDequeue(out flush);
                if (!found && _stopping)
                    return;
                _flusherIdle = !found;
            }

            if (found)
                _completions.Post([new DeviceCompletion(flush.Tag, _operations.Execute(flush))]);
            else
                _flusherWake.Wait();
        }
    }
}
