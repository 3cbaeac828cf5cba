using System.CommandLine;
using System.Globalization;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler history [--limit N]</c>, and <c>scheduler fault history VOLUME [--limit N]</c></summary>
internal static class HistoryCommand
{
    private const int LimitMax = 100_000;

    private static readonly Field[] s_fields =
    [
        new("number", "number", FieldType.Number, "Of the change"),
        new("at", "at", FieldType.Text, "When, in UTC"),
        new("kind", "kind", FieldType.Text, "Kind of what was changed"),
        new("name", "name", FieldType.Text, "Its name"),
        new("change", "change", FieldType.Text, "What was done to it"),
        new("by", "by", FieldType.Text, "Who did it"),
    ];

    private static readonly Field[] s_faultFields =
    [
        new("number", "number", FieldType.Number, "Of the change"),
        new("at", "at", FieldType.Text, "When, in UTC"),
        new("domain", "domain", FieldType.Number, "Number of the flush domain"),
        new("change", "change", FieldType.Text, "What happened to its fault"),
        new("errno", "errno", FieldType.Number, "Of a sync that failed"),
        new("by", "by", FieldType.Text, "Who cleared it"),
    ];

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        JsonOutput json = new();
        Option<int> limit = LimitOption();
        Command command = json.AddTo(admin.AddTo(new Command("history", "Shows what was changed in the running service, and by whom, the newest first.") { limit }));
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed,
            await client.HistoryAsync(parsed.GetValue(limit), cancellation),
            (items, output) => AdminView.Write(items, s_fields, "nothing was changed yet", output))));
        return command;
    }

    /// <summary>Makes the command for faults.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command OfFaults(AdminOptions admin)
    {
        JsonOutput json = new();
        Argument<string> volume = EntityCommand.NameArgument(EntityKind.Volume, admin);
        Option<int> limit = LimitOption();
        Command command = json.AddTo(new Command("history", "Shows a volume's faults and who cleared them, the newest first.") { volume, limit });
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client => json.Print(
            parsed,
            await client.FaultHistoryAsync(parsed.GetValue(volume)!, parsed.GetValue(limit), cancellation),
            (items, output) => AdminView.Write(items, s_faultFields, "no sync has failed", output))));
        return command;
    }

    private static Option<int> LimitOption()
    {
        Option<int> limit = new("--limit") { Description = "Most changes to show", HelpName = "N", DefaultValueFactory = _ => 20 };
        limit.Validators.Add(result =>
        {
            if (!result.Implicit && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > LimitMax))
                result.AddError($"--limit: '{result.Tokens[0].Value}' is not a whole number from 1 to {LimitMax}");
        });
        return limit;
    }
}
