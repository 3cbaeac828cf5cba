using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>A clock that stands still while a flush is in flight, for <see cref="PlantedBug.FlushTimeNotCharged"/>.</summary>
internal sealed class FlushlessTimer(SimulatedTimer timer, IReadOnlyList<SimulatedDevice> devices) : IVolumeTimer
{
    public long NowNs => timer.NowNs - FlushingNs;

    private long FlushingNs => devices.Max(device => device.FlushingNs);

    public void WakeAt(long timeNs) => timer.WakeAt(timeNs == long.MaxValue ? timeNs : timeNs + FlushingNs);
}
