namespace Scheduler.Host.Configuration;

/// <summary>Writes keys as an operator would write them in a file.</summary>
internal static class HoconKey
{
    /// <summary>Joins path elements with dots, quoting those that need it.</summary>
    /// <param name="elements">The path from the root.</param>
    /// <returns>E.g. <c>scheduler.volumes."vol.1".size</c>.</returns>
    public static string Render(IEnumerable<string> elements) => string.Join('.', elements.Select(Quote));

    /// <summary>Renders a key of Microsoft.Extensions.Configuration, whose elements are separated by colons.</summary>
    /// <param name="configurationKey">E.g. <c>scheduler:volumes:vol0:size</c>.</param>
    /// <returns>E.g. <c>scheduler.volumes.vol0.size</c>.</returns>
    public static string FromConfiguration(string configurationKey) =>
        Render(configurationKey.Split(ConfigurationPath.KeyDelimiter));

    private static string Quote(string element)
    {
        bool plain = element.Length > 0 && element.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '<' or '>');
        return plain ? element : $"\"{element}\"";
    }
}
