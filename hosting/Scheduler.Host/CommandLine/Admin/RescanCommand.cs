using System.CommandLine;
using System.Text.Json;
using Scheduler.Host.Api;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler rescan</c></summary>
internal static class RescanCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        JsonOutput json = new();
        Command command = json.AddTo(admin.AddTo(new Command("rescan", "Has a running service read its LVM2 volume groups anew.")));
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            JsonElement answer = await client.RescanAsync(cancellation);
            JsonElement refused = AdminView.Value(answer, "refused");
            bool isDone = refused.ValueKind != JsonValueKind.Array || refused.GetArrayLength() == 0;
            json.Print(parsed, answer, (_, output) => output.Write(isDone ? "volume groups: read anew\n" : ""));
            if (!isDone)
                throw new AdminException(FieldType.TextOf(refused));
        }));
        return command;
    }
}
