using System.Text.RegularExpressions;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>What Akka.Persistence.Sql made and wrote.</summary>
internal static partial class GoldenFile
{
    public static string Read(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Journal", "Golden", name));

    public static string OneLine(string text) => Spaces().Replace(text, " ").Replace("( ", "(", StringComparison.Ordinal).Replace(" )", ")", StringComparison.Ordinal);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
