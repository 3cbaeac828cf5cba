using System.CommandLine;
using Scheduler.Host.Api;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler fault list|clear</c></summary>
internal static class FaultCommand
{
    /// <summary>Exit code when the service can't be asked, or refuses.</summary>
    public const int ExitFailed = 1;

    private const string DefaultAddress = "http://127.0.0.1:8080";

    /// <summary>Makes the command.</summary>
    /// <returns>The command with its two.</returns>
    public static Command Create() => new("fault", "Shows and clears the failed syncs that keep a running service from writing.")
    {
        FaultListCommand.Create(),
        FaultClearCommand.Create(),
    };

    /// <summary>The option that names the service.</summary>
    /// <returns>The option.</returns>
    internal static Option<string> AdminOption()
    {
        Option<string> option = new("--admin")
        {
            Description = "The running service's admin.listen: http://address:port or unix:path",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => DefaultAddress,
        };
        option.Validators.Add(result =>
        {
            if (!result.Implicit && !AdminClient.IsAddress(result.Tokens[0].Value))
                result.AddError($"--admin: '{result.Tokens[0].Value}' is not an address; write e.g. {DefaultAddress} or unix:path");
        });
        return option;
    }

    /// <summary>Does something with a running service, and says in one line why it could not.</summary>
    /// <param name="address">The service's admin address.</param>
    /// <param name="error">For the line.</param>
    /// <param name="ask">What to do.</param>
    /// <returns>The exit code.</returns>
    internal static async Task<int> AskAsync(string address, TextWriter error, Func<AdminClient, Task> ask)
    {
        using AdminClient client = new(address);
        try
        {
            await ask(client);
            return 0;
        }
        catch (AdminException e)
        {
            await error.WriteLineAsync(e.Message.ReplaceLineEndings(" "));
            return ExitFailed;
        }
    }
}
