using System.CommandLine;
using Scheduler.Actors;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler ring list | close ID</c></summary>
internal static class RingCommand
{
    private static readonly Field[] s_fields =
    [
        new("id", "id", FieldType.Text, "What close takes"),
        new("volume", "volume", FieldType.Text, "Where its disk lies"),
        new("disk", "disk", FieldType.Text, "What it is connected to"),
        new("guest", "guest", FieldType.Text, "Who owns that"),
        new("peer", "peer", FieldType.Text, "Where it comes from"),
        new("tls", "tls", FieldType.Flag, "Whether it is encrypted"),
        new("credits", "credits", FieldType.Number, "Requests that it may have at once"),
        new("inFlight", "in-flight", FieldType.Number, "Requests that it has now"),
    ];

    /// <summary>Makes the command.</summary>
    /// <returns>The command with its two.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        return admin.AddTo(new Command("ring", "Shows and closes connections of guests.") { List(admin), Close(admin) });
    }

    private static Command List(AdminOptions admin)
    {
        JsonOutput json = new();
        Command command = json.AddTo(new Command("list", "Lists the connections that there are."));
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed, await client.ListAsync("rings", cancellation), (items, output) => AdminView.Write(items, s_fields, "no rings", output))));
        return command;
    }

    private static Command Close(AdminOptions admin)
    {
        Argument<string> id = new("ID") { Description = "As list has it" };
        id.Validators.Add(result =>
        {
            if (!CatalogLimits.IsName(result.Tokens[0].Value))
                result.AddError($"ID: '{result.Tokens[0].Value}' is not the id of a ring; see scheduler ring list");
        });
        Command command = new("close", "Closes one. Its client may come back.") { id };
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            await client.CloseRingAsync(parsed.GetValue(id)!, cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"ring {parsed.GetValue(id)}: closed");
        }));
        return command;
    }
}
