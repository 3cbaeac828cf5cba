using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

/// <summary>The order of commands, over disks that are modelled as SPC-4 says; Scheduler.Cluster.Tests has real ones.</summary>
public sealed class ReservationFenceTests
{
    private static readonly Guid s_boot = Guid.Parse("1f0d1d5e-3c1b-4c3e-9d40-0b6cbb1ff0a6");
    private static readonly LeaseOwner s_old = new("node1", 4711, 88123, s_boot);
    private static readonly LeaseOwner s_new = new("node2", 12, 34, s_boot);
    private readonly Dictionary<string, ModelDisk> _disks = new() { ["/dev/x"] = new(), ["/dev/y"] = new() };

    [Fact]
    public async Task What_is_in_its_row_is_all_that_the_next_owner_needs_on_every_device()
    {
        Assert.True((await Fence(s_old, "1").EnterAsync("v", CancellationToken.None)).Excluded);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("1") && !disk.MayWrite("2")));

        FenceAnswer answer = await Fence(s_new, "2").ExcludeAsync("v", FormerOwner.Parse(s_old.ToString()), CancellationToken.None);
        Assert.True(answer.Excluded, answer.Text);
        Assert.Equal($"/dev/x: its key 0x{ReservationFence.KeyOf(s_old):x16} is preempted; /dev/y: its key 0x{ReservationFence.KeyOf(s_old):x16} is preempted", answer.Text);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("2") && !disk.MayWrite("1")));
        Assert.All(_disks.Values, disk => Assert.Equal(["1"], disk.Aborted));
    }

    [Fact]
    public async Task A_key_is_one_process_alone()
    {
        ulong[] keys = [.. new[] { s_old, s_new, s_old with { ProcessId = 4712 }, s_old with { Started = 88124 }, s_old with { Boot = Guid.Empty } }.Select(ReservationFence.KeyOf)];
        Assert.Equal(keys.Length, keys.Distinct().Count());

        // Nodes of different versions must agree on it.
        Assert.Equal(0x4276859041204117UL, keys[0]);
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        Assert.True((await Exclude(Fence(s_old with { ProcessId = 4712 }, "1"), s_old)).Excluded);
    }

    [Fact]
    public async Task A_process_that_comes_after_one_of_the_same_host_takes_its_registration_over()
    {
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        LeaseOwner next = s_old with { ProcessId = 5000 };
        FenceAnswer answer = await Exclude(Fence(next, "1"), s_old);
        Assert.True(answer.Excluded, answer.Text);
        Assert.Contains("is not registered", answer.Text, StringComparison.Ordinal);
        Assert.True((await Exclude(Fence(s_new, "2"), next)).Excluded);
        Assert.False(_disks["/dev/x"].MayWrite("1"));
    }

    [Fact]
    public async Task Where_one_has_died_before_it_was_done_the_next_takes_up_all_that_it_has_left()
    {
        LeaseOwner third = new("node3", 7, 7, s_boot);
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);

        // On one device it has registered, on the other it has excluded the owner before.
        ulong key = ReservationFence.KeyOf(s_new);
        _ = _disks["/dev/x"].Open("2").Register(key);
        _ = _disks["/dev/y"].Open("2").Register(key);
        _ = _disks["/dev/y"].Open("2").Preempt(key, ReservationFence.KeyOf(s_old));
        ReservationFence fence = Fence(third, "3");
        HashSet<FormerOwner> left = [new(s_old, HasLeft: false) { IsLatest = false }, new(s_new, HasLeft: false)];
        for (int tries = 0; tries < 2; tries++)
        {
            foreach (FormerOwner former in left.ToList())
            {
                if ((await fence.ExcludeAsync("v", former, CancellationToken.None)).Excluded)
                    _ = left.Remove(former);
            }
        }

        Assert.Empty(left);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("3") && !disk.MayWrite("1") && !disk.MayWrite("2")));
        Assert.All(_disks.Values, disk => Assert.Contains("1", disk.Aborted));
    }

    [Fact]
    public async Task A_reservation_of_somebody_else_is_let_be()
    {
        _ = _disks["/dev/y"].Open("other").Register(99);
        _ = _disks["/dev/y"].Open("other").Reserve(99);
        ReservationFence fence = Fence(s_new, "2");
        FenceAnswer answer = await fence.EnterAsync("v", CancellationToken.None);
        Assert.False(answer.Excluded);
        Assert.StartsWith($"/dev/y has a reservation that is not this node's (whose key is 0x{ReservationFence.KeyOf(s_new):x16})", answer.Text, StringComparison.Ordinal);
        Assert.False((await Exclude(fence, s_old)).Excluded);
        Assert.True(_disks["/dev/y"].MayWrite("other"));
    }

    [Fact]
    public async Task Who_was_fenced_before_stays_out_when_the_next_owner_gives_the_volume_back()
    {
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        _ = await Exclude(Fence(s_new, "2"), s_old);

        // It leaves. The first one, which has been asleep, wakes up.
        Assert.All(_disks.Values, disk => Assert.False(disk.MayWrite("1")));
        LeaseOwner third = new("node3", 7, 7, s_boot);
        FenceAnswer answer = await Fence(third, "3").ExcludeAsync("v", new FormerOwner(s_new, HasLeft: true), CancellationToken.None);
        Assert.True(answer.Excluded, answer.Text);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("3") && !disk.MayWrite("2") && !disk.MayWrite("1")));
    }

    [Fact]
    public async Task Who_comes_again_after_it_has_left_finds_what_it_left()
    {
        ReservationFence fence = Fence(s_old, "1");
        Assert.True((await fence.EnterAsync("v", CancellationToken.None)).Excluded);
        Assert.True((await fence.EnterAsync("v", CancellationToken.None)).Excluded);

        // So does another process of its host.
        LeaseOwner next = s_old with { ProcessId = 5000 };
        FenceAnswer answer = await Fence(next, "1").ExcludeAsync("v", new FormerOwner(s_old, HasLeft: true), CancellationToken.None);
        Assert.True(answer.Excluded, answer.Text);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("1") && !disk.MayWrite("2")));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task A_preemption_that_breaks_off_after_it_has_taken_the_key_is_not_taken_for_done(bool isScsi, bool assentsToHolder)
    {
        foreach (ModelDisk each in _disks.Values)
            (each.IsScsi, each.AssentsToHolder) = (isScsi, assentsToHolder);
        ModelDisk disk = _disks["/dev/y"];
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        _ = disk.UnderWay.Add("1");
        disk.BeforeAbort = () => throw new ReservationException("/dev/y is away; look");
        ReservationFence fence = Fence(s_new, "2");
        Assert.Equal(new FenceAnswer(false, "/dev/y is away; look"), await Exclude(fence, s_old));
        Assert.False(disk.Keys.ContainsKey("1"));
        disk.BeforeAbort = () => { };

        // This process knows; another sees from the row that somebody came between.
        ReservationFence next = Fence(new LeaseOwner("node3", 7, 7, s_boot), "3");
        FormerOwner old = new(s_old, HasLeft: false) { IsLatest = false };
        FenceAnswer[] answers = isScsi
            ? [await Exclude(fence, s_old)]
            : [await Exclude(fence, s_old), await Exclude(fence, s_old), await ExcludeAfter(next, s_new, old), await Exclude(next, s_old)];
        Assert.All(answers, answer => Assert.Equal(isScsi, answer.Excluded));
        Assert.Equal(!isScsi, disk.UnderWay.Contains("1"));
        string key = $"0x{ReservationFence.KeyOf(s_old):x16}";
        if (isScsi)
            Assert.EndsWith($"/dev/y: its key {key} is not registered, and all commands that the device had are aborted", answers[0].Text, StringComparison.Ordinal);
        else
            Assert.All(answers, answer => Assert.Contains($" may have commands of its former owner under way: its key {key} is not registered any more", answer.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_that_does_not_answer_is_named_and_nothing_else_is_begun_before_it_does()
    {
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        using ManualResetEventSlim begun = new(), answers = new();
        _disks["/dev/y"].BeforeAbort = () =>
        {
            begun.Set();
            answers.Wait();
        };
        ReservationFence fence = Fence(s_new, "2", TimeSpan.FromMilliseconds(20));
        Assert.False((await Exclude(fence, s_old)).Excluded);
        begun.Wait();
        foreach (FenceAnswer hung in new[] { await Exclude(fence, s_old), await fence.EnterAsync("v", CancellationToken.None) })
        {
            Assert.False(hung.Excluded);
            Assert.Matches("^/dev/y has not answered a reservation command for [0-9]+ s; ", hung.Text);
        }

        Assert.Equal(["1"], _disks["/dev/x"].Aborted);
        answers.Set();
        while (!(await Exclude(fence, s_old)).Excluded)
            Assert.DoesNotContain("1", _disks["/dev/y"].Keys.Keys);
        Assert.Equal(["1"], _disks["/dev/y"].Aborted);
    }

    [Fact]
    public async Task What_is_not_wanted_any_more_ends_after_the_command_that_it_is_at()
    {
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        using ManualResetEventSlim begun = new(), answers = new();
        _disks["/dev/x"].BeforeRegister = () =>
        {
            begun.Set();
            answers.Wait();
        };
        ReservationFence fence = Fence(s_new, "2");
        using CancellationTokenSource end = new();
        Task<FenceAnswer> excluding = fence.ExcludeAsync("v", new FormerOwner(s_old, HasLeft: false), end.Token);
        begun.Wait();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => excluding);
        _disks["/dev/x"].BeforeRegister = () => { };
        answers.Set();

        // Its next try has waited for that.
        _disks["/dev/y"].Fails = true;
        Assert.False((await fence.EnterAsync("v", CancellationToken.None)).Excluded);
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("1")));
        Assert.Empty(_disks["/dev/x"].Aborted);
    }

    [Fact]
    public async Task A_preemption_that_has_ended_is_not_doubted_when_another_device_fails()
    {
        _disks["/dev/x"].IsScsi = false;
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        _disks["/dev/y"].Fails = true;
        ReservationFence fence = Fence(s_new, "2");
        Assert.False((await Exclude(fence, s_old)).Excluded);
        _disks["/dev/y"].Fails = false;
        FenceAnswer answer = await Exclude(fence, s_old);
        Assert.True(answer.Excluded, answer.Text);
    }

    [Fact]
    public async Task A_device_that_fails_is_named_and_nothing_is_taken_for_done()
    {
        _disks["/dev/y"].Fails = true;
        ReservationFence fence = Fence(s_new, "2");
        Assert.Equal(new FenceAnswer(false, "/dev/y is away; look"), await Exclude(fence, s_old));
        Assert.Equal(new FenceAnswer(false, "/dev/y is away; look"), await fence.EnterAsync("v", CancellationToken.None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fence.EnterAsync("v", new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData("/nowhere/disk", "can't be looked at")]
    [InlineData("/dev/null", "is no block device, and only those can be reserved; name a disk, or fence with a command")]
    [InlineData("/proc/self/exe", "is no block device")]
    public void What_is_no_disk_is_refused_with_what_helps(string path, string reason)
    {
        Assert.StartsWith(path + " " + reason, ReservationDevice.WhyNot(path, ReservationKind.Scsi), StringComparison.Ordinal);
        Assert.Contains(reason, Assert.Throws<ReservationException>(() => ReservationDevice.Open(path, ReservationKind.Nvme)).Message, StringComparison.Ordinal);
    }

    private static Task<FenceAnswer> Exclude(ReservationFence fence, LeaseOwner former) =>
        fence.ExcludeAsync("v", new FormerOwner(former, HasLeft: false), CancellationToken.None);

    // As VolumeOwnership does: all in turn.
    private static async Task<FenceAnswer> ExcludeAfter(ReservationFence fence, LeaseOwner latest, FormerOwner before)
    {
        Assert.False((await fence.ExcludeAsync("v", before, CancellationToken.None)).Excluded);
        Assert.True((await Exclude(fence, latest)).Excluded);
        return await fence.ExcludeAsync("v", before, CancellationToken.None);
    }

    private ReservationFence Fence(LeaseOwner owner, string host, TimeSpan? timeMax = null) => new(owner, _ => [.. _disks.Keys], path => _disks[path].Open(host), timeMax ?? TimeSpan.FromMinutes(1));

    /// <summary>A logical unit with write-exclusive reservations for registrants only.</summary>
    private sealed class ModelDisk
    {
        private string? _holder;

        public Dictionary<string, ulong> Keys { get; } = [];

        public List<string> Aborted { get; } = [];

        /// <summary>Commands that are under way, by host.</summary>
        public HashSet<string> UnderWay { get; } = [];

        public bool IsScsi { get; set; } = true;

        /// <summary>Whether it says of each preemption of its holder that it is done, as nvmet may.</summary>
        public bool AssentsToHolder { get; set; }

        /// <summary>What a preemption does when it has taken the key away.</summary>
        public Action BeforeAbort { get; set; } = () => { };

        public Action BeforeRegister { get; set; } = () => { };

        public bool Fails { get; set; }

        public bool MayWrite(string host) => _holder is null || Keys.ContainsKey(host);

        public IReservationDevice Open(string host) => Fails ? throw new ReservationException("/dev/y is away; look") : new Nexus(this, host);

        private sealed class Nexus(ModelDisk disk, string host) : IReservationDevice
        {
            public ReservationAnswer Register(ulong key)
            {
                disk.BeforeRegister();
                disk.Keys[host] = key;
                return ReservationAnswer.Done;
            }

            public ReservationAnswer Reserve(ulong key)
            {
                if (!Is(key) || (disk._holder ?? host) != host)
                    return ReservationAnswer.Conflict;
                disk._holder = host;
                return ReservationAnswer.Done;
            }

            public ReservationAnswer Preempt(ulong key, ulong other)
            {
                if (Is(key) && disk._holder == host && disk.AssentsToHolder)
                    return ReservationAnswer.Done;
                List<string> hosts = [.. disk.Keys.Where(pair => pair.Value == other).Select(pair => pair.Key)];
                if (!Is(key) || hosts.Count == 0)
                    return ReservationAnswer.Conflict;
                foreach (string preempted in hosts)
                {
                    _ = disk.Keys.Remove(preempted);
                    if (disk._holder == preempted)
                        disk._holder = host;
                    disk.BeforeAbort();
                    disk.Aborted.Add(preempted);
                    _ = disk.UnderWay.Remove(preempted);
                }

                return ReservationAnswer.Done;
            }

            public bool AbortAll()
            {
                if (disk.IsScsi)
                    disk.UnderWay.Clear();
                return disk.IsScsi;
            }

            public void Dispose()
            {
            }

            private bool Is(ulong key) => disk.Keys.TryGetValue(host, out ulong own) && own == key;
        }
    }
}
