using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Scheduler.Host.Configuration;

/// <summary>A key that is set, with what it is set to.</summary>
/// <param name="FlatKey">The key in flat form, e.g. <c>scheduler:volumes:vol0:depth</c>.</param>
/// <param name="Name">The key as a file spells it.</param>
/// <param name="Value">The value in HOCON.</param>
/// <param name="Position">Where it was written.</param>
internal sealed record EffectiveValue(string FlatKey, string Name, string Value, HoconPosition Position);

/// <summary>The keys of a configuration that are set, as a file would set them.</summary>
internal static class EffectiveValues
{
    private static readonly JsonSerializerOptions s_quoted = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Lists them, in the order in which they were first written. A section with nothing in it is one too.</summary>
    /// <param name="document">The configuration.</param>
    /// <returns>The keys; those that are null are left out.</returns>
    public static IEnumerable<EffectiveValue> Of(HoconDocument document)
    {
        foreach ((string key, string? text) in document.Values)
        {
            if (key.Length == 0 || IsItem(document, key))
                continue;
            string? value = text is not null ? Scalar(text)
                : document.IsList(key) ? List(document, key)
                : document.NamesIn(key).Count == 0 ? "{}"
                : null;
            if (value is not null)
                yield return new EffectiveValue(key, document.NameOf(key), value, document.PositionOf(key));
        }
    }

    private static bool IsItem(HoconDocument document, string key) =>
        ConfigurationPath.GetParentPath(key) is { } parent && document.IsList(parent);

    private static string List(HoconDocument document, string key)
    {
        IEnumerable<string> items = Enumerable.Range(0, document.CountOf(key))
            .Select(i => Scalar(document.Values[SettingsReader.Key(key, i.ToString(CultureInfo.InvariantCulture))] ?? ""));
        return $"[{string.Join(", ", items)}]";
    }

    private static string Scalar(string text)
    {
        bool plain = text.Length > 0 && text != "null" && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return plain ? text : JsonSerializer.Serialize(text, s_quoted);
    }
}
