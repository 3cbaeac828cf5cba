using System.Text.Json;
using Scheduler.Host.Api.Client;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>Answers of the admin API as tables.</summary>
internal static class AdminView
{
    /// <summary>A list.</summary>
    /// <param name="items">Objects.</param>
    /// <param name="fields">The columns.</param>
    /// <param name="none">What to say if there is none.</param>
    /// <param name="output">Where to.</param>
    public static void Write(IReadOnlyList<JsonElement> items, IEnumerable<Field> fields, string none, TextWriter output)
    {
        if (items.Count == 0)
        {
            output.WriteLine(none);
            return;
        }

        Field[] columns = [.. fields];
        IAnsiConsole console = Terminal.ForTables(output);
        Table table = Terminal.Table(console, [.. columns.Select(column => column.Name)]);
        foreach (JsonElement item in items)
            Terminal.AddRow(table, columns.Select(column => column.Type.Write(Value(item, column.Json))));
        console.Write(table);
    }

    /// <summary>One object, a line for each field; those that are not known as the API has them.</summary>
    /// <param name="item">The object.</param>
    /// <param name="fields">What is known of its fields.</param>
    /// <param name="output">Where to.</param>
    public static void Write(JsonElement item, IReadOnlyList<Field> fields, TextWriter output)
    {
        (string Name, string Text)[] lines = [.. Lines(item, fields)];
        int width = lines.Select(line => line.Name.Length).DefaultIfEmpty().Max();
        foreach ((string name, string text) in lines)
            output.WriteLine($"{name.PadRight(width)}  {Terminal.Printable(text)}");
    }

    /// <summary>A field of an object.</summary>
    /// <param name="item">The object, or something else.</param>
    /// <param name="name">The field's name.</param>
    /// <returns>Its value; undefined if it is not there.</returns>
    public static JsonElement Value(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) ? value : default;

    private static IEnumerable<(string Name, string Text)> Lines(JsonElement item, IReadOnlyList<Field> fields, string prefix = "")
    {
        if (item.ValueKind != JsonValueKind.Object)
            yield break;
        foreach (JsonProperty property in item.EnumerateObject())
        {
            Field? field = fields.FirstOrDefault(field => field.Json == property.Name);
            string name = prefix + (field?.Name ?? JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name));
            if (property.Value.ValueKind != JsonValueKind.Object)
            {
                yield return (name, field?.Type.Write(property.Value) ?? FieldType.TextOf(property.Value));
                continue;
            }

            // What is live is of another set of fields than what was set.
            foreach ((string, string) line in Lines(property.Value, [], name + "."))
                yield return line;
        }
    }
}
