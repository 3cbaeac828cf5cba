namespace Scheduler.Storage.Tests;

/// <summary>What a test needs of its machine. Without it the test is skipped, and says why.</summary>
internal static class Requires
{
    private static bool InContinuousIntegration => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Programs. In continuous integration a missing one is a failure: there it is installed, or should be.</summary>
    public static void Tool(params string[] names)
    {
        foreach (string name in names)
        {
            bool found = SearchPath().Any(directory => File.Exists(Path.Combine(directory, name)));
            Installed(found, $"the program {name} is not installed");
        }
    }

    /// <summary>Something that tests/run installs.</summary>
    public static void Installed(bool found, string reason)
    {
        Assert.False(!found && InContinuousIntegration, reason);
        Skip.IfNot(found, reason);
    }

    /// <summary>A privilege, or a feature of the kernel or file system.</summary>
    public static void That(bool condition, string reason) => Skip.IfNot(condition, reason);

    private static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin", "/usr/bin", "/bin"]);
}
