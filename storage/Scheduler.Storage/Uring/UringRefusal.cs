using Scheduler.Storage.Native;
using static Scheduler.Storage.Uring.UringCalls;

namespace Scheduler.Storage.Uring;

/// <summary>Why io_uring can't be used here, for the operator. "" where it can.</summary>
internal static unsafe class UringRefusal
{
    private const string Switch = "/proc/sys/kernel/io_uring_disabled";

    /// <summary>The refusal of io_uring_setup(2).</summary>
    public static string OfSetup(int error)
    {
        string described = $"io_uring_setup: {FileCalls.Describe(error)}";
        return error switch
        {
            Errno.EPERM when SwitchedOff() is { } value => $"{described} (kernel.io_uring_disabled is {value})",
            Errno.EPERM => $"{described} (a policy, such as a container's seccomp profile, forbids it)",
            LibC.ENOSYS => $"{described} (an old kernel, or a container's seccomp profile)",
            Errno.ENOMEM => $"{described} (before Linux 5.12 the queues count as locked memory: ulimit -l)",
            _ => described,
        };
    }

    /// <summary>What an io_uring lacks that the device relies on.</summary>
    public static string OfFeatures(int descriptor, uint features)
    {
        if ((features & FeatureSingleMap) == 0 || (features & FeatureNoDrop) == 0)
            return $"this kernel's io_uring drops completions that find their queue full (features 0x{features:x})";

        Probe probe = default;
        if (Register(descriptor, RegisterProbe, &probe, Probe.Operations) < 0)
            return $"io_uring_register(probe): {FileCalls.Describe(LastError)}";
        foreach (Op op in Enum.GetValues<Op>())
        {
            if (!probe.Supports(op))
                return $"this kernel's io_uring lacks operation {(byte)op}";
        }

        return "";
    }

    private static string? SwitchedOff()
    {
        try
        {
            string value = File.ReadAllText(Switch).Trim();
            return value == "0" ? null : value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Before Linux 6.6 there is no such switch.
            return null;
        }
    }
}
