using System.Diagnostics;
using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>
/// Another device made slow or failing. A request waits, first in first out, for one of <see cref="Parallel"/> units, occupies
/// it for <see cref="ServiceTime"/> (a flush: <see cref="FlushTime"/>) and for as long as the inner device takes, and then
/// completes. All properties may be set at any time, from any thread; they hold for requests that start after that.
/// </summary>
/// <remarks>
/// A unit's next request starts when its last one was due to end, not when the thread noticed, so that a backlog is served
/// at exactly <see cref="Parallel"/> requests per service time. The device's thread is the inner device's owner.
/// </remarks>
public sealed class FaultyDevice : IBlockDevice
{
    private const int BatchMax = 64;

    private readonly IBlockDevice _inner;
    private readonly CompletionQueue _completions = new();
    private readonly PreciseWaiter _waiter = new();
    private readonly Lock _lock = new();
    private readonly RingQueue<Arrival> _arrived = new();

    // The thread's own.
    private readonly RingQueue<Arrival> _waiting = new();
    private readonly PriorityQueue<int, long> _ends = new();
    private readonly RingQueue<long> _unitsFreeAt = new();
    private readonly RingQueue<int> _freeSlots = new();
    private readonly RingQueue<DeviceRequest> _starting = new();
    private readonly RingQueue<DeviceCompletion> _done = new();
    private readonly DeviceRequest[] _innerBatch = new DeviceRequest[BatchMax];
    private readonly DeviceCompletion[] _completionBatch = new DeviceCompletion[BatchMax];
    private Slot[] _slots = [];
    private int _busyUnits;
    private int _knownUnits;
    private int _late;
    private bool _stalledLast;
    private long _startFloor;
    private long _round;

    // Under the lock.
    private Thread? _thread;
    private bool _asleep;
    private bool _changed;
    private bool _wantsInner;
    private bool _stopping;

    private long _serviceTicks;
    private long _flushTicks;
    private int _parallel;
    private int _mode;
    private int _error;
    private long _errorAfter;
    private volatile bool _stalled;

    /// <param name="inner">The device behind; it is disposed with this one.</param>
    /// <param name="options">Initial values of the properties.</param>
    public FaultyDevice(IBlockDevice inner, FaultyOptions options)
    {
        _inner = inner;
        _inner.CompletionsReady = OnInnerReady;
        ServiceTime = options.ServiceTime;
        FlushTime = options.FlushTime;
        Parallel = options.Parallel;
        Mode = options.Mode;
        Error = options.Error;
        ErrorAfter = options.ErrorAfter;
        _knownUnits = options.Parallel;
    }

    /// <inheritdoc/>
    public DeviceInfo Info => _inner.Info;

    /// <inheritdoc/>
    public Action CompletionsReady
    {
        set => _completions.Ready = value;
    }

    /// <inheritdoc cref="FaultyOptions.ServiceTime"/>
    public TimeSpan ServiceTime
    {
        get => FromTicks(Volatile.Read(ref _serviceTicks));
        set => Volatile.Write(ref _serviceTicks, ToTicks(value));
    }

    /// <inheritdoc cref="FaultyOptions.FlushTime"/>
    public TimeSpan FlushTime
    {
        get => FromTicks(Volatile.Read(ref _flushTicks));
        set => Volatile.Write(ref _flushTicks, ToTicks(value));
    }

    /// <inheritdoc cref="FaultyOptions.Parallel"/>
    public int Parallel
    {
        get => Volatile.Read(ref _parallel);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            Volatile.Write(ref _parallel, value);
            WakeThread();
        }
    }

    /// <inheritdoc cref="FaultyOptions.Mode"/>
    public FaultMode Mode
    {
        get => (FaultMode)Volatile.Read(ref _mode);
        set => Volatile.Write(ref _mode, (int)value);
    }

    /// <inheritdoc cref="FaultyOptions.Error"/>
    public int Error
    {
        get => Volatile.Read(ref _error);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            Volatile.Write(ref _error, value);
        }
    }

    /// <inheritdoc cref="FaultyOptions.ErrorAfter"/>
    public long ErrorAfter
    {
        get => Volatile.Read(ref _errorAfter);
        set => Volatile.Write(ref _errorAfter, value);
    }

    /// <summary>While true no request starts or completes.</summary>
    public bool Stalled
    {
        get => _stalled;
        set
        {
            _stalled = value;
            WakeThread();
        }
    }

    /// <inheritdoc/>
    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        RequestCheck.All(Info, requests);
        if (requests.IsEmpty)
            return;
        long now = Stopwatch.GetTimestamp();
        bool wake;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            foreach (ref readonly DeviceRequest request in requests)
                _arrived.Enqueue(new Arrival(request, now));
            if (_thread == null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "volume-faulty" };
                _thread.Start();
            }

            wake = TakeAsleep();
        }

        if (wake)
            _waiter.Wake();
    }

    /// <inheritdoc/>
    public int Reap(Span<DeviceCompletion> completions) => _completions.Reap(completions);

    /// <summary>Waits until all in flight is complete, without the added times and stalls, and disposes the inner device.</summary>
    public void Dispose()
    {
        bool wake;
        lock (_lock)
        {
            if (_stopping)
                return;
            _stopping = true;
            wake = TakeAsleep();
        }

        if (wake)
            _waiter.Wake();
        _thread?.Join();
        _inner.Dispose();
        _waiter.Dispose();
    }

    private static long ToTicks(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return (long)(time.TotalSeconds * Stopwatch.Frequency);
    }

    private static TimeSpan FromTicks(long ticks) => TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency);

    private static FaultMode Kind(in DeviceRequest request) => request.Op switch
    {
        DeviceOp.Read => FaultMode.Read,
        DeviceOp.Write or DeviceOp.Zero or DeviceOp.Discard => FaultMode.Write,
        DeviceOp.Flush => FaultMode.Flush,
        _ => FaultMode.None,
    };

    // Under the lock; true: the caller wakes the thread.
    private bool TakeAsleep()
    {
        bool asleep = _asleep;
        _asleep = false;
        return asleep;
    }

    private void WakeThread()
    {
        bool wake;
        lock (_lock)
        {
            _changed = true;
            wake = TakeAsleep();
        }

        if (wake)
            _waiter.Wake();
    }

    // Only a request whose added time is over makes the thread wait for the inner device.
    private void OnInnerReady()
    {
        bool wake;
        lock (_lock)
        {
            if (!_wantsInner)
                return;
            _changed = true;
            wake = TakeAsleep();
        }

        if (wake)
            _waiter.Wake();
    }

    private void Run()
    {
        PreciseWaiter.SharpenThisThread();
        while (true)
        {
            bool stopping;
            lock (_lock)
            {
                while (_arrived.TryDequeue(out Arrival arrival))
                    _waiting.Enqueue(arrival);
                stopping = _stopping;
                _changed = false;
            }

            long now = Stopwatch.GetTimestamp();
            bool stalled = _stalled && !stopping;
            LookAtSettings(now, stalled);
            ReapInner(now, stalled);
            if (!stalled)
                EndAndStart(stopping ? long.MaxValue : now, now);

            // What the inner device does at once may be due already: one call to the owner for all of that.
            bool submitted = SubmitInner();
            if (!submitted || _done.Count >= BatchMax)
                PostDone();
            if (submitted)
                continue;
            if (stopping && _busyUnits == 0 && _waiting.Count == 0)
                return;
            Sleep(stalled, stopping);
        }
    }

    private void LookAtSettings(long now, bool stalled)
    {
        // What waited through a stall starts after it.
        if (_stalledLast && !stalled)
            _startFloor = now;
        _stalledLast = stalled;

        // A new unit has not been free before it was there.
        int parallel = Parallel;
        for (; _knownUnits < parallel; _knownUnits++)
            _unitsFreeAt.Enqueue(now);
        _knownUnits = parallel;
    }

    private void ReapInner(long now, bool stalled)
    {
        int count;
        do
        {
            count = _inner.Reap(_completionBatch);
            foreach (ref readonly DeviceCompletion completion in _completionBatch.AsSpan(0, count))
            {
                int index = (int)completion.Tag;
                ref Slot slot = ref _slots[index];
                slot.InnerDone = true;
                if (slot.Error == 0)
                    slot.Error = completion.Error;
                if (!slot.Late)
                    continue;
                slot.Late = false;
                _late--;

                // What the inner device did before the thread slept again took it no time; else the unit was busy until now.
                if (slot.Round != _round)
                    slot.End = now;
                if (stalled)
                    _ends.Enqueue(index, slot.End);
                else
                    Finish(index);
            }
        }
        while (count == _completionBatch.Length);
    }

    // In the order of the times at which things were due, up to the horizon.
    private void EndAndStart(long horizon, long now)
    {
        while (true)
        {
            if (_ends.TryPeek(out int index, out long end) && end <= horizon)
            {
                _ends.Dequeue();
                if (_slots[index].InnerDone)
                {
                    _slots[index].End = Math.Min(end, now);
                    Finish(index);
                }
                else
                {
                    _slots[index].Late = true;
                    _late++;
                }
            }
            else if (_waiting.Count > 0 && _busyUnits < _knownUnits)
            {
                _waiting.TryDequeue(out Arrival arrival);
                Start(arrival);
            }
            else
            {
                return;
            }
        }
    }

    private void Start(in Arrival arrival)
    {
        // Units for which no time is on record have been idle since before anything that waits.
        long freeAt = 0;
        int free = _knownUnits - _busyUnits;
        while (_unitsFreeAt.Count >= free && _unitsFreeAt.TryDequeue(out freeAt))
        {
        }

        DeviceRequest request = arrival.Request;
        long service = request.Op == DeviceOp.Flush ? Volatile.Read(ref _flushTicks) : Volatile.Read(ref _serviceTicks);
        long start = Math.Max(Math.Max(arrival.Time, freeAt), _startFloor);
        int index = TakeSlot();
        ref Slot slot = ref _slots[index];
        slot = new Slot { Tag = request.Tag, End = start + service, Round = _round };
        _busyUnits++;
        _ends.Enqueue(index, slot.End);

        FaultMode fault = NextFault(request);
        if (fault == FaultMode.Dsync)
        {
            slot.Error = Errno.EIO;
            _starting.Enqueue(request with { Tag = (ulong)index, Flags = request.Flags & ~DeviceFlags.Dsync });
        }
        else if (fault != FaultMode.None)
        {
            slot.Error = Error;
            slot.InnerDone = true;
        }
        else
        {
            _starting.Enqueue(request with { Tag = (ulong)index });
        }
    }

    private FaultMode NextFault(in DeviceRequest request)
    {
        FaultMode mode = Mode;
        FaultMode fault = mode & Kind(request);
        if (fault == FaultMode.None && (request.Flags & DeviceFlags.Dsync) != 0)
            fault = mode & FaultMode.Dsync;
        if (fault == FaultMode.None)
            return FaultMode.None;

        long left = Volatile.Read(ref _errorAfter);
        if (left <= 0)
            return fault;
        Interlocked.Decrement(ref _errorAfter);
        return FaultMode.None;
    }

    private void Finish(int index)
    {
        ref Slot slot = ref _slots[index];
        _done.Enqueue(new DeviceCompletion(slot.Tag, slot.Error));
        _freeSlots.Enqueue(index);
        _unitsFreeAt.Enqueue(slot.End);
        _busyUnits--;
    }

    private int TakeSlot()
    {
        if (!_freeSlots.TryDequeue(out int index))
        {
            index = _slots.Length;
            Array.Resize(ref _slots, Math.Max(64, _slots.Length * 2));
            for (int i = index + 1; i < _slots.Length; i++)
                _freeSlots.Enqueue(i);
        }

        return index;
    }

    private bool SubmitInner()
    {
        bool any = _starting.Count > 0;
        while (_starting.Count > 0)
        {
            int count = _starting.Dequeue(_innerBatch);
            _inner.Submit(_innerBatch.AsSpan(0, count));
        }

        return any;
    }

    private void PostDone()
    {
        while (_done.Count > 0)
        {
            int count = _done.Dequeue(_completionBatch);
            _completions.Post(_completionBatch.AsSpan(0, count));
        }
    }

    private void Sleep(bool stalled, bool stopping)
    {
        lock (_lock)
        {
            bool wanted = _wantsInner;
            _wantsInner = _late > 0 && !stalled;

            // The inner device did not call for what it completed before it was asked to: look once more.
            if ((_wantsInner && !wanted) || _arrived.Count > 0 || _changed || _stopping != stopping)
                return;
            _asleep = true;
        }

        long wait = -1;
        if (!stalled && _ends.TryPeek(out _, out long end))
            wait = Math.Max(0, (end - Stopwatch.GetTimestamp()) * (1_000_000_000 / Stopwatch.Frequency));
        _waiter.Wait(wait);
        _round++;
        lock (_lock)
            _asleep = false;
    }

    private readonly record struct Arrival(DeviceRequest Request, long Time);

    // A request in a unit.
    private struct Slot
    {
        public ulong Tag;
        public long End;
        public long Round;
        public int Error;
        public bool InnerDone;
        public bool Late;
    }
}
