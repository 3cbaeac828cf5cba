using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Scheduler.Host.Api;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler fault list [--json] [--admin ADDRESS]</c></summary>
internal static class FaultListCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command Create(AdminOptions admin)
    {
        JsonOutput json = new();
        Command command = json.AddTo(new Command("list", "Lists the faults."));
        command.SetAction((parsed, cancellation) => admin.AskAsync(parsed, async client =>
        {
            IReadOnlyList<FaultItem> faults = await client.FaultsAsync(cancellation);
            JsonElement answer = JsonSerializer.SerializeToElement(new FaultList(faults), ApiJson.Default.FaultList);
            json.Print(parsed, answer, (_, output) => Print(faults, output));
        }));
        return command;
    }

    private static void Print(IReadOnlyList<FaultItem> faults, TextWriter output)
    {
        if (faults.Count == 0)
        {
            output.WriteLine("no faults");
            return;
        }

        IAnsiConsole console = Terminal.ForTables(output);
        Table table = Terminal.Table(console, "volume", "domain", "errno", "error", "since");
        foreach (FaultItem fault in faults)
        {
            Terminal.AddRow(
                table,
                fault.Volume,
                fault.Domain.ToString(CultureInfo.InvariantCulture),
                fault.Errno.ToString(CultureInfo.InvariantCulture),
                fault.Error,
                fault.Since?.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) ?? "unknown");
        }

        console.Write(table);
    }
}
