using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>Tables and progress for a reader at a terminal, or as plain text for a file or a pipe.</summary>
internal static class Terminal
{
    // Nothing is cut or wrapped where there is no edge; a narrow terminal rather wraps a line than that a figure is cut.
    private const int UnboundedWidth = 100_000;
    private const int TerminalWidthMin = 120;

    /// <summary>A console for tables.</summary>
    /// <param name="writer">Standard output, or anything else.</param>
    public static IAnsiConsole ForTables(TextWriter writer)
    {
        IAnsiConsole console = On(writer);
        console.Profile.Width = console.Profile.Out.IsTerminal ? Math.Max(console.Profile.Width, TerminalWidthMin) : UnboundedWidth;
        return console;
    }

    /// <summary>A console on a writer.</summary>
    /// <param name="writer">Standard output, standard error, or anything else.</param>
    public static IAnsiConsole On(TextWriter writer)
    {
        AnsiConsoleOutput output = new(writer);
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = output,
            Ansi = output.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = output.IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = output.IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
    }

    /// <summary>A table with a frame at a terminal, and with columns only elsewhere.</summary>
    /// <param name="console">Where it will be written.</param>
    /// <param name="columns">Headings; the first column's texts begin at the left, the others' end at the right.</param>
    public static Table Table(IAnsiConsole console, params ReadOnlySpan<string> columns)
    {
        Table table = new() { Border = console.Profile.Out.IsTerminal ? TableBorder.Rounded : TableBorder.None };
        foreach (string column in columns)
        {
            TableColumn added = new(Markup.Escape(column)) { NoWrap = true };
            if (table.Columns.Count > 0)
                added.Alignment = Justify.Right;
            _ = table.AddColumn(added);
        }

        return table;
    }

    /// <summary>Adds a row of texts as they are.</summary>
    /// <param name="table">The table.</param>
    /// <param name="cells">One for each column.</param>
    public static void AddRow(Table table, params IEnumerable<string> cells) => table.AddRow(cells.Select(cell => new Text(Printable(cell))));

    /// <summary>A text on one line, without characters that a terminal would obey: it may be a stranger's.</summary>
    /// <param name="text">The text.</param>
    public static string Printable(string text) =>
        string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? '?' : c));
}
