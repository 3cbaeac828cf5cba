using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Host.Api;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler token create NAME --role ROLE</c></summary>
internal static class TokenCreateCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command Create(AdminOptions admin)
    {
        Argument<string> name = EntityCommand.NameArgument(EntityKind.Token, admin);
        Field field = EntityKind.Token.Fields.Single();
        Option<JsonNode?> role = EntityCommand.FieldOption(field);
        role.Required = true;
        JsonOutput json = new();
        Command command = json.AddTo(new Command("create", "Makes a token, and prints it: only here, and never again.") { name, role });
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            string named = parsed.GetValue(name)!;
            JsonObject fields = new() { [field.Json] = parsed.GetValue(role) };
            (JsonElement token, _) = await client.PutAsync(EntityKind.Token, named, fields, revision: null, cancellation);

            // One that is there already has no secret to show: a script must not take that for success.
            if (AdminView.Value(token, "token") is not { ValueKind: JsonValueKind.String } secret)
                throw new AdminException($"token {named} exists already, and is not shown again; delete it first, or take another name");
            json.Print(parsed, token, (_, output) => output.WriteLine(secret.GetString()));
        }));
        return command;
    }
}
