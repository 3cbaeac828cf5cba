using Microsoft.Data.Sqlite;
using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

public sealed class SqliteJournalTests : JournalSpecification
{
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
        {
            _ = Scalar(akka, GoldenFile.Read("sqlite.sql"));
            _ = Scalar(akka, GoldenFile.AkkaRows("x'6161'", "0", "1"));
        }

        IEventJournal journal = await OpenAsync();

        Assert.Equal(["a 2 m 9 aa"], await TextsAsync(journal, "a"));
        Assert.Equal(2, await journal.HighestAsync("a"));
        await journal.AppendAsync([Event("a", 3)]);
    }

    [Fact]
    public async Task Its_rows_are_what_Akka_Persistence_Sql_writes()
    {
        long before = DateTime.UtcNow.Ticks;
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([new JournalEvent("a", 1, "", 9, "x"u8.ToArray()), Event("a", 2), Event("a", 3)]);
        await journal.DeleteAsync("a", 2);
        await journal.SaveSnapshotAsync(new JournalSnapshot("a", 3, "", 9, "s"u8.ToArray()));
        await (await OpenAsync()).AppendAsync([Event("b", 1)]);

        using SqliteConnection database = Sql($"Data Source={File}");
        Assert.Equal(
            "2|1|a|2|6132|thing/1|17\n3|0|a|3|6133|thing/1|17\n4|0|b|1|6231|thing/1|17",
            Scalar(database, "SELECT group_concat(ordering || '|' || deleted || '|' || persistence_id || '|' || sequence_number || '|' || hex(message) || '|' || manifest || '|' || identifier, char(10)) FROM journal"));
        Assert.Equal(
            "integer,integer,integer,text,integer,blob,text,integer,text",
            Scalar(database, "SELECT DISTINCT typeof(ordering) || ',' || typeof(created) || ',' || typeof(deleted) || ',' || typeof(persistence_id) || ',' || typeof(sequence_number) || ',' || typeof(message) || ',' || typeof(manifest) || ',' || typeof(identifier) || ',' || typeof(writer_uuid) FROM journal"));
        Assert.Equal("0|0", Scalar(database, $"SELECT (SELECT count(*) FROM tags) || '|' || (SELECT count(*) FROM journal WHERE created NOT BETWEEN {before} AND {DateTime.UtcNow.Ticks})"));
        Assert.Equal("2|32|0", Scalar(database, "SELECT count(DISTINCT writer_uuid) || '|' || max(length(writer_uuid)) || '|' || sum(writer_uuid GLOB '*[^0-9a-f]*') FROM journal"));
        Assert.Equal("a|3|73||9|text|integer", Scalar(database, "SELECT persistence_id || '|' || sequence_number || '|' || hex(snapshot) || '|' || manifest || '|' || serializer_id || '|' || typeof(manifest) || '|' || typeof(created) FROM snapshot"));
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

    // As SQLite keeps them: the text of each statement from the name on, without the spaces of its author.
    private static List<string> Tables(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_master ORDER BY type, name";
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> tables = [];
        while (reader.Read())
            tables.Add(GoldenFile.OneLine(reader.GetString(0)));
        return tables;
    }
}
