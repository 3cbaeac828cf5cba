using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Turns texts into values within ranges; a mistake names key and line. Where mistakes are collected it goes on with a value
/// within the range.
/// </summary>
/// <param name="document">Where each key was written.</param>
/// <param name="mistakes">Where mistakes go; by default the first one is thrown.</param>
internal sealed class SettingsReader(HoconDocument document, Mistakes? mistakes = null)
{
    private readonly Mistakes _mistakes = mistakes ?? new Mistakes(all: false);

    /// <summary>Disks, volumes and block devices are counted in these.</summary>
    public const int BlockBytes = 4096;

    /// <summary>The names in a section, in file order.</summary>
    public IReadOnlyList<string> NamesIn(string key) => document.NamesIn(key);

    /// <summary>The flat keys of a list's items, in order.</summary>
    public IEnumerable<string> ItemsOf(string key) =>
        Enumerable.Range(0, document.CountOf(key)).Select(i => Key(key, i.ToString(CultureInfo.InvariantCulture)));

    /// <summary>A key's text, or null if it is not set.</summary>
    public string? ValueOf(string key) => document.Values.GetValueOrDefault(key);

    /// <summary>The file in which a key was written.</summary>
    public string FileOf(string key) => document.PositionOf(key).File;

    /// <summary>Makes the error for a key.</summary>
    /// <param name="key">A flat key.</param>
    /// <param name="problem">What is wrong, and what to write.</param>
    public HoconException Error(string key, string problem) =>
        new(document.PositionOf(key), document.NameOf(key), problem);

    /// <summary>How many mistakes were collected.</summary>
    public int MistakeCount => _mistakes.Found.Count;

    /// <summary>Whether a mistake in a key was collected, or in a section that it lies in.</summary>
    /// <param name="key">A flat key.</param>
    /// <returns>Whether it was.</returns>
    public bool HasMistake(string key)
    {
        for (string? at = key; at is not null; at = ConfigurationPath.GetParentPath(at))
        {
            if (_mistakes.Has(document.NameOf(at)))
                return true;
        }

        return false;
    }

    /// <summary>Tells of a mistake.</summary>
    /// <param name="key">A flat key.</param>
    /// <param name="problem">What is wrong, and what to write.</param>
    public void Wrong(string key, string problem) => _mistakes.Add(Error(key, problem));

    /// <summary>Tells of a mistake.</summary>
    /// <param name="key">A flat key.</param>
    /// <param name="problem">What is wrong, and what to write.</param>
    /// <param name="instead">What to go on with.</param>
    /// <typeparam name="T">Of the value.</typeparam>
    /// <returns>The latter.</returns>
    public T Wrong<T>(string key, string problem, T instead)
    {
        Wrong(key, problem);
        return instead;
    }

    /// <summary>Joins a section and a name to a flat key.</summary>
    public static string Key(string section, string name) => ConfigurationPath.Combine(section, name);

    public string Text(string key, string? text)
    {
        if (!string.IsNullOrWhiteSpace(text))
            return text;
        if (!HasMistake(key))
            Wrong(key, "must be set");
        return "";
    }

    /// <summary>A path of a file or directory, neither empty nor with a NUL.</summary>
    public string FilePath(string key, string? text) => Text(key, text) is var path && path.Contains('\0')
        ? Wrong(key, "a path cannot contain a NUL character", "")
        : path;

    public long Size(string key, string? text, long min, long max, int multipleOf = 1)
    {
        if (Text(key, text) is not { Length: > 0 } given)
            return min;
        if (!ByteSize.TryParse(given, out long bytes, out string? problem))
            return Wrong(key, problem, min);
        if (bytes < min || bytes > max)
            return Wrong(key, OutOfRange(text, ByteSize.Format(min), ByteSize.Format(max)), min);
        return bytes % multipleOf == 0 ? bytes : Wrong(key, $"'{text}' is not a multiple of {multipleOf} bytes", min);
    }

    public TimeSpan Duration(string key, string? text, TimeSpan min, TimeSpan max)
    {
        if (Text(key, text) is not { Length: > 0 } given)
            return min;
        if (!DurationText.TryParse(given, out TimeSpan duration, out string? problem))
            return Wrong(key, problem, min);
        return duration >= min && duration <= max
            ? duration
            : Wrong(key, OutOfRange(text, DurationText.Format(min), DurationText.Format(max)), min);
    }

    public int Count(string key, string? text, int min, int max) => (int)Count(key, text, (long)min, max);

    public long Count(string key, string? text, long min, long max)
    {
        if (Text(key, text) is not { Length: > 0 } given)
            return min;
        if (!given.AsSpan().Trim().ContainsAnyExceptInRange('0', '9')
            && long.TryParse(given, CultureInfo.InvariantCulture, out long count)
            && count >= min
            && count <= max)
        {
            return count;
        }

        return Wrong(key, $"'{given}' is not a whole number from {min} to {max}", min);
    }

    public double Ratio(string key, string? text) => Number(key, text, 0, 1);

    public double Number(string key, string? text, double min, double max)
    {
        if (Text(key, text) is not { Length: > 0 } given)
            return min;
        return double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= min && number <= max
            ? number
            : Wrong(key, string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a number from {min} to {max}"), min);
    }

    public bool Flag(string key, string? text) => Text(key, text) switch
    {
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" or "" => false,
        _ => Wrong(key, $"'{text}' is neither true nor false", false),
    };

    /// <summary>
    /// A member of an enumeration by its name in small letters with hyphens: FlushFua is <c>flush-fua</c>.
    /// </summary>
    public T Choice<T>(string key, string? text)
        where T : struct, Enum
    {
        if (Text(key, text) is not { Length: > 0 } given)
            return default;
        return KebabName.TryParse(given, out T value) ? value : Wrong(key, $"'{given}' is not one of {KebabName.List<T>()}", default(T));
    }

    private static string OutOfRange(string? text, string min, string max) => $"'{text}' is out of range; write {min} to {max}";
}
