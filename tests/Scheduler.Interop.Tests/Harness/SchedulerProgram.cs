using System.Reflection;
using System.Runtime.InteropServices;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>The program under test: the one built with these tests, or the one that SCHEDULER_PROGRAM names.</summary>
internal static class SchedulerProgram
{
    public static string Path { get; } = Find();

    /// <summary>SCHEDULER_PROGRAM named it, before any test did that for a script.</summary>
    public static bool IsAnother { get; private set; }

    private static string Find()
    {
        // The runtime of the tests runs the program too, wherever it is installed.
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        string root = System.IO.Path.GetFullPath(System.IO.Path.Combine(runtime, "../../.."));
        Environment.SetEnvironmentVariable("DOTNET_ROOT", root);

        if (Environment.GetEnvironmentVariable("SCHEDULER_PROGRAM") is { Length: > 0 } other)
        {
            IsAnother = true;
            return other;
        }

        string assembly = typeof(SchedulerProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "SchedulerProgram").Value!;
        return System.IO.Path.ChangeExtension(assembly, null);
    }
}
