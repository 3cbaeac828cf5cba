using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Actors;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler KIND list | show NAME | set NAME [--FIELD VALUE]... | delete NAME</c>, for each kind of entity.</summary>
internal static class EntityCommand
{
    private static readonly Field s_name = new("name", "name", FieldType.Text, "Its name");
    private static readonly Field s_revision = new("revision", "revision", FieldType.Number, "How often it was changed");
    private static readonly Field s_declared = new("declared", "declared", FieldType.Flag, "Whether it is in the configuration file");

    /// <summary>Makes the command with its three or four.</summary>
    /// <param name="kind">What it is about.</param>
    /// <param name="description">For the help.</param>
    /// <param name="more">Makes further ones below it.</param>
    /// <returns>The command.</returns>
    public static Command Create(EntityKind kind, string description, params ReadOnlySpan<Func<AdminOptions, Command>> more)
    {
        AdminOptions admin = new();
        Command command = admin.AddTo(new Command(kind.Name, description) { List(kind, admin), Show(kind, admin), Delete(kind, admin) });
        foreach (Func<AdminOptions, Command> make in more)
            command.Add(make(admin));
        return command;
    }

    /// <summary><c>set NAME</c></summary>
    /// <param name="kind">What it is about.</param>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command Set(EntityKind kind, AdminOptions admin)
    {
        Argument<string> name = NameArgument(kind, admin);
        Option<long?> revision = RevisionOption("Changes it only if this is its revision, as show says; 0: only if it is not there yet", min: 0);
        JsonOutput json = new();
        Command command = json.AddTo(new Command("set", $"Makes a new {kind.Name}, or changes one: what is not named stays, or has its default.") { name });
        (Field Field, Option<JsonNode?> Option)[] options = [.. kind.Fields.Select(field => (field, FieldOption(field)))];
        foreach ((_, Option<JsonNode?> option) in options)
            command.Add(option);
        command.Add(revision);
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            string named = parsed.GetValue(name)!;
            JsonObject fields = [];
            foreach ((Field field, Option<JsonNode?> option) in options)
            {
                if (parsed.GetResult(option) is not null)
                    fields[field.Json] = parsed.GetValue(option);
            }

            (JsonElement entity, bool isNew) = await client.PutAsync(kind, named, fields, parsed.GetValue(revision), cancellation);
            string now = s_revision.Type.Write(AdminView.Value(entity, s_revision.Json));
            json.Print(parsed, entity, (_, output) => output.WriteLine($"{kind.Name} {named}: {(isNew ? "made" : "changed")}, revision {now}"));
        }));
        return command;
    }

    /// <summary>The name of an entity, as an argument.</summary>
    /// <param name="kind">What it is a name of.</param>
    /// <param name="admin">Who knows the names that there are.</param>
    /// <returns>The argument, which takes no text that can't be a name.</returns>
    public static Argument<string> NameArgument(EntityKind kind, AdminOptions admin)
    {
        Argument<string> name = new("NAME") { Description = $"Name of the {kind.Name}" };
        name.Validators.Add(result =>
        {
            if (!CatalogLimits.IsName(result.Tokens[0].Value))
                result.AddError($"NAME: '{result.Tokens[0].Value}' is no name of a {kind.Name}: {CatalogLimits.NameRule}");
        });
        return admin.Completed(name, kind.Path);
    }

    private static Command List(EntityKind kind, AdminOptions admin)
    {
        JsonOutput json = new();
        Command command = json.AddTo(new Command("list", $"Lists all of them: {kind.Path}."));
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed,
            await client.ListAsync(kind.Path, cancellation),
            (items, output) => AdminView.Write(
                items, [s_name, .. kind.Fields.Where(field => field.IsListed), s_revision, s_declared], $"no {kind.Path}", output))));
        return command;
    }

    private static Command Show(EntityKind kind, AdminOptions admin)
    {
        Argument<string> name = NameArgument(kind, admin);
        JsonOutput json = new();
        Command command = json.AddTo(new Command("show", $"Shows one {kind.Name}, and what it does now.") { name });
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed,
            await client.GetAsync(kind, parsed.GetValue(name)!, cancellation),
            (entity, output) => AdminView.Write(entity, kind.Fields, output))));
        return command;
    }

    private static Command Delete(EntityKind kind, AdminOptions admin)
    {
        Argument<string> name = NameArgument(kind, admin);
        Option<long?> revision = RevisionOption("Deletes it only if this is its revision, as show says", min: 1);
        Option<bool> open = new("--open") { Description = "Also if it is the last one: from then on whoever reaches an NBD address opens any disk" };
        Command command = new("delete", $"Deletes one {kind.Name}.") { name, revision };
        if (kind == EntityKind.Identity)
            command.Add(open);
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            string named = parsed.GetValue(name)!;
            await client.DeleteAsync(kind, named, parsed.GetValue(revision), kind == EntityKind.Identity && parsed.GetValue(open), cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{kind.Name} {named}: deleted");
        }));
        return command;
    }

    /// <summary>A field as an option.</summary>
    /// <param name="field">The field.</param>
    /// <returns>The option; its value is as the API takes it.</returns>
    public static Option<JsonNode?> FieldOption(Field field)
    {
        Option<JsonNode?> option = new($"--{field.Name}")
        {
            Description = field.Description,
            HelpName = field.Type.HelpName,
            Arity = field.Type.IsList ? ArgumentArity.OneOrMore : ArgumentArity.ExactlyOne,
            CustomParser = argument =>
            {
                JsonArray values = [];
                foreach (string text in argument.Tokens.Select(token => token.Value))
                {
                    if (field.Type.TryRead(text, out JsonNode? value, out string? problem))
                        values.Add(value);
                    else
                        argument.AddError($"--{field.Name}: {problem}");
                }

                // A node has one parent.
                return field.Type.IsList || values.Count == 0 ? values : values[0]!.DeepClone();
            },
        };
        option.CompletionSources.Add([.. field.Type.Words]);
        return option;
    }

    private static Option<long?> RevisionOption(string description, long min)
    {
        Option<long?> option = new("--if-revision") { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (!result.Implicit && (!long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number < min))
                result.AddError($"--if-revision: '{result.Tokens[0].Value}' is not a whole number from {min.ToString(CultureInfo.InvariantCulture)}");
        });
        return option;
    }
}
