using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;
using Xunit.Abstractions;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>The catalog that nodes share: what one is told acts on all.</summary>
[Collection("postgres")]
public sealed class ClusterCatalogTests(PostgresServer postgres, ITestOutputHelper output)
{
    /// <summary>Far less than the time after which a node looks by itself.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(2);

    [SkippableFact]
    public void What_one_node_is_told_acts_on_all()
    {
        // A device of its own speed: who gets how much of it is the weights' doing.
        using TestCluster cluster = new TestCluster(postgres.Cluster, "volumes.v1 { device = faulty, faulty { service-time = 1ms, parallel = 2 } }").StartAll();
        int owner = cluster.OwnerOf(1);
        int[] others = [.. Enumerable.Range(1, 3).Where(node => node != owner)];
        ServiceProcess b = cluster[others[0]];
        ServiceProcess c = cluster[others[1]];

        // What was there before, in the place of the new disk.
        using (FileStream raw = File.Open(cluster.VolumePath(1), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            raw.Position = TestCluster.OffsetOf(4);
            raw.Write(Enumerable.Repeat((byte)9, 4 << 20).ToArray());
            raw.Flush(flushToDisk: true);
        }

        // A guest and two disks made by nodes that do not own the volume: they open there, and on the others.
        _ = b.Ask("guest", "set", "light", "--weight", "100").Succeeded();
        _ = c.Ask("guest", "set", "heavy", "--weight", "100").Succeeded();
        _ = b.Ask("disk", "set", "m1", "--volume", "v1", "--guest", "light", "--size", "2MiB").Succeeded();
        _ = Io(b, "m1", "read -P 0 0 2M", "write -f -P 1 0 64k");
        _ = Io(c, "m1", "read -P 1 0 64k", "read -P 0 64k 1M");
        _ = Io(cluster[owner], "m1", "read -P 1 0 64k");
        _ = c.Ask("disk", "set", "m2", "--volume", "v1", "--guest", "heavy", "--size", "2MiB").Succeeded();
        _ = Io(c, "m2", "read -P 0 0 2M");
        _ = b.Ask("disk", "set", "m2", "--size", "4MiB").Succeeded();
        _ = Io(b, "m2", "read -P 0 0 4M");
        Until(() => Sizes(c, "m2"), 4 << 20, "the disk has grown");
        JsonNode history = Json(b, "/history?limit=2");
        Assert.Equal("m2", (string)history["items"]![0]!["name"]!);

        // A weight that one node is told, for guests of another, acts where the volume is owned.
        double before = Ratio(cluster, c);
        _ = b.Ask("guest", "set", "heavy", "--weight", "800").Succeeded();
        Until(() => (int)Json(cluster[owner], "/guests/heavy")["weight"]!, 800, "the owner knows the weight");
        double after = Ratio(cluster, c);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"heavy to light: {before:F2}, and {after:F2} with 8 times the weight"));
        Assert.True(after > 2.5 * before, $"{before} {after}");

        // Each change is seen on the others soon, though none of them is asked to look.
        for (int weight = 1; weight <= 10; weight++)
        {
            ServiceProcess teller = cluster[1 + (weight % 3)];
            _ = teller.Ask("guest", "set", "light", "--weight", weight.ToString(CultureInfo.InvariantCulture)).Succeeded();
            foreach (int node in Enumerable.Range(1, 3))
                Until(() => (int)Json(cluster[node], "/guests/light")["weight"]!, weight, $"node {node} knows the weight");
        }

        // In use on a node that is not asked, and not the owner: it stays, until all nodes have closed their connections.
        using ChildProcess guest = new("stdbuf", ["-oL", "qemu-io", "-f", "raw", "-c", "read 0 4k", "-c", "sleep 60000", c.Uri("m1")], cluster.Directory.Path);
        guest.WaitUntil(() => guest.Log.Contains("read 4096", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "no read");
        ToolResult used = b.Ask("disk", "delete", "m1");
        Assert.Equal(1, used.Status);
        Assert.Contains("m1", used.Error);
        Assert.Contains("1", b.Ask("disk", "detach", "m1").Succeeded().Output);
        _ = b.Ask("disk", "delete", "m1").Succeeded();
        Until(() => Json(c, "/disks")["items"]!.AsArray().Any(disk => (string)disk!["name"]! == "m1"), false, "the disk is gone");
        Assert.NotEqual(0, Tool.Run("nbdinfo", "--size", c.Uri("m1")).Status);

        ToolResult refused = b.Ask("volume", "set", "v9", "--path", cluster.Directory.File("v9.img"), "--size", "8MiB");
        Assert.Equal(1, refused.Status);
        Assert.Contains("declared in the files of its nodes", refused.Error);

        // A token of one node lets in on all, and without one nobody is let in any more.
        string token = b.Ask("token", "create", "root", "--role", "operator").Succeeded().Output;
        foreach (int node in Enumerable.Range(1, 3))
        {
            Until(() => cluster[node].Get("/api/v1/guests").Status, HttpStatusCode.Unauthorized, $"node {node} asks for a token");
            cluster[node].Token = token;
            Assert.Equal("token root", (string)Json(cluster[node], "/whoami")["name"]!);
        }

        cluster.AssertNothingBroke();
    }

    /// <summary>All nodes are told things at once, and one dies with kill -9: what was acknowledged is there, once, and all nodes that
    /// are left, and the one that comes back, say the same.</summary>
    [SkippableFact]
    public async Task What_all_nodes_are_told_at_once_is_there_once_also_when_one_of_them_dies()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        output.WriteLine($"SCHEDULER_SEED={seed}");
        using TestCluster cluster = new TestCluster(postgres.Cluster).StartAll();
        ConcurrentBag<Told> told = [];
        using CancellationTokenSource enough = new();
        Task[] tellers =
        [
            .. from node in Enumerable.Range(1, 3)
               from one in Enumerable.Range(0, 2)
               let url = cluster[node].AdminUrl
               select Task.Run(() => TellAsync(url, $"t{node}{one}", new Random(seed + (10 * node) + one), told, enough.Token)),
        ];
        await Task.Delay(TimeSpan.FromSeconds(3));
        int killed = 1 + new Random(seed).Next(3);
        cluster.Kill(killed);
        await Task.Delay(TimeSpan.FromSeconds(2));
        await enough.CancelAsync();
        await Task.WhenAll(tellers);
        cluster.Start(killed);
        cluster.WaitUntilServed();

        Told[] done = [.. told.Where(one => one.Revision > 0)];
        List<JsonNode> history = [];
        for (long? to = long.MaxValue; to is not null;)
        {
            JsonNode page = Json(cluster[killed], $"/history?limit=1000&to={to}");
            history.AddRange(page["items"]!.AsArray().Select(item => item!));
            to = (long?)page["next"];
        }

        output.WriteLine($"{history.Count} changes; {done.Length} acknowledged with a revision, {told.Count(one => one.Revision == 0)} in doubt");
        Dictionary<long, JsonNode> byNumber = history.ToDictionary(item => (long)item["number"]!);
        Assert.Equal(Enumerable.Range(1, history.Count).Select(number => (long)number), byNumber.Keys.Order());
        Assert.True(done.Length > 60, $"only {done.Length} changes were acknowledged\n{cluster.Logs()}");
        foreach (Told one in done)
        {
            JsonNode change = byNumber[one.Revision];
            Assert.Equal((one.Name, one.Weight), ((string)change["name"]!, (int)change["entity"]!["weight"]!));
        }

        // None twice: each has a weight of its own.
        Assert.Equal(done.Length, done.Select(one => one.Revision).Distinct().Count());
        int[] weights = [.. history.Where(item => item["entity"]?["weight"] is not null).Select(item => (int)item["entity"]!["weight"]!)];
        Assert.Equal(weights.Length, weights.Distinct().Count());

        for (int node = 1; node <= 3; node++)
            Until(() => Catalog(cluster[node]), Catalog(cluster[killed]), $"node {node} says what the others do");
        Assert.All(Json(cluster[1], "/guests?limit=1000")["items"]!.AsArray(), item =>
        {
            if (!(bool)item!["declared"]!)
                Assert.Equal((int)byNumber[(long)item["revision"]!]["entity"]!["weight"]!, (int)item["weight"]!);
        });
        cluster.AssertNothingBroke();
    }

    // Guests and disks, of few names, without pause.
    private static async Task TellAsync(string url, string teller, Random random, ConcurrentBag<Told> told, CancellationToken enough)
    {
        using HttpClient http = new() { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(40) };
        while (!enough.IsCancellationRequested)
        {
            string name = $"m{random.Next(5)}";
            Told one = new(name, NextWeight());
            using HttpRequestMessage request = random.Next(10) switch
            {
                0 => new(HttpMethod.Delete, $"/api/v1/guests/{name}"),
                1 => new(HttpMethod.Delete, $"/api/v1/disks/{name}"),
                2 or 3 => Put($"/api/v1/disks/{name}", new JsonObject { ["volume"] = $"v{1 + random.Next(3)}", ["guest"] = $"m{random.Next(5)}", ["size"] = 1 << 20 }),
                _ => Put($"/api/v1/guests/{name}", new JsonObject { ["weight"] = one.Weight }),
            };
            bool isGuest = request.Content is not null && request.RequestUri!.OriginalString.Contains("/guests/", StringComparison.Ordinal);
            try
            {
                using HttpResponseMessage response = await http.SendAsync(request, CancellationToken.None);
                string text = await response.Content.ReadAsStringAsync(CancellationToken.None);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable && isGuest)
                    told.Add(one);
                Assert.True((int)response.StatusCode is 200 or 201 or 204 or 404 or 409 or 412 or 503 or 400, $"{teller}: {response.StatusCode} {text}");
                if (isGuest && response.IsSuccessStatusCode)
                    told.Add(one with { Revision = (long)JsonNode.Parse(text)!["revision"]! });
            }
            catch (Exception gone) when (gone is HttpRequestException or IOException or TaskCanceledException)
            {
                // Killed. What it was doing may be there.
                if (isGuest)
                    told.Add(one);
                return;
            }
        }
    }

    private static int s_weight;

    private static int NextWeight() => Interlocked.Increment(ref s_weight);

    private static HttpRequestMessage Put(string address, JsonObject body) =>
        new(HttpMethod.Put, address) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };

    // What it says of what was made, without what it does.
    private static string Catalog(ServiceProcess node) => string.Join('\n', from kind in new[] { "guests", "disks", "identities", "tokens" }
                                                                            from item in Json(node, $"/{kind}?limit=1000")["items"]!.AsArray()
                                                                            where !(bool)item!["declared"]!
                                                                            let fields = item.AsObject().Remove("state") ? item : item
                                                                            select $"{kind} {fields.ToJsonString()}");

    // How much more the heavy guest gets than the light one, through one node.
    private static double Ratio(TestCluster cluster, ServiceProcess node)
    {
        Dictionary<string, FioJob> jobs = Fio.Run(
            cluster.Directory,
            "rw=randread\nsize=1m\niodepth=16\ntime_based\nruntime=2",
            TimeSpan.FromSeconds(30),
            [("light", node.Uri("m1"), ""), ("heavy", node.Uri("m2"), "")]);
        return jobs["heavy"].Iops / jobs["light"].Iops;
    }

    private static ToolResult Io(ServiceProcess node, string disk, params string[] commands)
    {
        ToolResult done = Tool.Run("qemu-io", ["-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }), node.Uri(disk)]).Succeeded();
        Assert.DoesNotContain("verification failed", done.Output);
        return done;
    }

    private static long Sizes(ServiceProcess node, string disk) => long.Parse(Tool.Run("nbdinfo", "--size", node.Uri(disk)).Succeeded().Output, CultureInfo.InvariantCulture);

    private static JsonNode Json(ServiceProcess node, string path)
    {
        (HttpStatusCode status, string text) = node.Get("/api/v1" + path);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {text}");
        return JsonNode.Parse(text)!;
    }

    private static void Until<T>(Func<T> get, T expected, string what)
    {
        Stopwatch clock = Stopwatch.StartNew();
        T last;
        while (!Equals(last = get(), expected))
        {
            Assert.True(clock.Elapsed < s_soon, $"not soon: {what}; it is {last}, not {expected}");
            Thread.Sleep(10);
        }
    }

    private sealed record Told(string Name, int Weight, long Revision = 0);
}
