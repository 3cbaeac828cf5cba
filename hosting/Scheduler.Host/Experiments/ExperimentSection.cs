using Scheduler.Host.Configuration;

namespace Scheduler.Host.Experiments;

/// <summary>One section of an experiment's file: its values within ranges, durations in nanoseconds.</summary>
/// <param name="reader">Converts values and makes errors.</param>
/// <param name="section">The section's flat key; empty for the whole file.</param>
internal readonly struct ExperimentSection(SettingsReader reader, string section)
{
    public SettingsReader Reader => reader;

    /// <summary>The names in the section, in file order.</summary>
    public IReadOnlyList<string> Names => reader.NamesIn(section);

    /// <summary>The flat key of a member.</summary>
    public string At(string name) => section.Length == 0 ? name : SettingsReader.Key(section, name);

    public ExperimentSection Section(string name) => new(reader, At(name));

    public HoconException Error(string name, string problem) => reader.Error(At(name), problem);

    public bool IsSet(string name) => reader.ValueOf(At(name)) is not null;

    /// <summary>The text as it stands, or null if it is not set.</summary>
    public string? Raw(string name) => reader.ValueOf(At(name));

    public string Text(string name) => reader.Text(At(name), Raw(name));

    public int Count(string name, int min, int max) => reader.Count(At(name), Raw(name), min, max);

    public double Number(string name, double min, double max) => reader.Number(At(name), Raw(name), min, max);

    public bool Flag(string name) => reader.Flag(At(name), Raw(name));

    public long Size(string name, long min, long max, int multipleOf) => reader.Size(At(name), Raw(name), min, max, multipleOf);

    public long Ns(string name, TimeSpan min, TimeSpan max) =>
        reader.Duration(At(name), Raw(name), min, max).Ticks * TimeSpan.NanosecondsPerTick;

    public T Choice<T>(string name)
        where T : struct, Enum => reader.Choice<T>(At(name), Raw(name));

    /// <summary>A list whose items differ, at least one.</summary>
    public List<T> List<T>(string name, Func<SettingsReader, string, string?, T> convert)
    {
        List<T> values = [];
        foreach (string key in reader.ItemsOf(At(name)))
        {
            T value = convert(reader, key, reader.ValueOf(key));
            if (values.Contains(value))
                throw reader.Error(key, $"'{reader.ValueOf(key)}' is listed twice");
            values.Add(value);
        }

        return values.Count > 0 ? values : throw Error(name, "needs at least one item");
    }
}
