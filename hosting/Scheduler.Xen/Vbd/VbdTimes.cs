namespace Scheduler.Xen.Vbd;

/// <summary>How long a server waits, in nanoseconds. Tests wait less.</summary>
internal sealed record VbdTimes
{
    /// <summary>Until something that did not work is tried again.</summary>
    public long PauseNs { get; init; } = 1_000_000_000;

    /// <summary>Between two looks at one disk.</summary>
    public long LookNs { get; init; } = 5_000_000;
}
