using System.Runtime.InteropServices;
using static Scheduler.Storage.Loop.EpollCalls;

namespace Scheduler.Storage.Lease;

/// <summary>A clock that never goes back and counts on while the machine is suspended, as leases do: CLOCK_BOOTTIME of clock_gettime(2).</summary>
public static unsafe partial class BootClock
{
    private const int BootTime = 7;

    /// <summary>Now, in nanoseconds.</summary>
    /// <exception cref="InvalidOperationException">The kernel has no such clock.</exception>
    public static long NowNs
    {
        get
        {
            Timespec now;
            return GetTime(BootTime, &now) == 0
                ? (now.Seconds * 1_000_000_000) + now.Nanoseconds
                : throw new InvalidOperationException($"clock_gettime(CLOCK_BOOTTIME) failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int GetTime(int clock, Timespec* time);
}
