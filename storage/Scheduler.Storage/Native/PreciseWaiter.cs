namespace Scheduler.Storage.Native;

/// <summary>
/// One thread's wait for a wake-up or a moment, whichever is first, to some tens of microseconds; the runtime's own timed
/// waits round to milliseconds.
/// </summary>
internal sealed unsafe class PreciseWaiter : IDisposable
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly int _event;

    public PreciseWaiter()
    {
        _event = LibC.EventFd(0, LibC.EventFdCloseOnExec | LibC.EventFdNonBlocking);
        if (_event < 0)
            throw new InvalidOperationException($"eventfd: {FileCalls.Describe(LibC.LastError)}");
    }

    /// <summary>Called once on the waiting thread: its timers are no longer rounded up by the default slack of 50 us.</summary>
    public static void SharpenThisThread() => _ = LibC.PrCtl(LibC.SetTimerSlack, 1, 0, 0, 0);

    /// <summary>Ends the present or the next wait. Any thread.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = LibC.Write(_event, &one, sizeof(ulong));
    }

    /// <summary>Waits.</summary>
    /// <param name="nanoseconds">At most that long; negative: without end.</param>
    public void Wait(long nanoseconds)
    {
        LibC.PollFd fd = new() { Fd = _event, Events = LibC.PollIn };
        LibC.TimeSpec timeout = new()
        {
            Seconds = nanoseconds / NanosecondsPerSecond,
            Nanoseconds = nanoseconds % NanosecondsPerSecond,
        };

        // A signal counts as a wake-up: the caller looks at its state and waits again.
        if (LibC.PPoll(&fd, 1, nanoseconds < 0 ? null : &timeout, null) > 0)
        {
            ulong count;
            _ = LibC.Read(_event, &count, sizeof(ulong));
        }
    }

    /// <summary>Nobody waits or wakes any more.</summary>
    public void Dispose() => _ = LibC.Close(_event);
}
