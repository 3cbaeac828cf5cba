using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>A volume's clock and timer in virtual time.</summary>
internal sealed class SimulatedTimer(SimulatedSystem system, ActorRef volume) : IVolumeTimer
{
    private long _number;

    public long NowNs => system.NowNs;

    public void WakeAt(long timeNs)
    {
        long number = ++_number;
        if (timeNs == long.MaxValue)
            return;
        system.At(timeNs, () =>
        {
            if (number == _number)
                volume.Tell(WakeUp.Instance);
        });
    }
}
