namespace Scheduler.Nbd.Protocol;

/// <summary>What <c>base:allocation</c> says of an extent (section "base:allocation metadata context").</summary>
[Flags]
public enum BlockState : uint
{
    /// <summary>Allocated, content unknown: always a safe answer.</summary>
    Data = 0,

    /// <summary>Not allocated: a later write there may fail for lack of space.</summary>
    Hole = 1 << 0,

    /// <summary>Reads as zeroes.</summary>
    Zero = 1 << 1,
}
