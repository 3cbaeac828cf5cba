using System.Diagnostics;
using System.Text.RegularExpressions;
using Npgsql;
using Scheduler.Storage.Lease;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Storage.Tests.Lease;

/// <summary>S5 over a real database: nobody that may still write is forgotten, and nothing begins before they are fenced.</summary>
[Collection("postgres")]
public sealed class VolumeOwnershipTests : IAsyncLifetime, IFence
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // Renewed, and a fence tried again, after a quarter of it. Long enough that a slow machine does not lose it.
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_fencingMax = TimeSpan.FromMinutes(5);
    private readonly PostgresServer _server;
    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _fenced = [];
    private readonly List<string> _told = [];
    private readonly HashSet<string> _latest = [];
    private Func<string, CancellationToken, Task<bool>> _fence = (_, _) => Task.FromResult(true);
    private Func<FenceAnswer> _enter = () => new FenceAnswer(true, "");
    private string _database = "";
    private PostgresLeases _leases = null!;

    public VolumeOwnershipTests(PostgresServer server) => _server = server;

    public async Task InitializeAsync()
    {
        if (PostgresCluster.Missing is not null)
            return;
        _database = _server.Cluster.NewDatabase();
        _leases = await PostgresLeases.OpenAsync(_database);
    }

    public async Task DisposeAsync()
    {
        _directory.Dispose();
        if (_leases is not null)
            await _leases.DisposeAsync();
    }

    [SkippableFact]
    public async Task Who_was_not_fenced_by_one_that_died_is_fenced_by_the_next_and_so_is_that_one()
    {
        await DiedHolding("x");
        await using FailingStore reachOfA = new(_leases);
        _fence = (_, _) => Task.FromResult(false);
        using CancellationTokenSource end = new();
        Task<VolumeOwnership> a = VolumeOwnership.AcquireAsync(reachOfA, this, "v", Owner("a"), s_long, s_fencingMax, Tell, end.Token);
        await Eventually(() => Fenced("x"));
        reachOfA.Fails = true;
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => a);

        Expire();
        Forget();
        _fence = (name, _) =>
        {
            Assert.Contains(name, Row(), StringComparison.Ordinal);
            return Task.FromResult(true);
        };
        await using VolumeOwnership b = await Acquire("b", s_long);
        Assert.Equal(["x", "a"], _fenced);
        Assert.Equal((3L, true), (b.Epoch, b.Holds));
        Assert.Equal($"{Owner("b")}|3|{{}}", Row());
    }

    [SkippableFact]
    public async Task Until_the_fence_has_answered_nothing_is_confirmed_or_begun_and_the_lease_is_renewed()
    {
        await DiedHolding("x");
        TaskCompletionSource<bool> fence = new();
        _fence = (_, _) => fence.Task;
        Task<VolumeOwnership> acquiring = Acquire("a", s_short);
        await Eventually(() => Fenced("x"));
        for (int renewals = 0; renewals < 2; renewals++)
        {
            string expires = Expires();
            await Eventually(() => Expires() != expires);
        }

        Assert.False(acquiring.IsCompleted);
        Assert.Equal($"{Owner("a")}|2|{{{Owner("x")}}}", Row());
        fence.SetResult(true);
        await using VolumeOwnership a = await acquiring.WaitAsync(s_patience);
        Assert.Equal((2L, true), (a.Epoch, a.Holds));
        Assert.Equal($"{Owner("a")}|2|{{}}", Row());
    }

    [SkippableFact]
    public async Task Who_has_given_it_back_is_named_to_the_next_as_one_that_has_left_also_when_it_had_run_out_or_was_never_served()
    {
        await (await Acquire("x", s_long)).DisposeAsync();
        Assert.Equal($"|1|{{{Left("x")}}}", Row());
        VolumeOwnership a = await Acquire("a", s_short);
        Assert.Equal($"{Owner("a")}|2|{{}}", Row());
        Expire();
        await a.Lost.WaitAsync(s_patience);
        await a.DisposeAsync();
        Assert.Equal($"|2|{{{Left("a")}}}", Row());
        Assert.Equal(["x left"], _fenced);

        // One that is called off while it fences has not written anything. What it has reserved it leaves, and those that may write.
        await DiedHolding("y");
        _fence = async (name, cancellation) =>
        {
            await Task.Delay(name == "y" ? Timeout.Infinite : 0, cancellation);
            return true;
        };
        using CancellationTokenSource end = new();
        Task<VolumeOwnership> b = VolumeOwnership.AcquireAsync(_leases, this, "v", Owner("b"), s_long, s_fencingMax, Tell, end.Token);
        await Eventually(() => Fenced("y"));
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => b);
        Assert.Equal($"|4|{{{Owner("y")},{Left("b")}}}", Row());

        Forget();
        _fence = (_, _) => Task.FromResult(true);
        await using VolumeOwnership c = await Acquire("c", s_long);
        Assert.Equal(["y", "b left"], _fenced);
        Assert.Equal($"{Owner("c")}|5|{{}}", Row());
    }

    [SkippableFact]
    public async Task Who_has_left_is_waited_for_by_nobody_and_nothing_begins_before_it_is_taken_over()
    {
        await (await Acquire("x", s_long)).DisposeAsync();
        int failures = 2;
        _fence = (name, _) =>
        {
            Assert.Contains(Left("x"), Row(), StringComparison.Ordinal);
            return Task.FromResult(--failures < 0);
        };
        await using VolumeOwnership a = await Acquire("a", s_short);
        Assert.Equal(["x left", "x left", "x left"], _fenced);
        Assert.True(Told($"its former owner {Left("x")} is not fenced, so the volume is not served: planted"));

        // Its lease of ten minutes was not in the way.
        Assert.DoesNotContain(_told, line => line.Contains("has it under epoch", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_program_ends_nobody_that_has_left()
    {
        await (await Acquire("x", s_long)).DisposeAsync();
        _told.Clear();
        string ran = _directory.File("ran");
        FenceCommand fence = new(FenceCommandTests.Script($"touch {ran}"), s_patience);
        await using VolumeOwnership a = await VolumeOwnership.AcquireAsync(_leases, fence, "v", Owner("a"), s_long, s_fencingMax, Tell);
        Assert.False(File.Exists(ran));
        Assert.Empty(_told);
        Assert.Equal($"{Owner("a")}|2|{{}}", Row());
    }

    [SkippableFact]
    public async Task Who_gives_up_after_a_grant_that_it_has_not_heard_of_gives_it_back()
    {
        await using FailingStore deaf = new(_leases) { LosesTakes = true };
        using CancellationTokenSource end = new();
        Task<VolumeOwnership> a = VolumeOwnership.AcquireAsync(deaf, this, "v", Owner("a"), s_long, s_fencingMax, Tell, end.Token);
        await Eventually(() => _told.Count > 0);
        Assert.Equal($"{Owner("a")}|1|{{}}", Row());
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => a);

        // It has reserved nothing, which is no reason to forget its name: the next owner finds that out. It is the same with one that
        // gives up while it is granted, and has heard of it.
        Assert.Equal($"|1|{{{Left("a")}}}", Row());
        using CancellationTokenSource now = new();
        (deaf.LosesTakes, deaf.Taken) = (false, now.Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => VolumeOwnership.AcquireAsync(deaf, this, "v", Owner("c"), s_long, s_fencingMax, Tell, now.Token));
        Assert.Equal($"|2|{{{Left("a")},{Left("c")}}}", Row());
        Assert.Empty(_fenced);
        await using VolumeOwnership b = await Acquire("b", s_long);
        Assert.Equal(["a left", "c left"], _fenced);
    }

    [SkippableFact]
    public async Task A_process_to_which_the_volume_returns_does_not_fence_itself()
    {
        VolumeOwnership first = await Acquire("a", s_short);
        Expire();
        await DiedHolding("b");
        await first.Lost.WaitAsync(s_patience);
        await first.DisposeAsync();
        Assert.Equal($"{Owner("b")}|2|{{{Owner("a")}}}", Row());
        await using VolumeOwnership again = await Acquire("a", s_long);
        Assert.Equal(["b"], _fenced);
        Assert.Equal(3, again.Epoch);
    }

    [SkippableFact]
    public async Task A_lease_that_is_lost_meanwhile_is_taken_again_and_everybody_is_fenced_again()
    {
        await DiedHolding("x");
        _fence = async (_, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return true;
        };
        Task<VolumeOwnership> acquiring = Acquire("a", s_short);
        await Eventually(() => Fenced("x"));
        _fence = (_, _) => Task.FromResult(true);

        // As if it had run out: in one statement, so that nobody else can take it first.
        _ = Sql($"UPDATE volume_lease SET predecessors = predecessors || owner, owner = '{Owner("y")}', epoch = epoch + 1, expires = clock_timestamp() + interval '1 h'");
        await Eventually(() => Told("was lost before its former owners were fenced"));
        Expire();
        await using VolumeOwnership a = await acquiring.WaitAsync(s_patience);
        Assert.Equal(4, a.Epoch);
        Assert.Equal(["x", "x", "y"], _fenced);
        Assert.Equal($"{Owner("a")}|4|{{}}", Row());
    }

    [SkippableFact]
    public async Task A_fence_that_fails_is_tried_again_and_told_and_what_is_excluded_is_not_fenced_twice()
    {
        await DiedHolding("x");
        await DiedHolding("y");
        int failures = 2;
        _fence = (name, _) => Task.FromResult(name == "x" || --failures < 0);
        await using VolumeOwnership a = await Acquire("a", s_short);
        Assert.Equal(["x", "y", "y", "y"], _fenced);
        Assert.Equal(["y"], _latest);
        Assert.True(Told($"its former owner {Owner("y")} is not fenced, so the volume is not served: planted"));
        Assert.True(Told($"its former owner {Owner("y")} is fenced: planted"));
        Assert.Equal($"{Owner("a")}|3|{{}}", Row());
    }

    [SkippableFact]
    public async Task An_outcome_that_is_unknown_is_confirmed_again_without_fencing_again()
    {
        await DiedHolding("x");
        await using FailingStore reach = new(_leases);
        _fence = (_, _) => Task.FromResult(reach.Fails = true);
        await using VolumeOwnership a = await VolumeOwnership.AcquireAsync(reach, this, "v", Owner("a"), s_short, s_fencingMax, line =>
        {
            Tell(line);
            if (line.StartsWith("planted: away", StringComparison.Ordinal))
                reach.Fails = false;
        });
        Assert.Equal(["x"], _fenced);
        Assert.True(Told("planted: away"));
        Assert.Equal("{}", Row().Split('|')[2]);
    }

    [SkippableFact]
    public async Task An_owner_whose_name_says_nothing_is_never_taken_for_fenced()
    {
        Assert.True((await _leases.TakeAsync("v", "somebody", s_long)).Granted);
        Expire();
        using CancellationTokenSource end = new();
        Task<VolumeOwnership> a = VolumeOwnership.AcquireAsync(_leases, this, "v", Owner("a"), s_long, s_fencingMax, Tell, end.Token);
        await Eventually(() => Told("'somebody' is no owner of a lease"));
        Assert.Empty(_fenced);
        Assert.EndsWith("|{somebody}", Row(), StringComparison.Ordinal);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => a);
    }

    [SkippableFact]
    public async Task One_that_can_not_be_fenced_an_operator_may_take_out_of_the_row()
    {
        await DiedHolding("x");
        _fence = (_, _) => Task.FromResult(false);
        Task<VolumeOwnership> acquiring = Acquire("a", s_short);
        await Eventually(() => Fenced("x"));
        _ = Sql($"UPDATE volume_lease SET predecessors = array_remove(predecessors, '{Owner("x")}') WHERE volume = 'v'");
        await using VolumeOwnership a = await acquiring.WaitAsync(s_patience);
        Assert.Equal((2L, true), (a.Epoch, a.Holds));
    }

    [SkippableFact]
    public async Task Who_can_not_fence_for_long_says_so_and_gives_the_lease_back_that_another_may_try()
    {
        await DiedHolding("x");
        _fence = (_, _) => Task.FromResult(false);
        VolumeNotFencedException e = await Assert.ThrowsAsync<VolumeNotFencedException>(
            () => VolumeOwnership.AcquireAsync(_leases, this, "v", Owner("a"), s_short, TimeSpan.FromMilliseconds(1), Tell).WaitAsync(s_patience));
        Assert.Contains($"its former owner {Owner("x")} is not fenced, so the volume is not served: planted", e.Message, StringComparison.Ordinal);
        Assert.Equal($"|2|{{{Owner("x")},{Left("a")}}}", Row());

        // Nor is it kept by one that can't reserve.
        (_fence, _enter) = ((_, _) => Task.FromResult(true), () => new FenceAnswer(false, "planted: device away"));
        e = await Assert.ThrowsAsync<VolumeNotFencedException>(
            () => VolumeOwnership.AcquireAsync(_leases, this, "v", Owner("b"), s_short, TimeSpan.FromMilliseconds(1), Tell).WaitAsync(s_patience));
        Assert.EndsWith("its fence is not ready, so the volume is not served: planted: device away", e.Message, StringComparison.Ordinal);
        Assert.Equal($"|3|{{{Left("b")}}}", Row());
        _enter = () => new FenceAnswer(true, "");
        await using VolumeOwnership c = await Acquire("c", s_long);
        Assert.Equal($"{Owner("c")}|4|{{}}", Row());
    }

    [SkippableFact]
    public async Task A_real_process_that_lost_its_lease_is_ended_by_a_command_that_fails_twice_first()
    {
        using Process old = Process.Start("/bin/sleep", ["1000"]);
        try
        {
            LeaseOwner owner = LeaseOwner.ThisProcess("node1") with { ProcessId = old.Id, Started = FenceCommandTests.StartOf(old.Id) };
            Assert.True((await _leases.TakeAsync("v", owner.ToString(), s_long)).Granted);
            Expire();
            string count = _directory.File("count");
            FenceCommand fence = new(
                FenceCommandTests.Script($"echo >>{count}; [ $(wc -l <{count}) -gt 2 ] || {{ echo not yet >&2; exit 7; }}; {FenceCommandTests.KillHere[2]}"), s_patience);
            await using VolumeOwnership next = await VolumeOwnership.AcquireAsync(_leases, fence, "v", Owner("a"), s_short, s_fencingMax, Tell).WaitAsync(s_patience);
            Assert.Equal(2, _told.Count(line => line.EndsWith("is not fenced, so the volume is not served: /bin/sh ended with 7: not yet", StringComparison.Ordinal)));
            Assert.True(next.Holds);
            Assert.False(Directory.Exists($"/proc/{old.Id}"));
        }
        finally
        {
            old.Kill();
        }
    }

    [SkippableFact]
    public async Task Without_a_fence_it_is_said_what_that_means()
    {
        await DiedHolding("x");
        await using VolumeOwnership a = await VolumeOwnership.AcquireAsync(_leases, new NoFence(), "v", Owner("a"), s_long, s_fencingMax, Tell);
        Assert.True(a.Holds);
        Assert.True(Told("without a fence: what it has in flight may still be written"));
    }

    [SkippableFact]
    public async Task Nothing_begins_before_the_next_owner_can_exclude_this_one()
    {
        await DiedHolding("x");
        int failures = 2;
        _enter = () =>
        {
            // On a machine that stands still for a while the lease is taken once more.
            Assert.Matches($@"^{Regex.Escape(Owner("a").ToString())}\|\d+\|\{{\}}$", Row());
            return --failures < 0 ? new FenceAnswer(true, "reserved") : new FenceAnswer(false, "planted: device away");
        };
        await using VolumeOwnership a = await Acquire("a", s_short);
        Assert.Equal(2, _told.Count(line => line == "Volume v: its fence is not ready, so the volume is not served: planted: device away"));
        Assert.Equal("Volume v: reserved", _told[^1]);
        Assert.Equal(-1, failures);
    }

    Task<FenceAnswer> IFence.EnterAsync(string volume, CancellationToken cancellation) => Task.FromResult(_enter());

    async Task<FenceAnswer> IFence.ExcludeAsync(string volume, FormerOwner former, CancellationToken cancellation)
    {
        Assert.Equal("v", volume);
        Func<string, CancellationToken, Task<bool>> fence = _fence;
        lock (_fenced)
            _fenced.Add(former.HasLeft ? $"{former.Owner.Node} left" : former.Owner.Node);
        lock (_latest)
            _ = former.IsLatest && _latest.Add(former.Owner.Node);
        return new FenceAnswer(await fence(former.Owner.Node, cancellation), "planted");
    }

    private static LeaseOwner Owner(string node) => new(node, 1, 2, Guid.Empty);

    private static string Left(string node) => FormerOwner.NameOfLeft(Owner(node).ToString());

    private static async Task Eventually(Func<bool> condition)
    {
        for (long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; !condition();)
        {
            Assert.True(Environment.TickCount64 < end, "it did not come");
            await Task.Delay(10);
        }
    }

    private Task<VolumeOwnership> Acquire(string node, TimeSpan duration) =>
        VolumeOwnership.AcquireAsync(_leases, this, "v", Owner(node), duration, s_fencingMax, Tell);

    // Its lease is over, and whether its I/O is, nobody knows.
    private async Task DiedHolding(string node)
    {
        Assert.True((await _leases.TakeAsync("v", Owner(node).ToString(), s_long)).Granted);
        Expire();
    }

    private bool Fenced(string node)
    {
        lock (_fenced)
            return _fenced.Contains(node);
    }

    private void Forget()
    {
        lock (_fenced)
            _fenced.Clear();
    }

    private void Tell(string line)
    {
        lock (_told)
            _told.Add(line);
    }

    private bool Told(string text)
    {
        lock (_told)
            return _told.Any(line => line.Contains(text, StringComparison.Ordinal));
    }

    private string Sql(string text) => _server.Cluster.Sql(new NpgsqlConnectionStringBuilder(_database).Database!, text);

    private void Expire() => Sql("UPDATE volume_lease SET expires = clock_timestamp() - interval '1 ms'");

    private string Expires() => Sql("SELECT expires FROM volume_lease");

    private string Row() => Sql("SELECT owner, epoch, predecessors FROM volume_lease");
}
