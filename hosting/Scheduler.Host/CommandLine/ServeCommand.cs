using System.CommandLine;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler serve [--config FILE] [--set key=value]...</c></summary>
public static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="serve">What it runs; loads the configuration, and gives the exit code.</param>
    /// <returns>The command, whose action throws <see cref="HoconException"/> for a wrong configuration.</returns>
    public static Command Create(Func<SettingsSource, CancellationToken, Task<int>> serve)
    {
        ConfigOptions options = new();
        Command command = options.AddTo(new Command("serve", "Serves the configured disks until it is told to stop."));
        command.SetAction((parsed, cancellation) => serve(options.Source(parsed), cancellation));
        return command;
    }
}
