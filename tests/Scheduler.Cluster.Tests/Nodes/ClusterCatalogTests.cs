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
public sealed class ClusterCatalogTests(PostgresServer postgres, ITestOutputHelper output) : IDisposable
{
    /// <summary>Far less than the time after which a node looks by itself.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(3);
    private static int s_weight;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>One cluster for all of it: starting one takes longer than anything here.</summary>
    [SkippableFact]
    public async Task What_any_node_is_told_acts_on_all_once_also_when_it_dies()
    {
        // A device of its own speed: who gets how much of it is the weights' doing.
        using TestCluster cluster = new TestCluster(postgres.Cluster, "volumes { v1 { depth = 4, device = faulty, faulty { service-time = 1ms, parallel = 4 } }, v3 { device = faulty, faulty.error = flush } }").StartAll();
        int owner = cluster.OwnerOf(1);
        int[] others = [.. Enumerable.Range(1, 3).Where(node => node != owner)];
        DisksAreMadeAndGrownWhereTheVolumeIsOwned(cluster, owner, cluster[others[0]], cluster[others[1]]);
        WeightsAct(cluster, cluster[others[0]], cluster[others[1]]);
        ChangesAreSeenSoon(cluster);
        DisksInUseStay(cluster[others[0]], cluster[others[1]], cluster);
        FaultsAreListedAndClearedAnywhere(cluster);
        TokensAreHonoured(cluster);
        await ChangesAtOnceAreThereOnceAsync(cluster);
    }

    public void Dispose() => _http.Dispose();

    private void DisksAreMadeAndGrownWhereTheVolumeIsOwned(TestCluster cluster, int owner, ServiceProcess b, ServiceProcess c)
    {
        // What was there before, in the place of the new disk.
        using (FileStream raw = File.Open(cluster.VolumePath(1), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            raw.Position = TestCluster.OffsetOf(4);
            raw.Write([.. Enumerable.Repeat((byte)9, 4 << 20)]);
            raw.Flush(flushToDisk: true);
        }

        Put(b, "/guests/light", new JsonObject { ["weight"] = 100 });
        Put(c, "/guests/heavy", new JsonObject { ["weight"] = 100 });
        Put(b, "/disks/m1", new JsonObject { ["volume"] = "v1", ["guest"] = "light", ["size"] = 2 << 20 });

        // At once where it was asked for, and soon elsewhere.
        Io(b, "m1", "read -P 0 0 2M", "write -f -P 1 0 64k");
        Until(() => Size(c, "m1"), (long?)(2 << 20), "another node offers the disk");
        Io(c, "m1", "read -P 1 0 64k", "read -P 0 64k 1M");
        Io(cluster[owner], "m1", "read -P 1 0 64k");
        Put(c, "/disks/m2", new JsonObject { ["volume"] = "v1", ["guest"] = "heavy", ["size"] = 2 << 20 });
        Until(() => Size(b, "m2"), (long?)(2 << 20), "another node offers the disk");
        Put(b, "/disks/m2", new JsonObject { ["size"] = 4 << 20 });
        Io(b, "m2", "read -P 0 0 4M");
        Until(() => Size(c, "m2"), (long?)(4 << 20), "the disk has grown");
        Assert.Equal("m2", (string)Json(b, "/history?limit=1")["items"]![0]!["name"]!);
        (HttpStatusCode status, string text) = Send(b, HttpMethod.Put, "/volumes/v9", new JsonObject { ["path"] = cluster.Directory.File("v9.img"), ["size"] = 8 << 20 });
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("declared in the files of its nodes", text);
    }

    // A weight that one node is told, for guests of another, acts where the volume is owned.
    private void WeightsAct(TestCluster cluster, ServiceProcess b, ServiceProcess c)
    {
        double before = Ratio(cluster, c);
        Put(b, "/guests/heavy", new JsonObject { ["weight"] = 800 });
        foreach (int node in Enumerable.Range(1, 3))
            Until(() => (int)Json(cluster[node], "/guests/heavy")["weight"]!, 800, $"node {node} knows the weight");
        double after = Ratio(cluster, c);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"heavy to light: {before:F2}, and {after:F2} with 8 times the weight"));
        Assert.True(after > 2 * before, $"{before} {after}");
    }

    // Though nobody asks the others to look.
    private void ChangesAreSeenSoon(TestCluster cluster)
    {
        for (int weight = 1; weight <= 12; weight++)
        {
            Put(cluster[1 + (weight % 3)], "/guests/light", new JsonObject { ["weight"] = weight });
            foreach (int node in Enumerable.Range(1, 3))
                Until(() => (int)Json(cluster[node], "/guests/light")["weight"]!, weight, $"node {node} knows the weight");
        }
    }

    // In use on a node that is not asked, and not the owner: it stays, until all nodes have closed their connections.
    private void DisksInUseStay(ServiceProcess b, ServiceProcess c, TestCluster cluster)
    {
        using ChildProcess guest = new("stdbuf", ["-oL", "qemu-io", "-f", "raw", "-c", "read 0 4k", "-c", "sleep 60000", c.Uri("m1")], cluster.Directory.Path);
        guest.WaitUntil(() => guest.Log.Contains("read 4096", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "no read");
        (HttpStatusCode status, string text) = Send(b, HttpMethod.Delete, "/disks/m1");
        Assert.True(status == HttpStatusCode.Conflict && text.Contains("m1", StringComparison.Ordinal), $"{status} {text}");
        (status, text) = Send(b, HttpMethod.Post, "/disks/m1/detach");
        Assert.True(status == HttpStatusCode.OK && (int)JsonNode.Parse(text)!["closed"]! == 1, $"{status} {text}");
        Until(() => Send(b, HttpMethod.Delete, "/disks/m1").Status, HttpStatusCode.NoContent, "the disk may go");
        Until(() => Size(c, "m1"), null, "the disk is gone");
    }

    private void FaultsAreListedAndClearedAnywhere(TestCluster cluster)
    {
        int owner = cluster.OwnerOf(3);
        ServiceProcess other = cluster[1 + (owner % 3)];
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", "write 0 4k", "-c", "flush", other.Uri("d31"));
        foreach (int node in Enumerable.Range(1, 3))
        {
            JsonNode fault = Assert.Single(Json(cluster[node], "/faults")["faults"]!.AsArray())!;
            Assert.Equal(("v3", 0, 5), ((string)fault["volume"]!, (int)fault["domain"]!, (int)fault["errno"]!));
        }

        Assert.Equal(HttpStatusCode.NotFound, Send(other, HttpMethod.Delete, "/faults/v3/1").Status);
        (HttpStatusCode status, string text) = Send(other, HttpMethod.Delete, "/faults/v3/0");
        Assert.True(status == HttpStatusCode.NoContent, $"{status} {text}");
        foreach (int node in Enumerable.Range(1, 3))
            Assert.Empty(Json(cluster[node], "/faults")["faults"]!.AsArray());
    }

    private void TokensAreHonoured(TestCluster cluster)
    {
        (_, string made) = Send(cluster[1], HttpMethod.Put, "/tokens/root", new JsonObject { ["role"] = "operator" });
        string token = (string)JsonNode.Parse(made)!["token"]!;
        foreach (int node in Enumerable.Range(1, 3))
            Until(() => Send(cluster[node], HttpMethod.Get, "/guests").Status, HttpStatusCode.Unauthorized, $"node {node} asks for a token");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (int node in Enumerable.Range(1, 3))
            Assert.Equal("token root", (string)Json(cluster[node], "/whoami")["name"]!);
    }

    /// <summary>All nodes are told things at once, and one dies with kill -9: what was acknowledged is there, once, and all nodes that
    /// are left, and the one that comes back, say the same.</summary>
    private async Task ChangesAtOnceAreThereOnceAsync(TestCluster cluster)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        output.WriteLine($"SCHEDULER_SEED={seed}");
        long first = (long)Json(cluster[1], "/history?limit=1")["items"]![0]!["number"]!;
        ConcurrentBag<Told> told = [];
        using CancellationTokenSource enough = new();
        using CancellationTokenSource tooLong = new();
        Task[] tellers =
        [
            .. from node in Enumerable.Range(1, 3)
               from one in Enumerable.Range(0, 2)
               let url = cluster[node].AdminUrl
               select Task.Run(() => TellAsync(url, new Random(seed + (10 * node) + one), told, enough.Token, tooLong.Token)),
        ];
        await Task.Delay(TimeSpan.FromSeconds(2));
        int killed = 1 + new Random(seed).Next(3);
        cluster.Kill(killed);
        await Task.Delay(TimeSpan.FromSeconds(1));
        await enough.CancelAsync();

        // What was sent to an owner that died is answered when that is known to be gone.
        tooLong.CancelAfter(TimeSpan.FromSeconds(1));
        await Task.WhenAll(tellers);
        cluster.Start(killed);

        Told[] done = [.. told.Where(one => one.Revision > 0)];
        List<JsonNode> history = [];
        for (long? to = long.MaxValue; to is not null;)
        {
            JsonNode page = Json(cluster[killed], $"/history?limit=1000&to={to}");
            history.AddRange(page["items"]!.AsArray().Select(item => item!));
            to = (long?)page["next"];
        }

        output.WriteLine($"{history.Count - first} changes; {done.Length} of guests acknowledged, {told.Count(one => one.Revision == 0)} in doubt");
        Dictionary<long, JsonNode> byNumber = history.ToDictionary(item => (long)item["number"]!);
        Assert.Equal(Enumerable.Range(1, history.Count).Select(number => (long)number), byNumber.Keys.Order());
        Assert.True(done.Length > 30, $"only {done.Length} changes were acknowledged\n{cluster.Logs()}");
        foreach (Told one in done)
        {
            JsonNode change = byNumber[one.Revision];
            Assert.Equal((one.Name, one.Weight), ((string)change["name"]!, (int)change["entity"]!["weight"]!));
        }

        // None twice: each has a weight of its own.
        int[] weights = [.. history.Where(item => (long)item["number"]! > first && item["entity"]?["weight"] is not null).Select(item => (int)item["entity"]!["weight"]!)];
        Assert.Equal(weights.Length, weights.Distinct().Count());
        Assert.Equal(done.Length, done.Select(one => one.Revision).Distinct().Count());
        foreach (int node in Enumerable.Range(1, 3))
            Until(() => Catalog(cluster[node]), Catalog(cluster[killed]), $"node {node} says what the others do");
        Assert.All(Json(cluster[1], "/guests?limit=1000")["items"]!.AsArray().Where(item => !(bool)item!["declared"]!), item =>
            Assert.Equal((int)byNumber[(long)item!["revision"]!]["entity"]!["weight"]!, (int)item["weight"]!));
        cluster.AssertNothingBroke();
    }

    // Guests and disks, of few names, without pause.
    private async Task TellAsync(string url, Random random, ConcurrentBag<Told> told, CancellationToken enough, CancellationToken tooLong)
    {
        while (!enough.IsCancellationRequested)
        {
            string name = $"m{random.Next(5)}";
            Told one = new(name, Interlocked.Increment(ref s_weight));
            using HttpRequestMessage request = random.Next(10) switch
            {
                0 => new(HttpMethod.Delete, $"{url}/api/v1/guests/{name}"),
                1 => new(HttpMethod.Delete, $"{url}/api/v1/disks/{name}"),
                2 or 3 => Request(HttpMethod.Put, $"{url}/api/v1/disks/{name}", new JsonObject { ["volume"] = $"v{1 + random.Next(2)}", ["guest"] = $"m{random.Next(5)}", ["size"] = 1 << 20 }),
                _ => Request(HttpMethod.Put, $"{url}/api/v1/guests/{name}", new JsonObject { ["weight"] = one.Weight }),
            };
            bool isGuest = request.Content is not null && request.RequestUri!.AbsolutePath.Contains("/guests/", StringComparison.Ordinal);
            try
            {
                using HttpResponseMessage response = await _http.SendAsync(request, tooLong);
                string text = await response.Content.ReadAsStringAsync(CancellationToken.None);
                Assert.True((int)response.StatusCode is 200 or 201 or 204 or 400 or 404 or 409 or 412 or 503, $"{request.RequestUri}: {response.StatusCode} {text}");
                if (isGuest && response.IsSuccessStatusCode)
                    told.Add(one with { Revision = (long)JsonNode.Parse(text)!["revision"]! });
                else if (isGuest && response.StatusCode == HttpStatusCode.ServiceUnavailable)
                    told.Add(one);
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

    // What it says of what was made, without what it does.
    private string Catalog(ServiceProcess node) => string.Join(
        '\n',
        from kind in new[] { "guests", "disks", "tokens" }
        from item in Json(node, $"/{kind}?limit=1000")["items"]!.AsArray()
        where !(bool)item!["declared"]!
        select $"{kind} {string.Join(' ', item.AsObject().Where(field => field.Key != "state").Select(field => $"{field.Key} {field.Value?.ToJsonString()}"))}");

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

    private static void Io(ServiceProcess node, string disk, params string[] commands)
    {
        ToolResult done = Tool.Run("qemu-io", ["-f", "raw", .. commands.SelectMany(command => new[] { "-c", command }), node.Uri(disk)]).Succeeded();
        Assert.DoesNotContain("verification failed", done.Output);
    }

    private static long? Size(ServiceProcess node, string disk) =>
        Tool.Run("nbdinfo", "--size", node.Uri(disk)) is { Status: 0 } said ? long.Parse(said.Output, CultureInfo.InvariantCulture) : null;

    private void Put(ServiceProcess node, string path, JsonObject body)
    {
        (HttpStatusCode status, string text) = Send(node, HttpMethod.Put, path, body);
        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Created, $"{path}: {status} {text}\n{node.Process.Log}");
    }

    private JsonNode Json(ServiceProcess node, string path)
    {
        (HttpStatusCode status, string text) = Send(node, HttpMethod.Get, path);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {text}");
        return JsonNode.Parse(text)!;
    }

    private (HttpStatusCode Status, string Text) Send(ServiceProcess node, HttpMethod method, string path, JsonObject? body = null)
    {
        using HttpRequestMessage request = Request(method, $"{node.AdminUrl}/api/v1{path}", body);
        using HttpResponseMessage response = _http.Send(request);
        using StreamReader text = new(response.Content.ReadAsStream());
        return (response.StatusCode, text.ReadToEnd());
    }

    private static HttpRequestMessage Request(HttpMethod method, string address, JsonObject? body) =>
        new(method, address) { Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };

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
