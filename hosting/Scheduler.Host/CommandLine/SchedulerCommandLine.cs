using System.CommandLine;
using System.CommandLine.Help;
using Scheduler.Host.Api.Client;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary>The command <c>scheduler</c>.</summary>
public static class SchedulerCommandLine
{
    /// <summary>Exit code for a command line or a configuration that is wrong.</summary>
    public const int ExitUsage = 2;

    /// <summary>What the exit codes of all commands mean.</summary>
    internal const string ExitCodes =
        "0 done; 1 it failed, or what was to hold does not; 2 the command line or the configuration is wrong";

    /// <summary>Parses and runs a command line.</summary>
    /// <param name="args">Arguments without the program's name.</param>
    /// <param name="output">For help and the version.</param>
    /// <param name="error">For errors, one line each.</param>
    /// <param name="serve">What <c>serve</c> runs; loads the configuration, and gives the exit code.</param>
    /// <param name="cancellation">Stops the running command.</param>
    /// <returns>0 for success, <see cref="ExitUsage"/>, or what <paramref name="serve"/> gave.</returns>
    public static async Task<int> RunAsync(
        string[] args,
        TextWriter output,
        TextWriter error,
        Func<SettingsSource, CancellationToken, Task<int>> serve,
        CancellationToken cancellation)
    {
        RootCommand root = new($"Serves the disks of many guests on shared volumes.\n\nExit codes: {ExitCodes}.")
        {
            ServeCommand.Create(serve),
            ConfigCommand.Create(),
            SimulateCommand.Create(),
            ExperimentCommand.Create(),
            CalibrateCommand.Create(),
            LoadCommand.Create(),
            LvmCommand.Create(),
            EntityCommand.Create(EntityKind.Volume, "Shows and changes the volumes of a running service.", admin => EntityCommand.Set(EntityKind.Volume, admin)),
            EntityCommand.Create(
                EntityKind.Disk,
                "Shows and changes its disks.",
                admin => EntityCommand.Set(EntityKind.Disk, admin),
                DiskDetachCommand.Create),
            EntityCommand.Create(EntityKind.Guest, "Shows and changes its guests.", admin => EntityCommand.Set(EntityKind.Guest, admin)),
            EntityCommand.Create(
                EntityKind.Identity, "Shows and changes who is which guest.", admin => EntityCommand.Set(EntityKind.Identity, admin)),
            EntityCommand.Create(EntityKind.Token, "Shows, makes and deletes admin tokens.", TokenCreateCommand.Create),
            RingCommand.Create(),
            HistoryCommand.Create(),
            WhoAmICommand.Create(),
            RescanCommand.Create(),
            TopCommand.Create(),
            FaultCommand.Create(),
            JournalCommand.Create(),
            CompletionCommand.Create(),
        };

        // Here, what begins with '/' is a path.
        foreach (string alias in (string[])["/h", "/?"])
            _ = root.Options.OfType<HelpOption>().Single().Aliases.Remove(alias);

        // An argument that begins with '@' is a value here, not the name of a file of more arguments.
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            string problem = parsed.UnmatchedTokens is [string token, ..]
                ? $"'{token}' is neither a command nor an option."
                : parsed.Errors[0].Message;
            await error.WriteLineAsync($"{problem.ReplaceLineEndings(" ")} See scheduler --help.");
            return ExitUsage;
        }

        InvocationConfiguration invocation = new()
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,

            // Signals are StopSignals' business: a service that has to flush must not be given two seconds.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(invocation, cancellation);
        }
        catch (HoconException e)
        {
            await error.WriteLineAsync(e.Message);
            return ExitUsage;
        }
    }
}
