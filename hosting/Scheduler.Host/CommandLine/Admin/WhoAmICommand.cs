using System.CommandLine;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler whoami</c></summary>
internal static class WhoAmICommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        JsonOutput json = new();
        Command command = json.AddTo(admin.AddTo(new Command("whoami", "Shows who you are to a running service, and what you may do there.")));
        command.SetAction((parsed, cancellation) => admin.AskAsync(
            parsed, async client => json.Print(parsed, await client.WhoAmIAsync(cancellation), (caller, output) => AdminView.Write(caller, [], output))));
        return command;
    }
}
