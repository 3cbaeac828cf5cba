using Scheduler.Storage.Journal;

namespace Scheduler.Host.Configuration;

/// <summary>Checks where the event journal is: a SQLite file or a PostgreSQL database, never both.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class JournalRules(SettingsReader reader)
{
    /// <summary>The SQLite file below the data directory where nothing else is said.</summary>
    private const string DefaultFile = "scheduler.db";

    public string Check(string key, JournalEntry entry, string dataDirectory)
    {
        string sqlite = SettingsReader.Key(key, "sqlite");
        string postgres = SettingsReader.Key(key, "postgres");
        if (entry.Postgres is null)
            return entry.Sqlite is null ? Path.Combine(dataDirectory, DefaultFile) : File(sqlite, entry.Sqlite);
        if (entry.Sqlite is not null)
            reader.Wrong(postgres, "does not go with journal.sqlite: the journal is in one place; leave one of them out");
        string text = reader.Text(postgres, entry.Postgres);
        return text.Length == 0 ? "" : Connection(postgres, text);
    }

    private string File(string key, string text) =>
        IsConnection(reader.FilePath(key, text)) is false ? text : reader.Wrong(key, "is a connection string, not a file; write it as journal.postgres", text);

    // What is wrong with it is not repeated: it may be the password.
    private string Connection(string key, string text) =>
        IsConnection(text) is true ? text : reader.Wrong(key, "is not a connection string; write \"Host=...;Database=...;Username=...\"", text);

    // Null: it is meant as one, and is wrong.
    private static bool? IsConnection(string text)
    {
        try
        {
            return EventJournals.IsConnectionString(text);
        }
        catch (JournalUnavailableException)
        {
            return null;
        }
    }
}
