using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>
/// Says again and again that the service works, but only while the loop of every volume turns: each beat asks all of them, and
/// the last that answers has it said. While a loop owes an answer nothing is said, and nothing is asked again.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly IReadOnlyList<EventLoop> _loops;
    private readonly Action _alive;
    private readonly Timer _beat;
    private int _owed;

    /// <summary>Begins, with a first beat at once.</summary>
    /// <param name="period">Time between beats; <see cref="Timeout.InfiniteTimeSpan"/>: only the first, and those of <see cref="Beat"/>.</param>
    /// <param name="loops">The loops; at least one.</param>
    /// <param name="alive">Says it; not called on a loop.</param>
    public Watchdog(TimeSpan period, IReadOnlyList<EventLoop> loops, Action alive)
    {
        _loops = loops;
        _alive = alive;
        _beat = new Timer(_ => Beat(), null, TimeSpan.Zero, period);
    }

    /// <summary>Asks all loops, unless one still owes an answer.</summary>
    public void Beat()
    {
        if (Interlocked.CompareExchange(ref _owed, _loops.Count, 0) != 0)
            return;
        foreach (EventLoop loop in _loops)
            loop.Post(Answer);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using ManualResetEvent ended = new(false);
        if (_beat.Dispose(ended))
            _ = ended.WaitOne();
    }

    // Telling takes a system call that may wait, which a loop must not.
    private void Answer()
    {
        if (Interlocked.Decrement(ref _owed) == 0)
            _ = ThreadPool.UnsafeQueueUserWorkItem(static alive => alive(), _alive, preferLocal: false);
    }
}
