using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>Members of enumerations as configuration and command line spell them: FlushFua is <c>flush-fua</c>.</summary>
internal static class KebabName
{
    /// <summary>Writes a member's name.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => Kebab(value.ToString());

    /// <summary>All names.</summary>
    public static string[] All<T>()
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(Of)];

    /// <summary>All names, for messages.</summary>
    public static string List<T>()
        where T : struct, Enum => string.Join(", ", All<T>());

    /// <summary>Reads a name that is known to be one.</summary>
    public static T Parse<T>(string name)
        where T : struct, Enum => TryParse(name, out T value) ? value : throw new ArgumentException($"'{name}' is not one of {List<T>()}");

    /// <summary>Reads a name.</summary>
    /// <returns>Whether there is a member of that name.</returns>
    public static bool TryParse<T>(string name, out T value)
        where T : struct, Enum
    {
        foreach (T member in Enum.GetValues<T>())
        {
            if (Of(member) != name)
                continue;
            value = member;
            return true;
        }

        value = default;
        return false;
    }

    private static string Kebab(string name)
    {
        StringBuilder text = new();
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0)
                text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
