using Npgsql;
using Scheduler.Storage.Lease;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Storage.Tests.Lease;

[Collection("postgres")]
public sealed class PostgresLeasesTests(PostgresServer server)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    [SkippableFact]
    public async Task A_second_owner_is_refused_and_told_who_has_it()
    {
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(server.Cluster.NewDatabase());
        LeaseAnswer granted = await leases.TakeAsync("v", "a", s_long);
        Assert.Equal(new LeaseAnswer(true, 1, "a", s_long, granted.Predecessors), granted);
        Assert.Empty(granted.Predecessors);
        LeaseAnswer refused = await leases.TakeAsync("v", "b", s_long);
        Assert.Equal((false, 1L, "a"), (refused.Granted, refused.Epoch, refused.Owner));
        Assert.InRange(refused.Left, s_long / 2, s_long);

        // Nor the same name again: it is another start.
        Assert.False((await leases.TakeAsync("v", "a", s_long)).Granted);
        Assert.True((await leases.TakeAsync("w", "b", s_long)).Granted);
    }

    [SkippableFact]
    public async Task Epochs_only_rise_and_who_was_replaced_can_neither_renew_nor_release()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        Assert.Equal(1, (await leases.TakeAsync("v", "a", s_long)).Epoch);
        await leases.ReleaseAsync("v", "a", 1);
        Assert.False((await leases.RenewAsync("v", "a", 1, s_long)).Granted);
        LeaseAnswer granted = await leases.TakeAsync("v", "b", s_long);
        Assert.Equal(new LeaseAnswer(true, 2, "b", s_long, granted.Predecessors), granted);
        LeaseAnswer refused = await leases.RenewAsync("v", "a", 1, s_long);
        Assert.Equal((false, 2L, "b"), (refused.Granted, refused.Epoch, refused.Owner));
        await leases.ReleaseAsync("v", "a", 1);
        await leases.ReleaseAsync("v", "b", 1);
        Assert.True((await leases.RenewAsync("v", "b", 2, s_long)).Granted);
        Assert.False((await leases.RenewAsync("v", "b", 1, s_long)).Granted);

        // By the database's clock: nobody renewed.
        Expire(database);
        Assert.False((await leases.RenewAsync("v", "b", 2, s_long)).Granted);
        Assert.Equal(3, (await leases.TakeAsync("v", "a", s_long)).Epoch);
    }

    [SkippableFact]
    public async Task Who_may_still_write_is_kept_until_it_is_fenced_or_comes_again()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        async Task<LeaseAnswer> Takes(string owner)
        {
            Expire(database);
            LeaseAnswer answer = await leases.TakeAsync("v", owner, s_long);
            Assert.True(answer.Granted);
            return answer;
        }

        Assert.Empty((await Takes("x")).Predecessors);
        Assert.Equal(["x"], (await Takes("a")).Predecessors);
        Assert.Equal(["x"], (await Takes("a")).Predecessors);
        Assert.Equal(["x", "a"], (await Takes("b")).Predecessors);
        Assert.Equal(["x", "a"], (await leases.RenewAsync("v", "b", 4, s_long)).Predecessors);

        // Only by whoever has the volume.
        LeaseAnswer refused = await leases.ConfirmAsync("v", "a", 3, "x");
        Assert.Equal((false, 4L, "b"), (refused.Granted, refused.Epoch, refused.Owner));
        Assert.False((await leases.ConfirmAsync("v", "b", 3, "x")).Granted);
        Assert.Equal(["x", "a"], (await leases.RenewAsync("v", "b", 4, s_long)).Predecessors);
        Assert.Equal(["a"], (await leases.ConfirmAsync("v", "b", 4, "x")).Predecessors);
        Assert.Equal(["a"], (await leases.ConfirmAsync("v", "b", 4, "x")).Predecessors);

        // One that comes again has ended what it did; one that has released too; one that could not is added.
        Assert.Equal(["b"], (await Takes("a")).Predecessors);
        await leases.ReleaseAsync("v", "a", 5);
        await leases.ReleaseAsync("v", "a", 5);
        Assert.Equal(["b", "a/left"], (await leases.TakeAsync("v", "c", s_long)).Predecessors);
        await leases.ReleaseAsync("v", "a", 5);
        Assert.Equal(["b", "a/left", "c"], (await Takes("d")).Predecessors);
        Assert.Equal(["b", "c", "d"], (await Takes("a")).Predecessors);
    }

    [SkippableFact]
    public async Task Of_many_that_die_or_leave_before_they_have_fenced_those_are_kept_that_have_written()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        LeaseAnswer answer = default;
        for (int i = 0; i < 3 * PostgresLeases.PredecessorsMax; i++)
        {
            Expire(database);
            answer = await leases.TakeAsync("v", $"o{i}", s_long);
            Assert.Equal(Math.Min(i, PostgresLeases.PredecessorsMax), answer.Predecessors.Count);
        }

        // The first one had nobody to fence.
        Assert.Equal("o0", answer.Predecessors[0]);
        await leases.ReleaseAsync("v", answer.Owner, answer.Epoch);
        Assert.Equal(answer.Predecessors, (await leases.TakeAsync("v", "x", s_long)).Predecessors);
    }

    [SkippableFact]
    public async Task Of_many_that_take_it_at_once_one_gets_it()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases one = await PostgresLeases.OpenAsync(database);
        await using PostgresLeases other = await PostgresLeases.OpenAsync(database);
        for (int round = 1; round <= 5; round++)
        {
            LeaseAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? one : other).TakeAsync("v", $"{round}-{i}", s_long).AsTask()));
            LeaseAnswer granted = Assert.Single(answers, answer => answer.Granted);
            Assert.Equal(round, granted.Epoch);
            Assert.All(answers, answer => Assert.Equal(granted.Owner, answer.Owner));
            await one.ReleaseAsync("v", granted.Owner, granted.Epoch);
        }
    }

    [SkippableFact]
    public async Task A_grant_is_durable_also_where_the_server_is_told_otherwise()
    {
        string database = server.Cluster.NewDatabase();
        string name = new NpgsqlConnectionStringBuilder(database).Database!;
        server.Cluster.Sql(name, $"ALTER DATABASE {name} SET synchronous_commit = off");
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        server.Cluster.Sql(
            name,
            """
            CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.owner := current_setting('synchronous_commit'); RETURN NEW; END $$;
            CREATE TRIGGER look BEFORE INSERT ON volume_lease FOR EACH ROW EXECUTE FUNCTION look();
            """);
        _ = await leases.TakeAsync("v", "a", s_long);
        Assert.Equal("on", server.Cluster.Sql(name, "SELECT owner FROM volume_lease"));
    }

    [SkippableFact]
    public async Task A_keeper_renews_and_gives_back_and_the_next_one_has_waited_for_it()
    {
        TimeSpan duration = TimeSpan.FromSeconds(1);
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(server.Cluster.NewDatabase());
        LeaseKeeper first = await LeaseKeeper.TakeAsync(leases, "v", "a", duration);
        List<string> waiting = [];
        Task<LeaseKeeper> second = LeaseKeeper.TakeAsync(leases, "v", "b", duration, waiting.Add);
        await Task.Delay(duration * 1.5);
        Assert.True(first.Holds);
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        Assert.False(first.Holds);
        await using LeaseKeeper next = await second.WaitAsync(s_patience);
        Assert.Equal((1L, 2L), (first.Epoch, next.Epoch));
        Assert.Contains("a has it under epoch 1", waiting[0], StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Without_the_database_it_holds_to_its_deadline_and_no_longer()
    {
        TimeSpan duration = TimeSpan.FromSeconds(1);
        await using FailingStore store = new(await PostgresLeases.OpenAsync(server.Cluster.NewDatabase()));
        await using LeaseKeeper keeper = await LeaseKeeper.TakeAsync(store, "v", "a", duration);
        store.Fails = true;
        long failing = BootClock.NowNs;
        Assert.True(keeper.Holds);
        await keeper.Lost.WaitAsync(s_patience);
        Assert.False(keeper.Holds);
        Assert.InRange(BootClock.NowNs - failing, 0, (long)s_patience.TotalNanoseconds);

        // The row says that it has run out too.
        store.Fails = false;
        await using LeaseKeeper next = await LeaseKeeper.TakeAsync(store, "v", "b", duration).WaitAsync(s_patience);
        Assert.Equal(2, next.Epoch);
    }

    [SkippableFact]
    public async Task A_database_that_is_away_is_said()
    {
        string database = server.Cluster.ConnectionString("nowhere");
        LeaseStoreException e = await Assert.ThrowsAsync<LeaseStoreException>(() => PostgresLeases.OpenAsync(database));
        Assert.Contains("nowhere", e.Message, StringComparison.Ordinal);
    }

    private void Expire(string database) =>
        server.Cluster.Sql(new NpgsqlConnectionStringBuilder(database).Database!, "UPDATE volume_lease SET expires = clock_timestamp() - interval '1 ms'");
}
