using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>A clock by which half as much time passes, for <see cref="PlantedBug.ClockRunsSlow"/>.</summary>
internal sealed class SlowTimer(SimulatedTimer timer) : IVolumeTimer
{
    public long NowNs => timer.NowNs / 2;

    public void WakeAt(long timeNs) => timer.WakeAt(timeNs >= long.MaxValue / 2 ? long.MaxValue : timeNs * 2);
}
