using System.CommandLine;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler serve [--config FILE] [--set key=value]...</c></summary>
public static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="serve">What it runs once the configuration was checked; gives the exit code.</param>
    /// <returns>The command, whose action throws <see cref="HoconException"/> for a wrong configuration.</returns>
    public static Command Create(Func<ServiceSettings, CancellationToken, Task<int>> serve)
    {
        Option<string?> config = new("--config")
        {
            Description = $"Configuration file (HOCON). Default: {SettingsLoader.DefaultFile}",
            HelpName = "FILE",
        };
        Option<string[]> set = new("--set")
        {
            Description = "Overrides one key of the file, e.g. --set volumes.vol0.depth=8. May be repeated.",
            HelpName = "key=value",
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        };
        Command command = new("serve", "Serves the configured disks until it is told to stop.") { config, set };
        command.SetAction((parsed, cancellation) =>
            serve(SettingsLoader.Load(parsed.GetValue(config), parsed.GetValue(set) ?? []), cancellation));
        return command;
    }
}
