using System.Net;
using System.Text.RegularExpressions;
using Scheduler.Actors;
using Scheduler.Cluster.Tests.Link;
using Scheduler.Host.Cluster.Link;
using Scheduler.Interop.Tests.Durability;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>The cluster that the tests of <see cref="RunningClusterTests"/> share, started when the first of them needs it.</summary>
public sealed class RunningCluster : IDisposable
{
    private TestCluster? _cluster;
    private SpanCollector? _collector;

    /// <summary>Three nodes, each of which owns a volume, and whose requests all become spans.</summary>
    internal TestCluster On(PostgresServer postgres)
    {
        if (_cluster is null)
        {
            PostgresCluster server = postgres.Cluster;
            _collector = new SpanCollector(TestCluster.FreePorts(1)[0]);
            _cluster = new TestCluster(server, $"telemetry {{ otlp-endpoint = \"{_collector.Endpoint}\", trace-ratio = 1 }}").StartAll();
        }

        return _cluster;
    }

    /// <summary>What its nodes export.</summary>
    internal SpanCollector Collector => _collector!;

    public void Dispose()
    {
        _cluster?.Dispose();
        _collector?.Dispose();
    }
}

/// <summary>What a cluster does about everything that it is not: each test leaves it as it was.</summary>
[Collection("postgres")]
public sealed class RunningClusterTests(PostgresServer postgres, RunningCluster running) : IClassFixture<RunningCluster>
{
    private TestCluster Cluster => running.On(postgres);

    [SkippableFact]
    public void A_request_that_another_node_serves_is_one_trace_over_both_nodes()
    {
        int owner = Cluster.OwnerOf(1);
        int other = (owner % TestCluster.Count) + 1;
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 5 1M 20k", "-c", "flush", Cluster[other].Uri($"d1{other}")).Succeeded();
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 5 1M 24k", Cluster[owner].Uri($"d1{owner}")).Succeeded();

        // They are exported some seconds later.
        Cluster[other].Process.WaitUntil(() => Request("20480") is not null && Request("24576") is not null && Forward("20480") is not null, TimeSpan.FromSeconds(30), $"of the write over n{other} to n{owner} there are: {string.Join(", ", running.Collector.Spans.Where(span => span.Tags.GetValueOrDefault("length") is "20480" or "24576"))}");
        ReceivedSpan forward = Forward("20480")!;
        ReceivedSpan request = Request("20480")!;
        Assert.Equal(($"n{other}", ""), (forward.Node, forward.Parent));
        Assert.Equal(($"n{owner}", forward.Trace, forward.Id), (request.Node, request.Trace, request.Parent));
        Assert.Equal((32, 16), (request.Trace.Length, request.Id.Length));
        Assert.Equal($"n{owner}", forward.Tags["node"]);

        // What the owner's own guests ask for is a trace of the owner's alone.
        Assert.Equal(($"n{owner}", ""), (Request("24576")!.Node, Request("24576")!.Parent));
        Assert.Null(Forward("24576"));

        ReceivedSpan? Request(string length) => Find("scheduler.request", length);
        ReceivedSpan? Forward(string length) => Find("scheduler.forward", length);
        ReceivedSpan? Find(string name, string length) => running.Collector.Spans.LastOrDefault(span => span.Name == name
            && span.Tags.GetValueOrDefault("op") == "write" && span.Tags.GetValueOrDefault("length") == length);
    }

    [SkippableFact]
    public async Task S1_Who_breaks_the_links_rules_is_refused_and_named_once_and_hurts_nobody()
    {
        ServiceProcess node = Cluster[1];
        LinkFrame huge = new() { Type = LinkFrameType.Request, Op = RingOp.Write, Ticket = 7, Length = long.MaxValue, PayloadBytes = int.MaxValue };
        byte[] noFrame = new byte[LinkFrame.Bytes];
        noFrame[0] = 200;
        byte[] another = LinkHello.Encode("bad");
        another[8] = 1;
        (byte[] Hello, byte[] Bytes, string Problem)[] attacks =
        [
            (LinkHello.Encode("bad"), Encoded(huge), "is longer than 33554432"),
            (LinkHello.Encode("bad"), noFrame, "frame type 200 is not known"),
            (another, [], "it speaks version 1, this node 2; run the same version on both"),
            (new byte[4096], [], "it does not speak this protocol"),
        ];
        foreach ((byte[] hello, byte[] bytes, string problem) in attacks)
        {
            using RawNode raw = await RawNode.ConnectSilentlyAsync(Cluster.PayloadOf(1));
            raw.Send(hello);
            raw.Send(bytes);
            _ = await raw.ReceiveToEndAsync();
            string line = $"{Regex.Escape(raw.Address)}\\)? breaks the rules: .*{Regex.Escape(problem)}";
            node.Process.WaitUntil(() => Regex.IsMatch(node.Process.Log, line), TimeSpan.FromSeconds(10), $"not said: {line}");
            _ = Assert.Single(Regex.Matches(node.Process.Log, $"fail:.*{Regex.Escape(raw.Address)}"));
        }

        // Guests of the others go on, on the volumes of this node too.
        for (int volume = 1; volume <= TestCluster.Count; volume++)
            _ = Tool.Run("qemu-io", "-f", "raw", "-c", "write -P 6 2M 64k", Cluster[2].Uri($"d{volume}2")).Succeeded();
        Cluster.AssertNothingBroke();
        Assert.DoesNotContain("closed: a defect", Cluster.Logs());

        static byte[] Encoded(in LinkFrame frame)
        {
            byte[] bytes = new byte[LinkFrame.Bytes];
            frame.Encode(bytes);
            return bytes;
        }
    }

    [SkippableFact]
    public void A_node_whose_address_is_taken_says_so_in_a_line_and_ends()
    {
        foreach (string key in (string[])["listen", "payload"])
        {
            ToolResult ended = Cluster.StartInVain($"cluster.{key} = \"tcp://{Cluster[1].Endpoint}\"");
            AssertOneLine(ended, $"scheduler: node n9 can't serve volume v1, volume v2, volume v3: can't listen on {Cluster[1].Endpoint}: Address already in use; choose another in scheduler.cluster.{key}");
        }
    }

    [SkippableFact]
    public void While_the_database_is_away_owners_write_until_their_leases_end_and_go_on_afterwards()
    {
        TestCluster cluster = Cluster;
        List<(int Volume, PatternDisk Disk, PatternWriter Writer)> writers = [.. from volume in Enumerable.Range(1, TestCluster.Count) select Write(cluster, volume)];
        try
        {
            Thread.Sleep(300);
            postgres.Cluster.Stop();
            try
            {
                // A node can't start now, and those that run stop serving, each naming its volume and the database.
                AssertOneLine(cluster.StartInVain(), "scheduler: node n9 can't serve volume v1, volume v2, volume v3: .*(Journal|Lease).*");
                for (int volume = 1; volume <= TestCluster.Count; volume++)
                {
                    ServiceProcess owner = cluster[volume];
                    owner.Process.WaitUntil(
                        () => owner.Get("/readyz") is (HttpStatusCode.ServiceUnavailable, var text) && Enumerable.Range(1, 3).All(v => text.Contains($"volume v{v}", StringComparison.Ordinal)),
                        TimeSpan.FromSeconds(20),
                        "it is ready without a database");
                    Assert.Contains("database", owner.Get("/readyz").Text, StringComparison.Ordinal);
                }

                // Nobody writes.
                DateTime[] before = [.. Enumerable.Range(1, TestCluster.Count).Select(volume => File.GetLastWriteTimeUtc(cluster.VolumePath(volume)))];
                Thread.Sleep(300);
                Assert.Equal(before, Enumerable.Range(1, TestCluster.Count).Select(volume => File.GetLastWriteTimeUtc(cluster.VolumePath(volume))));
            }
            finally
            {
                postgres.Cluster.Start();
            }

            cluster.WaitUntilServed();
            Thread.Sleep(500);
        }
        finally
        {
            writers.ForEach(one => one.Writer.End());
            writers.ForEach(one => one.Writer.Join());
        }

        foreach ((int volume, PatternDisk disk, PatternWriter writer) in writers)
        {
            using FileStream raw = File.Open(cluster.VolumePath(volume), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            (List<string> wrong, int gone) = disk.Check(raw);
            Assert.True(wrong.Count == 0 && gone == 0 && writer.Errors == 0, $"{string.Join('\n', wrong)}: {gone} acknowledged writes are gone, {writer.Errors} errors\n{cluster.Logs()}");
            Assert.InRange(writer.LongestPause, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        }

        Assert.Empty(cluster.Fenced());
    }

    private static (int Volume, PatternDisk Disk, PatternWriter Writer) Write(TestCluster cluster, int volume)
    {
        PatternDisk disk = new($"d{volume}3", TestCluster.OffsetOf(3), 128);
        return (volume, disk, new PatternWriter(cluster[3], disk, 0, 1, seed: volume));
    }

    private static void AssertOneLine(ToolResult ended, string pattern)
    {
        Assert.True(ended.Status == 1, ended.ToString());
        Assert.Matches($"^{pattern}$", ended.Error);
        Assert.DoesNotContain("Unhandled", ended.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.ToString(), StringComparison.Ordinal);
    }
}
