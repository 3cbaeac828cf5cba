using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using static Scheduler.Storage.Loop.EpollCalls;

namespace Scheduler.Storage.Loop;

/// <summary>What a descriptor is ready for: the bits of epoll(7).</summary>
[Flags]
public enum LoopReady : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>EPOLLIN.</summary>
    Readable = 0x1,

    /// <summary>EPOLLOUT.</summary>
    Writable = 0x4,

    /// <summary>EPOLLERR; reported also if not asked for.</summary>
    Error = 0x8,

    /// <summary>EPOLLHUP; reported also if not asked for.</summary>
    HangUp = 0x10,
}

/// <summary>A piece of work for a loop: never blocks, never throws.</summary>
public interface ILoopWork
{
    /// <summary>Does the work, on the loop's thread.</summary>
    void Run();
}

/// <summary>Owner of a descriptor that a loop watches: never blocks, never throws.</summary>
public interface ILoopDescriptor
{
    /// <summary>The descriptor is ready. Called on the loop's thread, again and again while it stays so.</summary>
    /// <param name="ready">For what.</param>
    void OnReady(LoopReady ready);
}

/// <summary>
/// One thread that waits in one place: for descriptors, for the time of a timer, and for work posted from any thread.
/// Nothing that runs on it may block (design, section 6).
/// </summary>
/// <remarks>
/// A turn: all posted work, then the work for the turn's end (such as sending the replies that the turn gathered), both
/// twice, then one wait. An idle loop makes no system calls. An exception that reaches the loop is a defect that cannot be
/// attributed: it ends the process, as on any thread.
/// </remarks>
public sealed unsafe class EventLoop : IDisposable
{
    private const int EventsMax = 128;

    // Work that posts work must not keep the descriptors waiting for ever.
    private const int WorkPerTurnMax = 4096;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly Thread _thread;
    private readonly ConcurrentQueue<ILoopWork> _posted = new();
    private readonly Queue<ILoopWork> _local = new();
    private readonly List<LoopTimer> _timers = [];
    private readonly List<Registration> _registrations = [];
    private readonly Stack<int> _freeRegistrations = new();
    private List<ILoopWork> _turnEnd = [];
    private List<ILoopWork> _turnEndRunning = [];
    private int _asleep;
    private volatile bool _stop;
    private bool _disposed;

    /// <summary>Creates a loop; <see cref="Start"/> runs it.</summary>
    /// <param name="name">Name of its thread.</param>
    /// <exception cref="InvalidOperationException">The kernel refused an epoll instance or an eventfd.</exception>
    public EventLoop(string name)
    {
        Name = name;
        _epoll = Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        _wake = Check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
        EpollEvent wake = new() { Events = (uint)LoopReady.Readable, Data = ulong.MaxValue };
        _ = Check(epoll_ctl(_epoll, EPOLL_CTL_ADD, _wake, &wake), "epoll_ctl");
        if (!CanWait())
            throw new InvalidOperationException("epoll_pwait2 is not there or not allowed; Linux 5.11 and glibc 2.35, or newer, are needed");
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>Name of its thread.</summary>
    public string Name { get; }

    /// <summary>Now, in nanoseconds of a clock that never goes back; the same for all loops.</summary>
    public static long NowNs
    {
        get
        {
            // Stopwatch ticks are nanoseconds on Linux.
            long now = Stopwatch.GetTimestamp();
            return Stopwatch.Frequency == 1_000_000_000 ? now : (long)(now * (1e9 / Stopwatch.Frequency));
        }
    }

    /// <summary>Whether the caller is on the loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Has work done on the loop, after what was posted before. From any thread; from the loop's own it costs no lock.</summary>
    /// <param name="work">The work.</param>
    public void Post(ILoopWork work)
    {
        if (IsCurrent)
        {
            _local.Enqueue(work);
            return;
        }

        _posted.Enqueue(work);
        if (Interlocked.Exchange(ref _asleep, 0) == 1)
            Wake();
    }

    /// <summary>Has an action run on the loop. For set-up and tear-down; allocates.</summary>
    /// <param name="action">The action.</param>
    public void Post(Action action) => Post(new ActionWork(action));

    /// <summary>Has work done once, after all posted work of this turn and before the loop waits. On the loop's thread.</summary>
    /// <param name="work">The work.</param>
    public void AtTurnEnd(ILoopWork work) => _turnEnd.Add(work);

    /// <summary>Watches a descriptor, level-triggered. On the loop's thread.</summary>
    /// <param name="descriptor">The descriptor; it stays the caller's to close, after <see cref="Unwatch"/>.</param>
    /// <param name="owner">Told when it is ready.</param>
    /// <param name="interest">For what.</param>
    /// <returns>A handle for the other calls.</returns>
    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    public int Watch(int descriptor, ILoopDescriptor owner, LoopReady interest)
    {
        if (!_freeRegistrations.TryPop(out int handle))
        {
            handle = _registrations.Count;
            _registrations.Add(default);
        }

        uint generation = _registrations[handle].Generation + 1;
        _registrations[handle] = new Registration(descriptor, owner, generation);
        EpollEvent ev = new() { Events = (uint)interest, Data = ((ulong)generation << 32) | (uint)handle };
        _ = Check(epoll_ctl(_epoll, EPOLL_CTL_ADD, descriptor, &ev), "epoll_ctl(add)");
        return handle;
    }

    /// <summary>Changes what a descriptor is watched for. On the loop's thread.</summary>
    /// <param name="handle">From <see cref="Watch"/>.</param>
    /// <param name="interest">For what.</param>
    public void Change(int handle, LoopReady interest)
    {
        Registration registration = _registrations[handle];
        EpollEvent ev = new() { Events = (uint)interest, Data = ((ulong)registration.Generation << 32) | (uint)handle };
        _ = Check(epoll_ctl(_epoll, EPOLL_CTL_MOD, registration.Descriptor, &ev), "epoll_ctl(mod)");
    }

    /// <summary>Watches a descriptor no more; events that were gathered for it already are dropped. On the loop's thread.</summary>
    /// <param name="handle">From <see cref="Watch"/>.</param>
    public void Unwatch(int handle)
    {
        Registration registration = _registrations[handle];
        EpollEvent unused = default;
        _ = Check(epoll_ctl(_epoll, EPOLL_CTL_DEL, registration.Descriptor, &unused), "epoll_ctl(del)");
        _registrations[handle] = new Registration(-1, null, registration.Generation);
        _freeRegistrations.Push(handle);
    }

    /// <summary>Adds a timer, not set. On the loop's thread.</summary>
    /// <param name="work">Run when its time has come.</param>
    /// <returns>The timer.</returns>
    public LoopTimer AddTimer(ILoopWork work)
    {
        LoopTimer timer = new(work);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Removes a timer. On the loop's thread.</summary>
    /// <param name="timer">The timer.</param>
    public void RemoveTimer(LoopTimer timer) => _timers.Remove(timer);

    /// <summary>Stops the thread after what was posted before, waits for it, and frees the loop. Not from its own thread.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        if (IsCurrent)
            throw new InvalidOperationException($"loop {Name} can't be disposed on its own thread: it would wait for itself");
        _disposed = true;
        if (_thread.IsAlive)
        {
            Post(() => _stop = true);
            _thread.Join();
        }

        _ = close(_wake);
        _ = close(_epoll);
    }

    private static int Check(int result, string call) => result >= 0
        ? result
        : throw new InvalidOperationException($"{call} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    // Looks for the call once, at start, rather than failing on the loop.
    private bool CanWait()
    {
        try
        {
            Timespec now = default;
            EpollEvent ev;
            return epoll_pwait2(_epoll, &ev, 1, &now, null) >= 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    private void Run()
    {
        EpollEvent* events = stackalloc EpollEvent[EventsMax];
        while (!_stop)
        {
            // Twice: what the turn's end sets off, such as answers on their way to the sockets, is done before the loop
            // looks for more to do.
            bool more = RunWork();
            RunTurnEnd();
            more |= RunWork();
            RunTurnEnd();
            more |= _local.Count > 0 || _turnEnd.Count > 0;
            if (!_stop)
                Wait(events, more);
        }
    }

    private bool RunWork()
    {
        for (int i = 0; i < WorkPerTurnMax; i++)
        {
            if (!_local.TryDequeue(out ILoopWork? work) && !_posted.TryDequeue(out work))
                return false;
            work.Run();
        }

        return true;
    }

    private void RunTurnEnd()
    {
        if (_turnEnd.Count == 0)
            return;
        (_turnEnd, _turnEndRunning) = (_turnEndRunning, _turnEnd);
        foreach (ILoopWork work in _turnEndRunning)
            work.Run();
        _turnEndRunning.Clear();
    }

    private void Wait(EpollEvent* events, bool poll)
    {
        Timespec timeout = default;
        Timespec* wait = &timeout;
        if (!poll)
        {
            // A poster that comes after this sees it and wakes the loop; one that came before is seen below.
            Volatile.Write(ref _asleep, 1);
            Interlocked.MemoryBarrier();
            if (_posted.IsEmpty)
            {
                long due = NextDue();
                long ns = due == long.MaxValue ? -1 : Math.Max(0, due - NowNs);
                timeout = new Timespec { Seconds = ns / 1_000_000_000, Nanoseconds = ns % 1_000_000_000 };
                wait = ns < 0 ? null : &timeout;
            }
        }

        int count = epoll_pwait2(_epoll, events, EventsMax, wait, null);
        if (count < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
            _ = Check(count, "epoll_pwait2");
        Volatile.Write(ref _asleep, 0);
        for (int i = 0; i < count; i++)
            Deliver(events[i]);
        RunTimers();
    }

    private void Deliver(in EpollEvent ev)
    {
        if (ev.Data == ulong.MaxValue)
        {
            ulong value;
            _ = read(_wake, &value, sizeof(ulong));
            return;
        }

        Registration registration = _registrations[(int)(uint)ev.Data];
        if (registration.Generation == (uint)(ev.Data >> 32))
            registration.Owner?.OnReady((LoopReady)ev.Events);
    }

    private long NextDue()
    {
        long due = long.MaxValue;
        foreach (LoopTimer timer in _timers)
            due = Math.Min(due, timer.DueNs);
        return due;
    }

    private void RunTimers()
    {
        if (_timers.Count == 0)
            return;
        long now = -1;
        for (int i = _timers.Count - 1; i >= 0; i--)
        {
            // A timer's work may remove timers.
            if (i >= _timers.Count || _timers[i].DueNs == long.MaxValue)
                continue;
            if (now < 0)
                now = NowNs;
            LoopTimer timer = _timers[i];
            if (timer.DueNs > now)
                continue;
            timer.DueNs = long.MaxValue;
            timer.Work.Run();
        }
    }

    private void Wake()
    {
        ulong one = 1;
        _ = write(_wake, &one, sizeof(ulong));
    }

    private readonly record struct Registration(int Descriptor, ILoopDescriptor? Owner, uint Generation);

    private sealed class ActionWork(Action action) : ILoopWork
    {
        public void Run() => action();
    }
}

/// <summary>A timer of a loop. Set on the loop's thread; coming too early is not possible, late by the loop's turn is.</summary>
public sealed class LoopTimer
{
    internal LoopTimer(ILoopWork work)
    {
        Work = work;
    }

    /// <summary>When its work is to run, in <see cref="EventLoop.NowNs"/>; <see cref="long.MaxValue"/> for never. It runs once.</summary>
    public long DueNs { get; set; } = long.MaxValue;

    internal ILoopWork Work { get; }
}
