namespace Scheduler.Storage.Lvm.Text;

/// <summary>A section of a text: values, arrays and sections by name, in the order of the text.</summary>
/// <param name="name">Its own name.</param>
internal sealed class ConfigSection(string name)
{
    // ConfigScalar, ConfigScalar[] or ConfigSection. Most sections of hostile texts are empty: made when first needed.
    private OrderedDictionary<string, object>? _children;

    public string Name { get; } = name;

    /// <summary>The sections in it.</summary>
    public IEnumerable<ConfigSection> Sections => _children?.Values.OfType<ConfigSection>() ?? [];

    /// <summary>All its strings, those in arrays and in sections included, but those under certain names.</summary>
    public IEnumerable<string> Strings(IReadOnlySet<string> except)
    {
        foreach ((string key, object child) in _children ?? [])
        {
            if (except.Contains(key))
                continue;
            IEnumerable<string?> strings = child switch
            {
                ConfigScalar scalar => [scalar.Text],
                ConfigScalar[] array => array.Select(scalar => scalar.Text),
                ConfigSection section => section.Strings(except),
                _ => [],
            };
            foreach (string text in strings.OfType<string>())
                yield return text;
        }
    }

    /// <summary>Adds a child; a name can be used once.</summary>
    /// <returns>Whether it was added.</returns>
    public bool TryAdd(string key, object child) => (_children ??= []).TryAdd(key, child);

    /// <returns>The section, or null.</returns>
    public ConfigSection? Section(string key) => Child<ConfigSection>(key, "a section");

    /// <returns>The string, or null if the name is not there.</returns>
    public string? Text(string key) =>
        Scalar(key) is ConfigScalar scalar ? scalar.Text ?? throw Wrong(key, "a string") : null;

    /// <returns>The number, or null if the name is not there.</returns>
    public long? Number(string key, long least, long most)
    {
        if (Scalar(key) is not ConfigScalar scalar)
            return null;
        if (scalar.Text != null)
            throw Wrong(key, "a number");
        return scalar.Number >= least && scalar.Number <= most
            ? scalar.Number
            : throw new MetadataException($"{Path(key)} is {scalar.Number}, not from {least} to {most}");
    }

    /// <returns>The array, or null if the name is not there.</returns>
    public IReadOnlyList<ConfigScalar>? Array(string key) => Child<ConfigScalar[]>(key, "an array");

    /// <returns>An array's strings; none if the name is not there.</returns>
    public IEnumerable<string> Texts(string key) =>
        (Array(key) ?? []).Select(scalar => scalar.Text ?? throw Wrong(key, "an array of strings"));

    public string RequiredText(string key) => Text(key) ?? throw Missing(key);

    /// <summary>A number that must be there, in a range.</summary>
    public long RequiredNumber(string key, long least, long most) => Number(key, least, most) ?? throw Missing(key);

    /// <summary>The error that something is not there.</summary>
    public MetadataException Missing(string key) => new($"{Path(key)} is missing");

    private ConfigScalar? Scalar(string key) =>
        _children == null || !_children.TryGetValue(key, out object? child) ? null
        : child is ConfigScalar scalar ? scalar
        : throw Wrong(key, "a single value");

    private T? Child<T>(string key, string kind)
        where T : class =>
        _children == null || !_children.TryGetValue(key, out object? child) ? null : child as T ?? throw Wrong(key, kind);

    private MetadataException Wrong(string key, string kind) => new($"{Path(key)} is not {kind}");

    private string Path(string key) => Name.Length == 0 ? key : $"{Printable.Of(Name)}/{key}";
}
