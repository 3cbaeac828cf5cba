using System.Text.RegularExpressions;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>What Akka.Persistence.Sql makes and writes.</summary>
internal static partial class GoldenFile
{
    public static string Read(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Journal", "Golden", name));

    /// <summary>Event 1 deleted and removed but for its row, event 2 with a tag, as its journal leaves them.</summary>
    public static string AkkaRows(string message, string no, string yes) => $"""
        INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
        VALUES (638000000000000000, {yes}, 'a', 1, {message}, 'm', 9, '0123456789abcdef0123456789abcdef');
        INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
        VALUES (638000000000000001, {no}, 'a', 2, {message}, 'm', 9, '0123456789abcdef0123456789abcdef');
        INSERT INTO tags (ordering_id, tag, sequence_nr, persistence_id) VALUES (2, 'red', 2, 'a');
        """;

    public static string OneLine(string text) => Spaces().Replace(text, " ").Replace("( ", "(", StringComparison.Ordinal).Replace(" )", ")", StringComparison.Ordinal);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
