using System.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler experiment list [DIR]</c></summary>
internal static class ExperimentListCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command, whose action throws <see cref="HoconException"/> for a wrong file.</returns>
    public static Command Create()
    {
        Argument<string?> directory = new("DIR")
        {
            Description = $"Directory with experiments. Default: {ExperimentCatalog.Directory}",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new("list", "Lists the experiments that there are.") { directory };
        command.SetAction(parsed => List(parsed.GetValue(directory), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void List(string? directory, TextWriter output)
    {
        IAnsiConsole console = Terminal.ForTables(output);
        Table table = Terminal.Table(console, "experiment", "guests", "policies", "description");
        table.Columns[2].Alignment = Justify.Left;
        table.Columns[3].Alignment = Justify.Left;
        table.Columns[3].NoWrap = false;
        foreach (string file in ExperimentCatalog.Files(directory))
        {
            ExperimentSpec spec = ExperimentLoader.Load(file);
            string guests = $"{spec.Groups.Sum(group => group.Count)}";
            Terminal.AddRow(table, spec.Name, guests, string.Join(' ', spec.Policies.Select(KebabName.Of)), spec.Description);
        }

        console.Write(table);
    }
}
