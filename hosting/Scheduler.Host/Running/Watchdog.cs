using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>
/// Says again and again that the service works, but only while the loop of every volume turns: each beat asks all of them, and
/// the last that answers has it said. While a loop owes an answer nothing is said, and nothing is asked again.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Func<IReadOnlyList<EventLoop>> _loops;
    private readonly Action _alive;
    private readonly Timer _beat;
    private readonly HashSet<EventLoop> _owing = [];

    /// <summary>Begins, with a first beat at once.</summary>
    /// <param name="period">Time between beats; <see cref="Timeout.InfiniteTimeSpan"/>: only the first, and those of <see cref="Beat"/>.</param>
    /// <param name="loops">The loops that there are now. One that is gone owes nothing.</param>
    /// <param name="alive">Says it; not called on a loop.</param>
    public Watchdog(TimeSpan period, Func<IReadOnlyList<EventLoop>> loops, Action alive)
    {
        _loops = loops;
        _alive = alive;
        _beat = new Timer(_ => Beat(), null, TimeSpan.Zero, period);
    }

    /// <summary>Asks all loops, unless one still owes an answer.</summary>
    public void Beat()
    {
        IReadOnlyList<EventLoop> loops = _loops();
        lock (_owing)
        {
            _owing.IntersectWith(loops);
            if (_owing.Count > 0)
                return;
            _owing.UnionWith(loops);
        }

        foreach (EventLoop loop in loops)
            loop.Post(() => Answer(loop));
        if (loops.Count == 0)
            _alive();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using ManualResetEvent ended = new(false);
        if (_beat.Dispose(ended))
            _ = ended.WaitOne();
    }

    // Telling takes a system call that may wait, which a loop must not.
    private void Answer(EventLoop loop)
    {
        lock (_owing)
        {
            if (!_owing.Remove(loop) || _owing.Count > 0)
                return;
        }

        _ = ThreadPool.UnsafeQueueUserWorkItem(static alive => alive(), _alive, preferLocal: false);
    }
}
