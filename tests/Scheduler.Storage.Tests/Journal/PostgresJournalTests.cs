using Npgsql;
using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

[Collection("postgres")]
public sealed class PostgresJournalTests(PostgresServer server) : JournalSpecification
{
    // What there is, whoever made it: columns, keys, indexes.
    private const string Tables = """
        SELECT table_name || '.' || ordinal_position || ' ' || column_name || ' ' || data_type || coalesce(' ' || character_maximum_length, '')
            || ' null ' || is_nullable || ' identity ' || coalesce(identity_generation, 'no') || ' default ' || coalesce(column_default, 'none')
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        ORDER BY 1
        """;

    // All of the rows, of what differs from run to run its form: the century of the ticks, a writer's 32 digits and which start it is.
    private const string Rows = """
        SELECT ordering, deleted, persistence_id, sequence_number, message, manifest, manifest IS NULL, identifier, created / 31557600000000000,
            writer_uuid ~ '^[0-9a-f]{32}$', dense_rank() OVER (ORDER BY (SELECT min(ordering) FROM journal AS first WHERE first.writer_uuid = journal.writer_uuid))
        FROM journal ORDER BY ordering
        """;

    private const string Snapshots = """
        SELECT persistence_id, sequence_number, snapshot, manifest, manifest IS NULL, serializer_id, created / 31557600000000000 FROM snapshot ORDER BY 1, 2
        """;

    private string _database = "";

    private PostgresCluster Cluster => server.Cluster;

    private string Name => new NpgsqlConnectionStringBuilder(_database).Database!;

    [SkippableFact]
    public async Task Its_tables_are_those_of_Akka_Persistence_Sql()
    {
        string golden = new NpgsqlConnectionStringBuilder(Cluster.NewDatabase()).Database!;
        Cluster.Sql(golden, GoldenFile.Read("postgresql.sql"));
        _ = await OpenAsync();

        Assert.Contains("journal.9 writer_uuid text null YES", Cluster.Sql(golden, Tables), StringComparison.Ordinal);
        Assert.Equal(Cluster.Sql(golden, Tables), Cluster.Sql(Name, Tables));
    }

    [SkippableFact]
    public async Task It_goes_on_with_tables_that_Akka_Persistence_Sql_has_made()
    {
        _database = Cluster.NewDatabase();
        Cluster.Sql(Name, GoldenFile.Read("postgresql.sql"));

        await GoesOnWithAkkasRowsAsync(await OpenAsync());

        Assert.Equal("11|a|7\n12|b|5", Cluster.Sql(Name, "SELECT ordering, persistence_id, sequence_number FROM journal WHERE ordering > 10 ORDER BY ordering"));
    }

    [SkippableFact]
    public async Task Its_rows_are_those_that_Akka_Persistence_Sql_wrote()
    {
        string golden = new NpgsqlConnectionStringBuilder(Cluster.NewDatabase()).Database!;
        Cluster.Sql(golden, GoldenFile.Read("postgresql.sql"));
        await GoldenStory.TellAsync(OpenJournalAsync);

        Assert.StartsWith("3|t|a|3|\\x7033||f|7109|20|t|1\n", Cluster.Sql(golden, Rows), StringComparison.Ordinal);
        Assert.Equal(Cluster.Sql(golden, Rows), Cluster.Sql(Name, Rows));
        Assert.EndsWith("\nb|3|\\x7033||f|7109|20", Cluster.Sql(golden, Snapshots), StringComparison.Ordinal);
        Assert.Equal(Cluster.Sql(golden, Snapshots), Cluster.Sql(Name, Snapshots));
        Assert.Equal("0", Cluster.Sql(Name, "SELECT count(*) FROM tags"));
    }

    [SkippableFact]
    public async Task A_server_that_goes_away_is_said_and_it_goes_on_when_the_server_is_back()
    {
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([Event("a", 1)]);
        Cluster.Stop();
        try
        {
            JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.AppendAsync([Event("a", 2)]).AsTask());
            Assert.Contains(journal.Name, e.Message, StringComparison.Ordinal);
            e = await Assert.ThrowsAsync<JournalUnavailableException>(() => TextsAsync(journal, "a"));
            Assert.Contains("check that it runs", e.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresJournal.OpenAsync(_database));
        }
        finally
        {
            Cluster.Start();
        }

        Assert.Equal(1, await journal.HighestAsync("a"));
        await journal.AppendAsync([Event("a", 2)]);
    }

    [SkippableFact]
    public async Task A_lock_that_is_held_too_long_is_said()
    {
        IEventJournal journal = await OpenAsync();
        await using NpgsqlConnection other = new(_database + ";Pooling=false");
        await other.OpenAsync();
        await using (NpgsqlTransaction transaction = await other.BeginTransactionAsync())
        {
            await using NpgsqlCommand locks = new("LOCK TABLE journal", other);
            _ = await locks.ExecuteNonQueryAsync();
            JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.AppendAsync([Event("a", 1)]).AsTask());
            Assert.Contains(journal.Name, e.Message, StringComparison.Ordinal);
        }

        await journal.AppendAsync([Event("a", 1)]);
    }

    [SkippableFact]
    public async Task A_commit_is_durable_also_where_the_server_is_told_otherwise()
    {
        _database = Cluster.NewDatabase();
        Cluster.Sql(Name, $"ALTER DATABASE {Name} SET synchronous_commit = off");
        IEventJournal journal = await OpenAsync();
        Cluster.Sql(
            Name,
            """
            CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.manifest := current_setting('synchronous_commit'); RETURN NEW; END $$;
            CREATE TRIGGER look BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION look();
            """);
        await journal.AppendAsync([Event("a", 1)]);
        Assert.Equal("on", Cluster.Sql(Name, "SELECT manifest FROM journal"));
    }

    [SkippableFact]
    public async Task What_is_no_database_of_ours_is_refused()
    {
        _database = Cluster.NewDatabase();
        Cluster.Sql(Name, "CREATE TABLE snapshot (id int, text text)");
        JournalDamagedException damaged = await Assert.ThrowsAsync<JournalDamagedException>(() => PostgresJournal.OpenAsync(_database));
        Assert.Contains("its table snapshot has no column persistence_id", damaged.Message, StringComparison.Ordinal);
        Assert.Equal("", Cluster.Sql(Name, "SELECT to_regclass('journal')"));

        JournalUnavailableException e = await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresJournal.OpenAsync(Cluster.ConnectionString("nowhere")));
        Assert.Contains("createdb", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresJournal.OpenAsync(Cluster.NewDatabase(), create: false));
        Assert.Contains("there is no table journal", e.Message, StringComparison.Ordinal);

        string rights = new NpgsqlConnectionStringBuilder(Cluster.NewDatabase()).Database!;
        Cluster.Sql(rights, $"CREATE ROLE reader_{rights} LOGIN");
        e = await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresJournal.OpenAsync(Cluster.ConnectionString(rights, $"reader_{rights}")));
        Assert.Contains("grant it", e.Message, StringComparison.Ordinal);
    }

    protected override async Task<IEventJournal> OpenJournalAsync()
    {
        if (_database.Length == 0)
            _database = Cluster.NewDatabase();
        return await PostgresJournal.OpenAsync(_database);
    }
}
