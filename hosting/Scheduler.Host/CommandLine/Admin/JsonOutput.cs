using System.CommandLine;
using System.Text.Json;

namespace Scheduler.Host.CommandLine;

/// <summary>The option <c>--json</c>: the API's own answer for scripts, in place of a text for people.</summary>
internal sealed class JsonOutput
{
    private readonly Option<bool> _json = new("--json") { Description = "Prints JSON, as the admin API answers it" };

    /// <summary>Gives the option to a command.</summary>
    /// <param name="command">The command.</param>
    /// <returns>The command.</returns>
    public Command AddTo(Command command)
    {
        command.Add(_json);
        return command;
    }

    /// <summary>Prints one thing.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="answer">The API's answer.</param>
    /// <param name="print">Prints it for people.</param>
    public void Print(ParseResult parsed, JsonElement answer, Action<JsonElement, TextWriter> print)
    {
        if (IsChosen(parsed))
            parsed.InvocationConfiguration.Output.WriteLine(answer.GetRawText());
        else
            print(answer, parsed.InvocationConfiguration.Output);
    }

    /// <summary>Prints a list, with all its parts in one.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="items">What is in it.</param>
    /// <param name="print">Prints them for people.</param>
    public void Print(ParseResult parsed, IReadOnlyList<JsonElement> items, Action<IReadOnlyList<JsonElement>, TextWriter> print)
    {
        if (IsChosen(parsed))
            parsed.InvocationConfiguration.Output.WriteLine($$"""{"items":[{{string.Join(',', items.Select(item => item.GetRawText()))}}],"next":null}""");
        else
            print(items, parsed.InvocationConfiguration.Output);
    }

    /// <summary>Whether it was given.</summary>
    /// <param name="parsed">The command line.</param>
    public bool IsChosen(ParseResult parsed) => parsed.GetValue(_json);
}
