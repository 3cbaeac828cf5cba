using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>A volume's clock and timer in virtual time.</summary>
internal sealed class SimulatedTimer(SimulatedSystem system, ActorRef volume) : IVolumeTimer, IAgendaItem
{
    private long _wakeAtNs = long.MaxValue;

    /// <summary>The one entry of the agenda that counts: not later than what is wanted, and put off when it comes too soon.</summary>
    private long _entryNs = long.MaxValue;

    public long NowNs => system.NowNs;

    public void WakeAt(long timeNs)
    {
        _wakeAtNs = timeNs == long.MaxValue ? timeNs : Math.Max(timeNs, system.NowNs);
        if (_wakeAtNs < _entryNs)
            Enter();
    }

    public void Due(long tag)
    {
        if (tag != _entryNs)
            return;
        _entryNs = long.MaxValue;
        if (_wakeAtNs == long.MaxValue)
            return;
        if (_wakeAtNs > tag)
        {
            Enter();
            return;
        }

        _wakeAtNs = long.MaxValue;
        volume.Tell(WakeUp.Instance);
    }

    private void Enter()
    {
        _entryNs = _wakeAtNs;
        system.At(_entryNs, this, _entryNs);
    }
}
