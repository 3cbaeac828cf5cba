using Npgsql;

namespace Scheduler.Storage.Journal;

/// <summary>What PostgreSQL's error codes mean for a journal, and for its operator. Codes: its manual, appendix A.</summary>
internal static class PostgresErrors
{
    /// <summary>A row with that key is there.</summary>
    public static bool IsDuplicate(PostgresException e) => e.SqlState == PostgresErrorCodes.UniqueViolation;

    /// <summary>The journal's own exception for it.</summary>
    /// <param name="journal">Host and database.</param>
    /// <param name="e">What the server or the driver said.</param>
    public static Exception Translate(string journal, Exception e)
    {
        // The driver's first sentence alone ("Exception while reading from stream") says little.
        string said = e.InnerException == null ? e.Message : $"{e.Message}: {e.InnerException.Message}";
        string text = $"Journal {journal}: {Cause((e as PostgresException)?.SqlState)} ({said.ReplaceLineEndings(" ")})";
        return e is PostgresException { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted }
            ? new JournalDamagedException(text, e)
            : new JournalUnavailableException(text, e);
    }

    private static string Cause(string? state) => state switch
    {
        null => "the server does not answer; check that it runs there, and the way to it",
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            "the server refuses the user; check user, password, and pg_hba.conf",
        PostgresErrorCodes.InvalidCatalogName => "there is no such database; make it with createdb",
        PostgresErrorCodes.InsufficientPrivilege => "the user lacks a right; grant it, or have the owner make the tables",
        PostgresErrorCodes.ReadOnlySqlTransaction => "the server takes no writes; name the primary server",
        PostgresErrorCodes.DiskFull => "the server's disk is full; make room there, it then goes on by itself",
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn => "its tables are gone; restore them, then start again",
        PostgresErrorCodes.TooManyConnections => "the server has no connection left; raise max_connections, or close others",
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => "the server finds its data damaged; restore it from a backup",
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow =>
            "the server is starting or stopping; it goes on by itself when the server runs",
        _ => "a statement failed",
    };
}
