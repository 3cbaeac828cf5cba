using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>The clock and the timer of a volume that runs on a loop.</summary>
internal sealed class LoopTimerOfVolume : IVolumeTimer, ILoopWork
{
    private readonly ActorRef _volume;
    private readonly LoopTimer _timer;

    public LoopTimerOfVolume(EventLoop loop, ActorRef volume)
    {
        _volume = volume;
        _timer = loop.AddTimer(this);
    }

    /// <inheritdoc/>
    public long NowNs => EventLoop.NowNs;

    /// <inheritdoc/>
    public void WakeAt(long timeNs) => _timer.DueNs = timeNs;

    /// <inheritdoc/>
    public void Run() => _volume.Tell(WakeUp.Instance);
}
