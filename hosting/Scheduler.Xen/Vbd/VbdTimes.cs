using Scheduler.Storage.Loop;

namespace Scheduler.Xen.Vbd;

/// <summary>How long a server waits, in nanoseconds. Tests wait less.</summary>
internal sealed record VbdTimes
{
    /// <summary>Until something that did not work is tried again.</summary>
    public long PauseNs { get; init; } = 1_000_000_000;

    /// <summary>Between two looks at one disk.</summary>
    public long LookNs { get; init; } = 5_000_000;

    /// <summary>The clock that a guest which begins anew all the time is followed by.</summary>
    public Func<long> Now { get; init; } = () => EventLoop.NowNs;
}
