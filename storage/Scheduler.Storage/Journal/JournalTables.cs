namespace Scheduler.Storage.Journal;

/// <summary>Which tables, columns and keys a journal's database must have.</summary>
internal static class JournalTables
{
    private const string Key = "persistence_id,sequence_number";

    /// <summary>The tables that have a unique key of a persistence id and a sequence number.</summary>
    public static readonly string[] Keyed = ["journal", "snapshot"];

    /// <summary>The columns of each table.</summary>
    public static readonly (string Table, string[] Columns)[] Columns =
    [
        ("journal", ["ordering", "created", "deleted", "persistence_id", "sequence_number", "message", "manifest", "identifier", "writer_uuid"]),
        ("tags", ["ordering_id", "tag", "sequence_nr", "persistence_id"]),
        ("snapshot", ["persistence_id", "sequence_number", "created", "snapshot", "manifest", "serializer_id"]),
    ];

    /// <summary>Checks a table's columns; none at all: there is no such table yet.</summary>
    /// <exception cref="JournalDamagedException">Some are missing.</exception>
    public static void CheckColumns(string journal, string table, IEnumerable<string> expected, IReadOnlyCollection<string> found)
    {
        string[] missing = [.. expected.Except(found)];
        if (found.Count > 0 && missing.Length > 0)
            throw NotOurs(journal, $"its table {table} has no column {string.Join(", ", missing)}");
    }

    /// <summary>Checks a table's unique keys, each the names of its columns with commas.</summary>
    /// <exception cref="JournalDamagedException">What keeps a second writer out is missing.</exception>
    public static void CheckKey(string journal, string table, IEnumerable<string> keys)
    {
        if (!keys.Contains(Key))
            throw NotOurs(journal, $"its table {table} has no unique key ({Key})");
    }

    private static JournalDamagedException NotOurs(string journal, string why) =>
        new($"Journal {journal}: this is no journal of the scheduler or of Akka.Persistence.Sql 1.5: {why}; name another database");
}
