using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Api.Client;

/// <summary>How a field's values are written by people, and how by the API.</summary>
internal sealed class FieldType
{
    /// <summary>A text as it is.</summary>
    public static readonly FieldType Text = new("TEXT", text => text, TextOf);

    /// <summary>A file, whose path the service sees as the command does.</summary>
    public static readonly FieldType File = new("FILE", text => text.Length > 0 ? Path.GetFullPath(text) : throw new FormatException("needs a path"), TextOf);

    /// <summary>Several files.</summary>
    public static readonly FieldType Files = new("FILE", File._read, TextOf) { IsList = true };

    /// <summary>A whole number from 0.</summary>
    public static readonly FieldType Number = new("N", ReadNumber, TextOf);

    /// <summary>Bytes; people write <c>4GiB</c>.</summary>
    public static readonly FieldType Size = new("SIZE", text => ByteSize.Parse(text), value => IfNumber(value, ByteSize.Format));

    /// <summary>Nanoseconds; people write <c>100ms</c>.</summary>
    public static readonly FieldType Duration = new(
        "TIME",
        text => DurationText.Parse(text).Ticks * TimeSpan.NanosecondsPerTick,
        value => IfNumber(value, ns => DurationText.Format(TimeSpan.FromTicks(ns / TimeSpan.NanosecondsPerTick))));

    /// <summary>true or false.</summary>
    public static readonly FieldType Flag = new(
        "true|false", text => bool.TryParse(text, out bool flag) ? flag : throw new FormatException($"'{text}' is neither true nor false"), TextOf)
    {
        Words = ["true", "false"],
    };

    private readonly Func<string, JsonNode> _read;
    private readonly Func<JsonElement, string> _write;

    private FieldType(string helpName, Func<string, JsonNode> read, Func<JsonElement, string> write)
    {
        HelpName = helpName;
        _read = read;
        _write = write;
    }

    /// <summary>What stands for a value in the help.</summary>
    public string HelpName { get; }

    /// <summary>Whether there may be several values.</summary>
    public bool IsList { get; private init; }

    /// <summary>All values there are; empty if they can't be counted.</summary>
    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>One of the members of an enumeration.</summary>
    /// <typeparam name="T">The enumeration.</typeparam>
    public static FieldType Choice<T>()
        where T : struct, Enum => new(
            string.Join('|', KebabName.All<T>()),
            text => KebabName.TryParse<T>(text, out _) ? text : throw new FormatException($"'{text}' is not one of {KebabName.List<T>()}"),
            TextOf)
        {
            Words = KebabName.All<T>(),
        };

    /// <summary>Any value as people read it, if nothing is known of its type.</summary>
    /// <param name="value">What the API answered.</param>
    public static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => "-",
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => value.GetArrayLength() == 0 ? "-" : string.Join(", ", value.EnumerateArray().Select(TextOf)),
        _ => value.GetRawText(),
    };

    /// <summary>Reads what somebody has written.</summary>
    /// <param name="text">It.</param>
    /// <param name="value">The value as the API takes it.</param>
    /// <param name="problem">On failure, what is wrong and what to write.</param>
    /// <returns>Whether it can be read.</returns>
    public bool TryRead(string text, [NotNullWhen(true)] out JsonNode? value, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            (value, problem) = (_read(text), null);
            return true;
        }
        catch (FormatException e)
        {
            (value, problem) = (null, e.Message);
            return false;
        }
    }

    /// <summary>Writes what the API answered.</summary>
    /// <param name="value">Of this type, or null, or anything from a service of another version.</param>
    /// <returns>As <see cref="TryRead"/> takes it.</returns>
    public string Write(JsonElement value) => _write(value);

    private static JsonNode ReadNumber(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new FormatException($"'{text}' is not a whole number from 0");

    private static string IfNumber(JsonElement value, Func<long, string> write) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 0 ? write(number) : TextOf(value);
}
