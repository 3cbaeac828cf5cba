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

        FenceAnswer answer = await Fence(s_new, "2").ExcludeAsync("v", LeaseOwner.Parse(s_old.ToString()), CancellationToken.None);
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
        Assert.True((await Fence(s_old with { ProcessId = 4712 }, "1").ExcludeAsync("v", s_old, CancellationToken.None)).Excluded);
    }

    [Fact]
    public async Task A_process_that_comes_after_one_of_the_same_host_takes_its_registration_over()
    {
        _ = await Fence(s_old, "1").EnterAsync("v", CancellationToken.None);
        LeaseOwner next = s_old with { ProcessId = 5000 };
        FenceAnswer answer = await Fence(next, "1").ExcludeAsync("v", s_old, CancellationToken.None);
        Assert.True(answer.Excluded, answer.Text);
        Assert.Contains("is not registered", answer.Text, StringComparison.Ordinal);
        Assert.True((await Fence(s_new, "2").ExcludeAsync("v", next, CancellationToken.None)).Excluded);
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
        HashSet<LeaseOwner> left = [s_old, s_new];
        for (int tries = 0; tries < 2; tries++)
        {
            foreach (LeaseOwner former in left.ToList())
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
        Assert.False((await fence.ExcludeAsync("v", s_old, CancellationToken.None)).Excluded);
        Assert.False(await fence.LeaveAsync("v", holds: true));
        Assert.True(_disks["/dev/y"].MayWrite("other"));
    }

    [Fact]
    public async Task Who_gives_the_volume_back_leaves_nothing_and_who_was_excluded_meanwhile_touches_nothing()
    {
        ReservationFence old = Fence(s_old, "1");
        _ = await old.EnterAsync("v", CancellationToken.None);
        Assert.False(await old.LeaveAsync("v", holds: false));
        Assert.False(_disks["/dev/x"].MayWrite("2"));
        Assert.True(await old.LeaveAsync("v", holds: true));
        Assert.All(_disks.Values, disk => Assert.Empty(disk.Keys));

        _ = await old.EnterAsync("v", CancellationToken.None);
        _ = await Fence(s_new, "2").ExcludeAsync("v", s_old, CancellationToken.None);
        Assert.False(await old.LeaveAsync("v", holds: true));
        Assert.All(_disks.Values, disk => Assert.True(disk.MayWrite("2") && !disk.MayWrite("1")));
    }

    [Fact]
    public async Task A_device_that_fails_is_named_and_nothing_is_taken_for_done()
    {
        _disks["/dev/y"].Fails = true;
        ReservationFence fence = Fence(s_new, "2");
        Assert.Equal(new FenceAnswer(false, "/dev/y is away; look"), await fence.ExcludeAsync("v", s_old, CancellationToken.None));
        Assert.Equal(new FenceAnswer(false, "/dev/y is away; look"), await fence.EnterAsync("v", CancellationToken.None));
        Assert.False(await fence.LeaveAsync("v", holds: true));
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

    private ReservationFence Fence(LeaseOwner owner, string host) => new(owner, _ => [.. _disks.Keys], path => _disks[path].Open(host));

    /// <summary>A logical unit with write-exclusive reservations for registrants only.</summary>
    private sealed class ModelDisk
    {
        private string? _holder;

        public Dictionary<string, ulong> Keys { get; } = [];

        public List<string> Aborted { get; } = [];

        public bool Fails { get; set; }

        public bool MayWrite(string host) => _holder is null || Keys.ContainsKey(host);

        public IReservationDevice Open(string host) => Fails ? throw new ReservationException("/dev/y is away; look") : new Nexus(this, host);

        private sealed class Nexus(ModelDisk disk, string host) : IReservationDevice
        {
            public ReservationAnswer Register(ulong key)
            {
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
                List<string> hosts = [.. disk.Keys.Where(pair => pair.Value == other).Select(pair => pair.Key)];
                if (!Is(key) || hosts.Count == 0)
                    return ReservationAnswer.Conflict;
                foreach (string preempted in hosts)
                {
                    _ = disk.Keys.Remove(preempted);
                    disk.Aborted.Add(preempted);
                    if (disk._holder == preempted)
                        disk._holder = host;
                }

                return ReservationAnswer.Done;
            }

            public ReservationAnswer Clear(ulong key)
            {
                if (!Is(key))
                    return ReservationAnswer.Conflict;
                disk.Keys.Clear();
                disk._holder = null;
                return ReservationAnswer.Done;
            }

            public void Dispose()
            {
            }

            private bool Is(ulong key) => disk.Keys.TryGetValue(host, out ulong own) && own == key;
        }
    }
}
