using System.Data.Common;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Journal;

/// <summary>
/// The one connection that writes a SQLite journal. Whatever is asked for while a transaction is being made durable shares
/// the next one: a sync of the file costs far more than a row.
/// </summary>
/// <remarks>
/// Each piece of work has a savepoint: one that is refused (<see cref="SequenceConflictException"/>) takes nothing back of the
/// others. If the database itself fails, all that shared the transaction fail, and the connection is opened anew: what SQLite
/// believes after an error of the file is not built upon.
/// </remarks>
internal sealed class SqliteWriter : IAsyncDisposable
{
    // Bounds a transaction, and what waits for one: beyond it, callers wait before they are queued.
    private const int WorkMax = 256;

    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(new BoundedChannelOptions(WorkMax) { SingleReader = true });
    private readonly Func<SqliteConnection> _open;
    private readonly Func<Exception, Exception> _translate;
    private readonly Task _loop;
    private SqliteConnection? _connection;
    private long _transactions;

    /// <param name="open">Opens a connection that writes durably.</param>
    /// <param name="translate">Makes an exception of the journal of one of SQLite's.</param>
    public SqliteWriter(Func<SqliteConnection> open, Func<Exception, Exception> translate)
    {
        _open = open;
        _translate = translate;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>How many transactions have been made durable.</summary>
    public long Transactions => Interlocked.Read(ref _transactions);

    /// <summary>Runs statements in a transaction, and returns when it is durable.</summary>
    public async Task WriteAsync(Func<DbConnection, CancellationToken, Task> statements, CancellationToken cancellation)
    {
        Work work = new(statements);
        try
        {
            await _queue.Writer.WriteAsync(work, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteJournal));
        }

        await work.Done.Task.WaitAsync(cancellation);
    }

    /// <summary>Finishes what is queued, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _ = _queue.Writer.TryComplete();
        await _loop;
        Drop();
    }

    private async Task RunAsync()
    {
        List<Work> batch = [];
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < WorkMax && _queue.Reader.TryRead(out Work? work))
                batch.Add(work);
            await CommitAsync(batch);
        }
    }

    private async Task CommitAsync(List<Work> batch)
    {
        try
        {
            _connection ??= _open();

            // Not deferred: the lock for writing comes before the first look, so that what is looked up stays true.
            await using (SqliteTransaction transaction = _connection.BeginTransaction(deferred: false))
            {
                foreach (Work work in batch)
                    await RunAsync(work, _connection);
                transaction.Commit();
            }

            _ = Interlocked.Increment(ref _transactions);
            foreach (Work work in batch)
                work.Answer();
        }
        catch (Exception e)
        {
            Drop();
            Exception failure = _translate(e);
            foreach (Work work in batch)
                work.Answer(failure);
        }
    }

    private static async Task RunAsync(Work work, SqliteConnection connection)
    {
        _ = await connection.ExecuteAsync("SAVEPOINT work", CancellationToken.None);
        try
        {
            await work.Statements(connection, CancellationToken.None);
        }
        catch (Exception e) when (e is not DbException)
        {
            work.Refusal = e;
            _ = await connection.ExecuteAsync("ROLLBACK TO work", CancellationToken.None);
        }

        _ = await connection.ExecuteAsync("RELEASE work", CancellationToken.None);
    }

    private void Drop()
    {
        SqliteConnection? connection = _connection;
        _connection = null;
        try
        {
            connection?.Dispose();
        }
        catch (SqliteException)
        {
            // It is gone either way.
        }
    }

    private sealed class Work(Func<DbConnection, CancellationToken, Task> statements)
    {
        public Func<DbConnection, CancellationToken, Task> Statements { get; } = statements;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Exception? Refusal { get; set; }

        public void Answer(Exception? failure = null)
        {
            if ((Refusal ?? failure) is Exception e)
                _ = Done.TrySetException(e);
            else
                _ = Done.TrySetResult();
        }
    }
}
