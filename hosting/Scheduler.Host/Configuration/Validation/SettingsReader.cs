using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>Turns texts into values within ranges; an error names key and line.</summary>
/// <param name="document">Where each key was written.</param>
internal sealed class SettingsReader(HoconDocument document)
{
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

    /// <summary>Joins a section and a name to a flat key.</summary>
    public static string Key(string section, string name) => ConfigurationPath.Combine(section, name);

    public string Text(string key, string? text) =>
        string.IsNullOrWhiteSpace(text) ? throw Error(key, "must be set") : text;

    /// <summary>A path of a file or directory, neither empty nor with a NUL.</summary>
    public string FilePath(string key, string? text) =>
        Text(key, text).Contains('\0') ? throw Error(key, "a path cannot contain a NUL character") : text!;

    public long Size(string key, string? text, long min, long max, int multipleOf = 1)
    {
        if (!ByteSize.TryParse(Text(key, text), out long bytes, out string? problem))
            throw Error(key, problem);
        if (bytes < min || bytes > max)
            throw OutOfRange(key, text, ByteSize.Format(min), ByteSize.Format(max));
        return bytes % multipleOf == 0 ? bytes : throw Error(key, $"'{text}' is not a multiple of {multipleOf} bytes");
    }

    public TimeSpan Duration(string key, string? text, TimeSpan min, TimeSpan max)
    {
        if (!DurationText.TryParse(Text(key, text), out TimeSpan duration, out string? problem))
            throw Error(key, problem);
        return duration >= min && duration <= max
            ? duration
            : throw OutOfRange(key, text, DurationText.Format(min), DurationText.Format(max));
    }

    public int Count(string key, string? text, int min, int max) => (int)Count(key, text, (long)min, max);

    public long Count(string key, string? text, long min, long max)
    {
        string given = Text(key, text);
        if (!given.AsSpan().Trim().ContainsAnyExceptInRange('0', '9')
            && long.TryParse(given, CultureInfo.InvariantCulture, out long count)
            && count >= min
            && count <= max)
        {
            return count;
        }

        throw Error(key, $"'{given}' is not a whole number from {min} to {max}");
    }

    public double Ratio(string key, string? text) => Number(key, text, 0, 1);

    public double Number(string key, string? text, double min, double max) =>
        double.TryParse(Text(key, text), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        && number >= min
        && number <= max
            ? number
            : throw Error(key, string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a number from {min} to {max}"));

    public bool Flag(string key, string? text) => Text(key, text) switch
    {
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" => false,
        _ => throw Error(key, $"'{text}' is neither true nor false"),
    };

    /// <summary>
    /// A member of an enumeration by its name in small letters with hyphens: FlushFua is <c>flush-fua</c>.
    /// </summary>
    public T Choice<T>(string key, string? text)
        where T : struct, Enum
    {
        string given = Text(key, text);
        return KebabName.TryParse(given, out T value) ? value : throw Error(key, $"'{given}' is not one of {KebabName.List<T>()}");
    }

    private HoconException OutOfRange(string key, string? text, string min, string max) =>
        Error(key, $"'{text}' is out of range; write {min} to {max}");
}
