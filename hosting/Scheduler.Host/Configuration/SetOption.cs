namespace Scheduler.Host.Configuration;

/// <summary>One <c>--set key=value</c> of the command line.</summary>
internal static class SetOption
{
    private static readonly HoconPosition _position = new("--set", 0);

    /// <summary>Puts the value over what the files say.</summary>
    /// <param name="text"><c>key=value</c>, as <see cref="SettingsLoader.Load"/> describes it.</param>
    /// <param name="root">The merged files.</param>
    /// <exception cref="HoconException">The text has no key, or a value that is not HOCON where it has to
    /// be.</exception>
    public static void Apply(string text, HoconObjectNode root)
    {
        int equals = text.IndexOf('=');
        if (equals <= 0)
            throw new HoconException(_position, "", $"'{text}' is not key=value");
        HoconFiles files = new();
        string[] path = new HoconParser(text[..equals].Trim(), _position, files).ParseWholePath();

        // Keys beside the section are variables of a file; they are known once the file has them.
        if (root.Find(path[0]) is null)
            path = [ServiceOptions.Section, .. path];
        string value = text[(equals + 1)..].Trim();
        bool structured = value is ['[' or '{' or '"', ..] || value.Contains("${", StringComparison.Ordinal);
        try
        {
            HoconNode node = structured
                ? new HoconParser(value, _position, files).ParseWholeValue()
                : new HoconLiteral(_position, value, quoted: false);
            root.Set(path, node);
        }
        catch (HoconException e) when (e.Key.Length == 0)
        {
            throw new HoconException(_position, HoconKey.Render(path), e.Problem);
        }
    }
}
