using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>A ring's buffers, which are numbers here; what counts is when they are given back.</summary>
internal sealed class SimulatedMemory : RingMemory
{
    /// <summary>Somebody of this incarnation holds it. A machine that is gone holds nothing.</summary>
    public bool InUse { get; set; } = true;

    /// <summary>All have let go.</summary>
    public bool GivenBack { get; private set; }

    protected override void GiveBack() => GivenBack = true;
}
