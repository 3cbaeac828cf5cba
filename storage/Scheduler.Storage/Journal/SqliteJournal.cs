using System.Data.Common;
using Microsoft.Data.Sqlite;
using Scheduler.Storage.Native;

namespace Scheduler.Storage.Journal;

/// <summary>A journal in a SQLite file: the default where one machine is enough.</summary>
/// <remarks>
/// Write-ahead log with <c>synchronous = FULL</c>: each transaction is synced before it is acknowledged, and SQLite syncs the
/// directory of a log that it makes; this class does so for the database file. Beside the file are its log (<c>-wal</c>) and
/// an index of it (<c>-shm</c>), which belong to it: copy them together, or use <c>scheduler journal export</c>. Several
/// processes of one machine may open it; network file systems don't do.
/// </remarks>
public sealed class SqliteJournal : SqlJournal
{
    private readonly SqliteWriter _writer;
    private readonly string _path;

    // Only while it is opened: a file that has vanished since must not come back empty.
    private bool _mayCreate;

    private SqliteJournal(string path, bool create)
        : base(path)
    {
        _path = path;
        _mayCreate = create;
        _writer = new SqliteWriter(OpenForWriting, Translate);
    }

    /// <summary>How many transactions have been made durable: fewer than appends where several shared one.</summary>
    internal long Transactions => _writer.Transactions;

    /// <summary>Opens a journal, and makes its tables where they are missing.</summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="create">Makes the file if it is not there.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="JournalUnavailableException">It can't be opened or written; says why.</exception>
    /// <exception cref="JournalDamagedException">It is something else, or corrupt.</exception>
    public static async Task<SqliteJournal> OpenAsync(string path, bool create = true, CancellationToken cancellation = default)
    {
        path = Path.GetFullPath(path);
        if (Directory.Exists(path))
            throw new JournalUnavailableException($"Journal {path}: this is a directory; name a file, such as {Path.Combine(path, "scheduler.db")}");
        bool made = !File.Exists(path);
        if (made && !create)
            throw new JournalUnavailableException($"Journal {path}: there is no such file; check the path");
        string directory = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
            throw new JournalUnavailableException($"Journal {path}: the directory {directory} does not exist; create it, or name another file");

        SqliteJournal journal = new(path, create);
        try
        {
            await journal.WriteAsync((connection, token) => SqliteSchema.EnsureAsync(connection, path, token), CallTime, cancellation);

            // The name of a new file must survive a power cut as its content does.
            if (made && FileCalls.SyncDirectory(directory) is int error and not 0)
                throw new JournalUnavailableException($"Journal {path}: the directory {directory} can't be synced: {FileCalls.Describe(error)}");
            journal._mayCreate = false;
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    /// <summary>A second writer of a file that is there, for tests.</summary>
    internal static SqliteWriter WriterOf(string path) => new SqliteJournal(path, create: false)._writer;

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> CheckDatabaseAsync(CancellationToken cancellation = default)
    {
        List<string> problems = [];
        try
        {
            await ReadAsync(
                async (connection, token) =>
                {
                    await using DbCommand command = connection.Command("PRAGMA integrity_check");
                    problems = await command.TextsAsync(token);
                },
                Timeout.InfiniteTimeSpan,
                cancellation);
        }
        catch (JournalDamagedException e)
        {
            // There is damage that it stumbles over itself.
            return [e.Message];
        }

        return problems is ["ok"] ? [] : problems;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _writer.DisposeAsync();

    /// <inheritdoc/>
    protected override async ValueTask WriteAsync(
        Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation) =>
        await WithinAsync(token => _writer.WriteAsync(work, token), limit, cancellation);

    /// <inheritdoc/>
    protected override async ValueTask ReadAsync(
        Func<DbConnection, CancellationToken, Task> work, TimeSpan limit, CancellationToken cancellation) =>
        await WithinAsync(token => Task.Run(() => ReadNowAsync(work, token), token).WaitAsync(token), limit, cancellation);

    /// <inheritdoc/>
    private protected override bool IsDuplicate(DbException e) => e is SqliteException sqlite && SqliteErrors.IsDuplicate(sqlite);

    private async Task ReadNowAsync(Func<DbConnection, CancellationToken, Task> work, CancellationToken cancellation)
    {
        try
        {
            await using SqliteConnection connection = Open();
            await using SqliteTransaction transaction = connection.BeginTransaction(deferred: true);
            await work(connection, cancellation);
        }
        catch (Exception e) when (e is SqliteException or InvalidCastException)
        {
            throw Translate(e);
        }
    }

    private SqliteConnection OpenForWriting()
    {
        SqliteConnection connection = Open(_mayCreate);
        try
        {
            using DbCommand mode = connection.Command("PRAGMA journal_mode = WAL");
            if (mode.ExecuteScalar() is not "wal")
                throw new JournalUnavailableException($"Journal {Name}: its file system can't hold a write-ahead log; put it on a local one");
            using DbCommand durable = connection.Command("PRAGMA synchronous = FULL");
            _ = durable.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private SqliteConnection Open(bool create = false)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            DefaultTimeout = StatementSeconds,

            // A connection that is closed has let go of the file.
            Pooling = false,
        }.ToString());
        connection.Open();
        return connection;
    }

    private async Task WithinAsync(Func<CancellationToken, Task> call, TimeSpan limit, CancellationToken cancellation)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(limit);
        try
        {
            await call(within.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new JournalUnavailableException(
                $"Journal {Name}: it has not answered for {limit.TotalSeconds:0} s; check the device and the kernel's log", e);
        }
    }

    private Exception Translate(Exception e) => e switch
    {
        SqliteException sqlite => SqliteErrors.Translate(Name, sqlite),
        InvalidCastException => new JournalDamagedException($"Journal {Name}: a column holds what does not belong there: {e.Message}", e),
        _ => e,
    };
}
