using Microsoft.Data.Sqlite;
using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

public sealed class SqliteJournalTests : JournalSpecification
{
    // All of the rows, of what differs from run to run its form: the century of the ticks, a writer's 32 digits and which start it is.
    private const string Rows = """
        SELECT concat_ws('|', ordering, deleted, persistence_id, sequence_number, hex(message), typeof(message), manifest, typeof(manifest),
            identifier, created / 31557600000000000, typeof(created), length(writer_uuid) = 32 AND NOT writer_uuid GLOB '*[^0-9a-f]*',
            dense_rank() OVER (ORDER BY (SELECT min(ordering) FROM journal AS first WHERE first.writer_uuid = journal.writer_uuid)))
        FROM journal ORDER BY ordering
        """;

    private const string Snapshots = """
        SELECT concat_ws('|', persistence_id, sequence_number, hex(snapshot), typeof(snapshot), manifest, typeof(manifest), serializer_id,
            created / 31557600000000000, typeof(created))
        FROM snapshot ORDER BY persistence_id, sequence_number
        """;

    private readonly TemporaryDirectory _directory = new();

    private string File => _directory.File("scheduler.db");

    [Fact]
    public async Task Its_tables_are_those_of_Akka_Persistence_Sql()
    {
        _ = await OpenAsync();
        using SqliteConnection golden = Sql("Data Source=:memory:");
        _ = Scalar(golden, GoldenFile.Read("sqlite.sql"));
        using SqliteConnection ours = Sql($"Data Source={File}");

        Assert.Equal(Tables(golden), Tables(ours));
    }

    [Fact]
    public async Task It_goes_on_with_tables_that_Akka_Persistence_Sql_has_made()
    {
        using (SqliteConnection akka = Sql($"Data Source={File}"))
            _ = Scalar(akka, GoldenFile.Read("sqlite.sql"));

        await GoesOnWithAkkasRowsAsync(await OpenAsync());

        using SqliteConnection database = Sql($"Data Source={File}");
        Assert.Equal(["11|a|7", "12|b|5"], Lines(database, "SELECT ordering || '|' || persistence_id || '|' || sequence_number FROM journal WHERE ordering > 10 ORDER BY ordering"));
    }

    [Fact]
    public async Task It_goes_on_with_tables_whose_columns_it_declared_with_a_length()
    {
        using (SqliteConnection old = Sql($"Data Source={File}"))
            _ = Scalar(old, GoldenFile.Read("sqlite.sql").Replace("VarBinary ", "VarBinary(8000) ", StringComparison.Ordinal));

        await GoesOnWithAkkasRowsAsync(await OpenAsync());
    }

    [Fact]
    public async Task Its_rows_are_those_that_Akka_Persistence_Sql_wrote()
    {
        using SqliteConnection golden = Sql("Data Source=:memory:");
        _ = Scalar(golden, GoldenFile.Read("sqlite.sql"));
        await GoldenStory.TellAsync(OpenJournalAsync);
        using SqliteConnection ours = Sql($"Data Source={File}");

        Assert.Equal("3|1|a|3|7033|blob||text|7109|20|integer|1|1", Lines(golden, Rows)[0]);
        Assert.Equal(Lines(golden, Rows), Lines(ours, Rows));
        Assert.Equal("b|3|7033|blob||text|7109|20|integer", Lines(golden, Snapshots)[^1]);
        Assert.Equal(Lines(golden, Snapshots), Lines(ours, Snapshots));
        Assert.Equal("0", Scalar(ours, "SELECT count(*) FROM tags"));
    }

    [Fact]
    public async Task An_empty_manifest_is_empty_and_not_missing()
    {
        await (await OpenAsync()).AppendAsync([new JournalEvent("a", 1, "", 9, default)]);
        using SqliteConnection database = Sql($"Data Source={File}");
        Assert.Equal("text|0|blob", Scalar(database, "SELECT typeof(manifest) || '|' || length(manifest) || '|' || typeof(message) FROM journal"));
    }

    [Fact]
    public async Task Appends_that_wait_share_a_transaction()
    {
        var journal = (SqliteJournal)await OpenAsync();
        long before = journal.Transactions;
        Task[] appends;
        using (SqliteConnection other = Sql($"Data Source={File}"))
        using (SqliteTransaction lockedOut = other.BeginTransaction(deferred: false))
        {
            appends = [.. Enumerable.Range(0, 100).Select(writer => journal.AppendAsync([Event($"w{writer}", 1)]).AsTask())];
            await Task.Delay(300);
            Assert.DoesNotContain(appends, append => append.IsCompleted);
        }

        await Task.WhenAll(appends);
        Assert.InRange(journal.Transactions - before, 1, 10);
    }

    [Fact]
    public async Task It_is_synced_before_it_answers()
    {
        _ = await OpenAsync();
        await using SqliteWriter writer = SqliteJournal.WriterOf(File);
        List<string?> settings = [];
        await writer.WriteAsync(
            async (connection, token) =>
            {
                foreach (string pragma in new[] { "PRAGMA journal_mode", "PRAGMA synchronous" })
                {
                    await using System.Data.Common.DbCommand command = connection.Command(pragma);
                    settings.Add(Convert.ToString(await command.ExecuteScalarAsync(token), System.Globalization.CultureInfo.InvariantCulture));
                }
            },
            CancellationToken.None);
        Assert.Equal(["wal", "2"], settings);
    }

    [Fact]
    public async Task Another_process_that_holds_the_lock_too_long_is_said_and_it_goes_on_afterwards()
    {
        IEventJournal journal = await OpenAsync();
        using (SqliteConnection other = Sql($"Data Source={File}"))
        using (SqliteTransaction lockedOut = other.BeginTransaction(deferred: false))
        {
            JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.AppendAsync([Event("a", 1)]).AsTask());
            Assert.Contains("another process has kept it locked", e.Message, StringComparison.Ordinal);
            Assert.Contains(File, e.Message, StringComparison.Ordinal);
            Assert.Empty(await TextsAsync(journal, "a"));
        }

        await journal.AppendAsync([Event("a", 1)]);
    }

    [SkippableFact]
    public async Task Another_process_that_writes_too_harms_nothing()
    {
        Requires.Tool("python3");
        IEventJournal journal = await OpenAsync();
        const string Program = """
            import sqlite3, sys
            c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
            for n in range(1, 101):
                c.execute("BEGIN IMMEDIATE")
                c.execute("INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier) VALUES (1, 0, 'python', ?, x'00', '', 1)", (n,))
                c.execute("COMMIT")
            """;
        Task<(int Status, string Output, string Error)> other = Task.Run(() => Command.Run("/usr/bin/python3", "-c", Program, File));
        for (long number = 1; number <= 100; number++)
            await journal.AppendAsync([Event("a", number)]);

        (int status, _, string error) = await other;
        Assert.True(status == 0, error);
        Assert.Equal(100, (await TextsAsync(journal, "python")).Count);
        Assert.Equal(100, (await TextsAsync(journal, "a")).Count);
        Assert.Empty((await JournalCheck.RunAsync((SqlJournal)journal)).Problems);
    }

    [SkippableFact]
    public async Task A_full_disk_is_said_and_it_goes_on_when_there_is_room()
    {
        using TemporaryFileSystem small = new(2 << 20);
        string path = small.File("scheduler.db");
        await using SqliteJournal journal = await SqliteJournal.OpenAsync(path);
        await journal.AppendAsync([Event("a", 1)]);
        Fill(small.File("ballast"));

        long number = 1;
        JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(async () =>
        {
            while (number < 1000)
            {
                await journal.AppendAsync([new JournalEvent("a", number + 1, "", 1, new byte[10_000])]);
                number++;
            }
        });
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains("full", e.Message, StringComparison.Ordinal);
        Assert.Equal(number, await journal.HighestAsync("a"));

        System.IO.File.Delete(small.File("ballast"));
        await journal.AppendAsync([Event("a", number + 1)]);
        Assert.Equal(number + 1, (await TextsAsync(journal, "a")).Count);
    }

    [SkippableFact]
    public async Task A_file_system_that_takes_no_writes_is_said()
    {
        using TemporaryFileSystem small = new(2 << 20);
        string path = small.File("scheduler.db");
        await (await SqliteJournal.OpenAsync(path)).DisposeAsync();
        Assert.Equal(0, Command.Run("mount", "-o", "remount,ro", small.Path).Status);

        JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(path));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains("it can't be", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(small.File("new.db")));
        Assert.Contains("it can't be opened", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_database_of_ours_is_refused_and_left_as_it_is()
    {
        System.IO.File.WriteAllText(File, new string('x', 5000));
        JournalDamagedException damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => SqliteJournal.OpenAsync(File));
        Assert.Contains("not a SQLite database", damaged.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5000), System.IO.File.ReadAllText(File));

        string other = _directory.File("other.db");
        using (SqliteConnection database = Sql($"Data Source={other}"))
            _ = Scalar(database, "CREATE TABLE journal (id INTEGER, text TEXT)");
        damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => SqliteJournal.OpenAsync(other));
        Assert.Contains("its table journal has no column ordering", damaged.Message, StringComparison.Ordinal);
        using (SqliteConnection database = Sql($"Data Source={other}"))
            Assert.Equal("1", Scalar(database, "SELECT count(*) FROM sqlite_master"));

        string keyless = _directory.File("keyless.db");
        using (SqliteConnection database = Sql($"Data Source={keyless}"))
            _ = Scalar(database, "CREATE TABLE snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id)");
        damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => SqliteJournal.OpenAsync(keyless));
        Assert.Contains("no unique key", damaged.Message, StringComparison.Ordinal);

        Assert.Contains("directory", (await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(_directory.Path))).Message, StringComparison.Ordinal);
        Assert.Contains("create it", (await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(_directory.File("no/scheduler.db")))).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", (await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(_directory.File("none"), create: false))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_corrupt_page_is_damage()
    {
        SqliteJournal first = await SqliteJournal.OpenAsync(File);
        await first.AppendAsync([.. Enumerable.Range(1, 200).Select(number => new JournalEvent("a", number, "m", 1, new byte[1000]))]);
        await first.DisposeAsync();
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        int pageSize = (bytes[16] << 8) | bytes[17];

        // Past the tables' roots: the pages' kinds, flipped in each leaf of a table.
        int flipped = 0;
        for (int page = 12 * pageSize; page < bytes.Length; page += pageSize)
        {
            if (bytes[page] == 13)
            {
                bytes[page] ^= 0x40;
                flipped++;
            }
        }

        Assert.NotEqual(0, flipped);
        System.IO.File.WriteAllBytes(File, bytes);

        IEventJournal journal = await OpenAsync();
        JournalDamagedException e = await Assert.ThrowsAsync<JournalDamagedException>(() => TextsAsync(journal, "a"));
        Assert.Contains("corrupt", e.Message, StringComparison.Ordinal);
        Assert.Contains(File, e.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await ((SqlJournal)journal).CheckDatabaseAsync());
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    protected override async Task<IEventJournal> OpenJournalAsync() => await SqliteJournal.OpenAsync(File);

    private static void Fill(string path)
    {
        byte[] ballast = new byte[4096];
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                stream.Write(ballast);
        }
        catch (IOException)
        {
            // Now it is full.
        }
    }

    private static SqliteConnection Sql(string connectionString)
    {
        SqliteConnection connection = new(connectionString + ";Pooling=False");
        connection.Open();
        return connection;
    }

    private static string? Scalar(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return Convert.ToString(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static List<string> Lines(SqliteConnection connection, string query)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = query;
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> lines = [];
        while (reader.Read())
            lines.Add(reader.GetString(0));
        return lines;
    }

    // As SQLite keeps them: the text of each statement from the name on, without the spaces of its author.
    private static List<string> Tables(SqliteConnection connection)
    {
        const string All = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY type, name";
        return [.. Lines(connection, All).Select(GoldenFile.OneLine)];
    }
}
