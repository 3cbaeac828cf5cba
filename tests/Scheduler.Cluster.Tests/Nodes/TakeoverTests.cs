using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Interop.Tests.Durability;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;
using Xunit.Abstractions;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>Three nodes under load that lose an owner in one way or another: what was acknowledged is there, and guests see a pause.</summary>
[Collection("postgres")]
public sealed class TakeoverTests(PostgresServer postgres, ITestOutputHelper output)
{
    private const int Blocks = 128;

    [SkippableFact]
    [Trait("Category", "Long")]
    public void Guests_of_all_nodes_use_disks_of_all_volumes_while_every_node_is_stopped_and_started_in_turn()
    {
        using TestCluster cluster = new TestCluster(postgres.Cluster).StartAll();
        _ = Fio.Run(
            cluster.Directory,
            "rw=randwrite\nsize=2m\niodepth=8\nverify=crc32c\nverify_backlog=64\nfsync=32",
            TimeSpan.FromSeconds(60),
            from node in Enumerable.Range(1, 3) from volume in Enumerable.Range(1, 3) select ($"n{node}v{volume}", cluster[node].Uri($"d{volume}{node}"), ""));
        cluster.AssertNothingBroke();

        TimeSpan longest = TimeSpan.Zero;
        for (int stopped = 1; stopped <= TestCluster.Count; stopped++)
        {
            // Guests of the two others, on each volume: whichever of them moves.
            Writers writers = new(cluster, [.. Enumerable.Range(1, 3).Where(node => node != stopped)]);
            writers.WaitUntilAllWrite();
            cluster.Stop(stopped);
            cluster.Start(stopped);
            cluster.WaitUntilServed();
            writers.WaitUntilAllWrite();
            longest = writers.EndAndCheck(cluster) is var pause && pause > longest ? pause : longest;
        }

        Assert.Empty(cluster.Fenced());
        output.WriteLine($"the longest pause of a restart in turn: {longest.TotalSeconds:F2} s");
        Assert.True(longest < TestCluster.TakeoverMax, $"a pause of {longest}");
    }

    [SkippableFact]
    public void An_owner_that_is_killed_is_replaced_and_fenced_and_guests_see_a_pause()
    {
        using TestCluster cluster = new TestCluster(postgres.Cluster).StartAll();
        int owner = cluster.OwnerOf(1);
        int[] others = [.. Enumerable.Range(1, 3).Where(node => node != owner)];
        Writers writers = new(cluster, others);

        // A guest of the dead node: qemu connects again by itself, and sends again what was unanswered.
        using ChildProcess guest = new(
            "stdbuf",
            [
                "-oL", "qemu-io", "--image-opts", $"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={cluster[owner].Endpoint.Port},export=d1{owner},reconnect-delay=60",
                "-c", "write -f -P 1 0 64k", "-c", "sleep 3000", "-c", "write -f -P 2 64k 64k", "-c", "read -P 1 0 64k", "-c", "read -P 2 64k 64k",
            ],
            cluster.Directory.Path);
        guest.WaitUntil(() => guest.Log.Contains("wrote 65536", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "no write");
        string process = cluster[owner].Process.Id.ToString(CultureInfo.InvariantCulture);
        cluster.Kill(owner);
        cluster.Start(owner);
        cluster.WaitUntilServed();
        Assert.Equal(0, guest.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(2, Regex.Count(guest.Log, "wrote 65536"));
        Assert.Equal(2, Regex.Count(guest.Log, "read 65536"));
        Assert.DoesNotContain("failed", guest.Log, StringComparison.OrdinalIgnoreCase);

        TimeSpan pause = writers.EndAndCheck(cluster);
        output.WriteLine($"after kill -9 of the owner the longest pause was {pause.TotalSeconds:F2} s");
        Assert.Contains($"v1 n{owner} {process}", cluster.Fenced());
        Assert.True(pause < TestCluster.TakeoverMax, $"a pause of {pause}");
    }

    // Asleep until others have given it up; it wakes when the fence has ended it, or while the fence is still waiting to. Nothing of it
    // reaches a file after the next owner has begun.
    [SkippableTheory]
    [Trait("Category", "Long")]
    [InlineData(0)]
    [InlineData(8)]
    public void An_owner_that_was_asleep_for_longer_than_its_lease_writes_nothing_afterwards(double fenceDelay)
    {
        Requires.Tool("strace");
        using TestCluster cluster = new TestCluster(postgres.Cluster, "volumes { v1.io = threads, v2.io = threads, v3.io = threads }", fenceDelay).StartAll();
        int owner = cluster.OwnerOf(1);
        ServiceProcess asleep = cluster[owner];
        Writers writers = new(cluster, [.. Enumerable.Range(1, 3).Where(node => node != owner)]);
        string trace = cluster.Directory.File("trace");
        using ChildProcess strace = new(
            "strace", ["-f", "-y", "-ttt", "-e", "trace=pwrite64,pwritev,pwritev2", "-o", trace, "-p", asleep.Process.Id.ToString(CultureInfo.InvariantCulture)], cluster.Directory.Path);
        strace.WaitUntil(() => strace.HasExited || strace.Log.Contains("attached", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "no strace");
        Requires.That(!strace.Log.Contains("not permitted", StringComparison.Ordinal), $"tracing is not permitted here: {strace.Log}");
        writers.WaitUntilAllWrite();
        asleep.Process.Suspend();
        DateTimeOffset asleepSince = DateTimeOffset.UtcNow;
        Thread.Sleep(TimeSpan.FromSeconds(10));
        if (!asleep.Process.HasExited)
            asleep.Process.Continue();
        cluster.AwaitOwner(1, but: owner);
        writers.WaitUntilAllWrite();

        TimeSpan pause = writers.EndAndCheck(cluster);
        output.WriteLine($"the longest pause was {pause.TotalSeconds:F2} s");
        string[] writes = [.. File.ReadAllLines(trace).Where(line => line.Contains(".img>", StringComparison.Ordinal))];
        Assert.NotEmpty(writes);

        // What a thread was about to write when it fell asleep it writes when it wakes, if the fence has not ended it by then. Nobody
        // else has begun.
        Dictionary<string, double> begun = [];
        foreach (Match owned in Regex.Matches(cluster.Logs(), @"^(\S+Z) .* Volume (v\d): node n(\d) owns it under epoch", RegexOptions.Multiline))
        {
            DateTimeOffset time = DateTimeOffset.Parse(owned.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            if (time > asleepSince && owned.Groups[3].Value != owner.ToString(CultureInfo.InvariantCulture))
                _ = begun.TryAdd(owned.Groups[2].Value, time.ToUnixTimeMilliseconds() / 1e3);
        }

        Assert.Contains("v1", begun.Keys);
        Assert.DoesNotContain(writes, line => begun.Any(next =>
            line.Contains($"/{next.Key}.img>", StringComparison.Ordinal)
            && double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >= next.Value));
    }

    [SkippableFact]
    [Trait("Category", "Long")]
    public void A_node_that_is_cut_off_gives_up_the_others_take_over_and_it_comes_back_clean()
    {
        using NodeNetwork network = new(TestCluster.Count);
        using TestCluster cluster = new TestCluster(postgres.Cluster, "insecure = true", network: network).StartAll();
        int owner = cluster.OwnerOf(1);
        ServiceProcess cut = cluster[owner];
        Writers writers = new(cluster, [.. Enumerable.Range(1, 3).Where(node => node != owner)], unix: true);
        writers.WaitUntilAllWrite();
        network.Cut(owner, off: true);
        Assert.Equal(1, cut.Process.WaitForExit(TimeSpan.FromSeconds(40)));
        Assert.Contains("was excluded from the cluster", cut.Process.Log);
        cluster.AwaitOwner(1, but: owner);
        writers.WaitUntilAllWrite();
        network.Cut(owner, off: false);
        cluster.Start(owner);
        cluster.WaitUntilServed(TestCluster.Count);
        TimeSpan pause = writers.EndAndCheck(cluster);
        output.WriteLine($"the longest pause was {pause.TotalSeconds:F2} s; fenced: {string.Join(", ", cluster.Fenced())}");
        Assert.True(pause < TestCluster.TakeoverMax, $"a pause of {pause}");
    }

    /// <summary>Guests that write on all volumes through some nodes.</summary>
    private sealed class Writers
    {
        private readonly List<(int Volume, PatternDisk Disk, PatternWriter Writer)> _all = [];
        private readonly int[] _nodes;

        public Writers(TestCluster cluster, int[] nodes, bool unix = false)
        {
            _nodes = nodes;
            foreach (int node in nodes)
            {
                for (int volume = 1; volume <= TestCluster.Count; volume++)
                {
                    // Behind what fio and others have left there.
                    PatternDisk disk = new($"d{volume}{node}", TestCluster.OffsetOf(node), Blocks);
                    _all.Add((volume, disk, new PatternWriter(cluster[node], disk, 0, 1, seed: (10 * node) + volume, unix)));
                }
            }
        }

        // Until each has had a write made durable, since the last time too.
        public void WaitUntilAllWrite()
        {
            long[] before = [.. _all.Select(one => one.Disk.DurableCount)];
            Assert.True(
                SpinWait.SpinUntil(() => _all.Index().All(one => one.Item.Disk.DurableCount > before[one.Index]), TimeSpan.FromSeconds(30)),
                $"durable writes before and after: {string.Join(", ", _all.Select((one, i) => $"{one.Disk.Name} {before[i]} {one.Disk.DurableCount}"))}");
        }

        // Cuts their connections, which ends them, and compares what they know with what is there.
        public TimeSpan EndAndCheck(TestCluster cluster)
        {
            foreach ((_, _, PatternWriter writer) in _all)
                writer.End();
            foreach ((_, _, PatternWriter writer) in _all)
                writer.Join();
            List<string> wrong = [];
            foreach ((int volume, PatternDisk disk, PatternWriter writer) in _all)
            {
                using FileStream raw = File.Open(cluster.VolumePath(volume), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                (List<string> found, int gone) = disk.Check(raw);
                wrong.AddRange(found);
                if (gone > 0 || writer.Errors > 0 || disk.DurableCount == 0)
                    wrong.Add($"disk {disk.Name}: {gone} acknowledged writes are gone, {writer.Errors} errors, {disk.DurableCount} durable writes");
            }

            Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)) + "\n" + cluster.Logs());
            Assert.Equal(_nodes.Length * TestCluster.Count, _all.Count);
            return _all.Max(one => one.Writer.LongestPause);
        }
    }
}
