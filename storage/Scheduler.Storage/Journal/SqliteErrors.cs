using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Journal;

/// <summary>What SQLite's result codes mean for a journal, and for its operator. Codes: sqlite.org/rescode.html.</summary>
internal static class SqliteErrors
{
    private const int Permission = 3;
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int InputOutput = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int Constraint = 19;
    private const int NotADatabase = 26;

    /// <summary>A row with that key is there.</summary>
    public static bool IsDuplicate(SqliteException e) => e.SqliteErrorCode == Constraint;

    /// <summary>The journal's own exception for it.</summary>
    /// <param name="journal">The file.</param>
    /// <param name="e">What SQLite said.</param>
    public static Exception Translate(string journal, SqliteException e)
    {
        string said = $"SQLite error {e.SqliteExtendedErrorCode}: {e.Message}";
        return e.SqliteErrorCode switch
        {
            Corrupt => new JournalDamagedException(
                $"Journal {journal}: the file is corrupt ({said}); see scheduler journal check, and restore it from a backup", e),
            NotADatabase => new JournalDamagedException(
                $"Journal {journal}: the file is not a SQLite database ({said}); name another file, or restore it from a backup", e),
            _ => new JournalUnavailableException($"Journal {journal}: {Cause(e.SqliteErrorCode)} ({said})", e),
        };
    }

    private static string Cause(int code) => code switch
    {
        Busy or Locked => "another process has kept it locked for too long; find out with lsof who has it open",
        Full => "its file system is full; make room there, it then goes on by itself",
        ReadOnly or Permission => "it can't be written; check the file's and the directory's owner, mode, and mount options",
        CannotOpen => "it can't be opened; check that the directory exists, and its owner and mode",
        InputOutput => "reading or writing it failed; check the device and the kernel's log",
        _ => "a statement failed",
    };
}
