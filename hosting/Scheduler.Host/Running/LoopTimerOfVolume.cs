using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>The clock and the timer of a volume that runs on a loop.</summary>
internal sealed class LoopTimerOfVolume : IVolumeTimer, ILoopWork
{
    private readonly EventLoop _loop;
    private readonly ActorRef _volume;
    private readonly LoopTimer _timer;

    public LoopTimerOfVolume(EventLoop loop, ActorRef volume)
    {
        _loop = loop;
        _volume = volume;
        _timer = loop.AddTimer(this);
    }

    /// <inheritdoc/>
    public long NowNs => EventLoop.NowNs;

    /// <inheritdoc/>
    public void WakeAt(long timeNs) => _timer.DueNs = timeNs;

    /// <summary>Takes it off the loop. On the loop's thread.</summary>
    public void Remove() => _loop.RemoveTimer(_timer);

    /// <inheritdoc/>
    public void Run() => _volume.Tell(WakeUp.Instance);
}
