using System.CommandLine;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler disk detach NAME</c></summary>
internal static class DiskDetachCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command Create(AdminOptions admin)
    {
        Argument<string> name = EntityCommand.NameArgument(EntityKind.Disk, admin);
        JsonOutput json = new();
        Command command = json.AddTo(new Command("detach", "Closes all connections to a disk. Clients may come back.") { name });
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed,
            await client.DetachAsync(parsed.GetValue(name)!, cancellation),
            (answer, output) => output.WriteLine($"disk {parsed.GetValue(name)}: {FieldType.TextOf(AdminView.Value(answer, "closed"))} connections closed"))));
        return command;
    }
}
