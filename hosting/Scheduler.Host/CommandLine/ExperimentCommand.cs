using System.CommandLine;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler experiment run|list|compare</c></summary>
internal static class ExperimentCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command with its three.</returns>
    public static Command Create() => new("experiment", "Runs guests on a simulated device under one policy after another, and compares what they get.")
    {
        ExperimentRunCommand.Create(),
        ExperimentListCommand.Create(),
        ExperimentCompareCommand.Create(),
    };
}
