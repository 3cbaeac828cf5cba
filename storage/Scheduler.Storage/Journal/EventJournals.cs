using Npgsql;

namespace Scheduler.Storage.Journal;

/// <summary>Opens the journal that an operator names.</summary>
public static class EventJournals
{
    /// <summary>Opens a journal, and makes what is missing of it.</summary>
    /// <param name="place">A file's path, or Npgsql's connection string of a PostgreSQL database, known by its <c>Host</c>.</param>
    /// <param name="create">Makes a file or tables that are not there.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JournalUnavailableException">It can't be opened; says why and what may help.</exception>
    /// <exception cref="JournalDamagedException">It is something else, or corrupt.</exception>
    public static async Task<SqlJournal> OpenAsync(string place, bool create = true, CancellationToken cancellation = default)
    {
        if (place.StartsWith("postgres://", StringComparison.Ordinal) || place.StartsWith("postgresql://", StringComparison.Ordinal))
            throw new JournalUnavailableException("Journal: addresses of the form postgresql:// are not understood; write Host=...;Database=...;Username=...");
        return IsConnectionString(place)
            ? await PostgresJournal.OpenAsync(place, create, cancellation)
            : await SqliteJournal.OpenAsync(place, create, cancellation);
    }

    /// <summary>Whether a place is a connection string. A path can hold '=' too, and a mistake in a connection string must not become a
    /// file's name.</summary>
    /// <param name="place">As for <see cref="OpenAsync"/>.</param>
    /// <returns>Whether it is one; otherwise it is a path.</returns>
    /// <exception cref="JournalUnavailableException">It is meant as one, and is not understood.</exception>
    public static bool IsConnectionString(string place)
    {
        bool looksSo = place.Split(';').Any(part => part.TrimStart().StartsWith("Host=", StringComparison.OrdinalIgnoreCase)
            || part.TrimStart().StartsWith("Server=", StringComparison.OrdinalIgnoreCase));
        if (!looksSo)
            return false;
        try
        {
            _ = new NpgsqlConnectionStringBuilder(place);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            // Not what is wrong with a value: it may be the password.
            throw new JournalUnavailableException("Journal: the connection string is not understood; write Host=...;Database=...;Username=...", e);
        }
    }
}
