using System.Runtime.InteropServices;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>What a test needs of its machine. Without it the test is skipped, and says why.</summary>
internal static partial class Requires
{
    private const nint IoUringSetup = 425;
    private const int EFAULT = 14;

    /// <summary>Where programs are looked for; those for administrators too.</summary>
    public static readonly string[] SearchPath =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

    private static bool InContinuousIntegration => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Programs. In continuous integration a missing one is a failure: there it should be.</summary>
    public static void Tool(params string[] names)
    {
        foreach (string name in names)
        {
            bool found = SearchPath.Any(directory => File.Exists(Path.Combine(directory, name)));
            Installed(found, $"the program {name} is not installed");
        }
    }

    /// <summary>Something that tests/run installs.</summary>
    public static void Installed(bool found, string reason)
    {
        Assert.False(!found && InContinuousIntegration, reason);
        Skip.IfNot(found, reason);
    }

    /// <summary>The kernel lets a volume do its I/O in that way: <c>threads</c>, <c>io-uring</c> or <c>auto</c>.</summary>
    public static void Io(string io)
    {
        if (io != "io-uring")
            return;

        // Without parameters there is none to make; where it is refused at all, that comes first.
        bool allowed = SystemCall(IoUringSetup, 1, 0) == -1 && Marshal.GetLastPInvokeError() == EFAULT;
        That(allowed, "io_uring can't be used here");
    }

    /// <summary>A privilege, or a feature of the kernel or file system.</summary>
    public static void That(bool condition, string reason) => Skip.IfNot(condition, reason);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a1, nint a2);
}
