using System.CommandLine;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary>The options <c>--config</c> and <c>--set</c>, which say what the configuration is.</summary>
internal sealed class ConfigOptions
{
    private readonly Option<string?> _file = new("--config")
    {
        Description = $"Configuration file (HOCON). Default: {SettingsLoader.DefaultFile}",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Overrides one key of the file, e.g. --set volumes.vol0.depth=8. May be repeated.",
        HelpName = "key=value",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    };

    /// <summary>Gives them to a command.</summary>
    /// <param name="command">The command.</param>
    /// <returns>The command.</returns>
    public Command AddTo(Command command)
    {
        command.Add(_file);
        command.Add(_set);
        return command;
    }

    /// <summary>What they were set to.</summary>
    /// <param name="parsed">The command line.</param>
    /// <returns>Where the configuration is.</returns>
    public SettingsSource Source(ParseResult parsed) => new(parsed.GetValue(_file), parsed.GetValue(_set) ?? []);
}
