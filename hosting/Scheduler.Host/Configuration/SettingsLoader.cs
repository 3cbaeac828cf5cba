namespace Scheduler.Host.Configuration;

/// <summary>From a file's name to checked settings.</summary>
public static class SettingsLoader
{
    /// <summary>
    /// The configuration that is used when none is named: looked for below the working directory, then beside the
    /// program.
    /// </summary>
    public const string DefaultFile = "hocon/single.conf";

    private static readonly ReferenceFile _reference = new("hocon/reference.conf");

    /// <summary>Reads the reference, the file over it, and the single keys over both; then checks everything.</summary>
    /// <param name="file">A HOCON file; null: <see cref="DefaultFile"/>.</param>
    /// <param name="sets">
    /// <c>key=value</c> each, later ones over earlier ones. The leading <c>scheduler.</c> of a key may be left out. A
    /// value is taken as it stands, unless it begins with <c>[</c>, <c>{</c> or a quote, or contains a substitution.
    /// </param>
    /// <param name="environment">Gives an environment variable or null; by default this process's.</param>
    /// <returns>Checked settings.</returns>
    /// <exception cref="HoconException">A file, key or value is wrong; the message is one line for the
    /// operator.</exception>
    public static ServiceSettings Load(
        string? file, IReadOnlyList<string> sets, Func<string, string?>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(sets);
        return LoadWithKeys(file, sets, environment ?? Environment.GetEnvironmentVariable).Settings;
    }

    /// <summary>As <see cref="Load"/>, with the keys that the settings were made from.</summary>
    internal static LoadedSettings LoadWithKeys(string? file, IReadOnlyList<string> sets, Func<string, string?> environment) =>
        Read(file, sets, environment, new Mistakes(all: false));

    /// <summary>As <see cref="LoadWithKeys"/>, but finds all mistakes. Beside one that leaves the files unreadable (syntax, an
    /// include, a substitution) there may be more.</summary>
    /// <param name="file">As there.</param>
    /// <param name="sets">As there.</param>
    /// <param name="environment">As there.</param>
    /// <param name="found">The mistakes; the first is the one that there would be thrown.</param>
    /// <returns>The settings; null if there are mistakes.</returns>
    internal static LoadedSettings? Check(
        string? file, IReadOnlyList<string> sets, Func<string, string?> environment, out IReadOnlyList<HoconException> found)
    {
        Mistakes mistakes = new(all: true);
        try
        {
            LoadedSettings loaded = Read(file, sets, environment, mistakes);
            found = mistakes.Found;
            return found.Count == 0 ? loaded : null;
        }
        catch (HoconException exception)
        {
            found = [.. mistakes.Found, exception];
            return null;
        }
    }

    private static LoadedSettings Read(string? file, IReadOnlyList<string> sets, Func<string, string?> environment, Mistakes mistakes)
    {
        if (file?.Length == 0)
            throw new HoconException(new HoconPosition("--config", 0), "", "needs the name of a file");
        string path = file ?? ShippedFiles.Find(DefaultFile);
        HoconDocument document = LoadDocument(path, sets, environment, mistakes);
        IConfiguration configuration =
            new ConfigurationBuilder().Add(new HoconConfigurationSource(document)).Build();
        ServiceOptions options = configuration.GetSection(ServiceOptions.Section).Get<ServiceOptions>() ?? new();
        return new LoadedSettings(path, new SettingsBuilder(document, new HoconPosition(path, 0), mistakes).Build(options), document);
    }

    /// <summary>The keys of the reference with its defaults, templates included.</summary>
    internal static HoconObject LoadReference(Func<string, string?> environment) => _reference.Resolve(environment);

    /// <summary>The text of the reference that this program was built with.</summary>
    internal static string ReadReference() => _reference.Read();

    private static HoconDocument LoadDocument(
        string path, IReadOnlyList<string> sets, Func<string, string?> environment, Mistakes mistakes)
    {
        HoconObjectNode root = _reference.Parse();
        root.Merge(new HoconFiles().Load(path));
        foreach (string set in sets)
            SetOption.Apply(set, root);
        return _reference.Complete(root, environment, mistakes);
    }
}
