using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Scheduler.Storage.Tests.Journal;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Catalog;

/// <summary>
/// kill -9 at random moments while the catalog changes, and while the service starts: what was acknowledged is there after a restart,
/// and what was not answered is there wholly or not at all; every disk is offered, and has what was written to it and zeroes
/// elsewhere; tokens let in. The journal was begun by an older version, and goes past a snapshot. Few rounds, unless
/// SCHEDULER_CRASH_ROUNDS says how many.
/// </summary>
public sealed class KilledServiceTests(ITestOutputHelper output)
{
    // Events from one snapshot of the catalog to the next.
    private const int EventsPerSnapshot = 1_000;
    private const byte Pattern = 0x5a;

    private static readonly string s_user = Tool.Run("id", "-u").Succeeded().Output.Trim();

    private string _token = "";

    private static int? Rounds => int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_CRASH_ROUNDS"), CultureInfo.InvariantCulture, out int rounds) ? rounds : null;

    [SkippableFact]
    public async Task Nothing_that_was_acknowledged_is_lost_with_SQLite() => await RunAsync(null, Rounds ?? 8);

    [SkippableFact]
    public async Task Nothing_that_was_acknowledged_is_lost_with_PostgreSQL()
    {
        Requires.Installed(PostgresCluster.Missing is null, PostgresCluster.Missing ?? "");
        using PostgresCluster cluster = new();
        await RunAsync(cluster.NewDatabase(), Rounds ?? 3);
    }

    private async Task RunAsync(string? postgres, int rounds)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        output.WriteLine($"SCHEDULER_SEED={seed}");
        Random random = new(seed);
        using TemporaryDirectory directory = new();
        CatalogModel model = new(random, directory);
        string config = Config.OneVolume(directory, "cache = buffered", disks: 1, diskMib: 4) + (postgres is null ? "" : $"journal.postgres = \"{postgres}\"\n");
        string journal = postgres ?? directory.File("data/scheduler.db");
        int before = EventsPerSnapshot - random.Next(20, 60);
        Begin(directory, journal, before);
        CatalogStep? unanswered = null;
        int acknowledged = 0;
        int looked = 0;
        for (int round = 0; round <= rounds; round++)
        {
            if (random.Next(3) == 0)
                ServiceProcess.StartAndKill(directory, config, TimeSpan.FromMilliseconds(random.Next(100, 1500)));
            using ServiceProcess service = ServiceProcess.Start(directory, config);
            using HttpClient http = new() { BaseAddress = new Uri(service.AdminUrl) };
            if (round == 0)
                await MakeTokenAsync(http, model);
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
            service.Token = _token;
            string? difference = model.Difference(service);
            if (difference is not null && unanswered is not null)
            {
                model.Apply(unanswered);
                difference = model.Difference(service);
            }

            Assert.True(difference is null, $"round {round}, SCHEDULER_SEED={seed}: {difference}; unanswered was {unanswered}\n{service.Process.Log}");
            Assert.Equal("token root", (string)JsonNode.Parse(service.Get("/api/v1/whoami").Text)!["name"]!);
            foreach ((string name, string guest, int size) in model.Disks.OrderBy(_ => random.Next()).Take(round == rounds ? int.MaxValue : 2))
            {
                CatalogStep me = MeAs(guest);
                Assert.Null(await SendAsync(http, me));
                model.Apply(me);
                await LookAsync(service, http, model, name, size);
                looked++;
            }

            if (round == rounds)
            {
                service.AssertNothingBroke();
                service.Stop();
                break;
            }

            Task kill = Task.Run(async () =>
            {
                await Task.Delay(random.Next(20, 500));
                service.Process.Kill();
            });
            (unanswered, int count) = await ChangeAsync(service, http, model, random);
            acknowledged += count;
            await kill;
        }

        string check = Tool.Run(SchedulerProgram.Path, "journal", "check", "--journal", journal).Succeeded().Output;
        output.WriteLine($"{rounds} rounds, {acknowledged} changes acknowledged, {looked} disks looked into, {model.Count} entities at the end; {check}");
        Assert.True(acknowledged > rounds, "hardly anything was changed");
        Assert.True(before + acknowledged < EventsPerSnapshot + 20 || check.Contains(" 1 snapshot ", StringComparison.Ordinal), $"no snapshot was kept: {check}");
        Assert.Contains(", no problem", check, StringComparison.Ordinal);
    }

    // A journal with a past, as the version before the checksums wrote it.
    private static void Begin(TemporaryDirectory directory, string journal, int events)
    {
        StringBuilder text = new("{\"format\":\"scheduler-journal\",\"version\":1}\n");
        const string guest = "{\"weight\":100,\"reservation\":0,\"limit\":0,\"flush-latency-ns-max\":100000000,\"unflushed-bytes-max\":268435456,\"buffer-memory\":67108864,\"connections-max\":128,\"name\":\"old\"}";
        const string who = "\"by\":\"local\",\"at\":\"2026-03-01T12:00:00+00:00\"";
        for (int number = 1; number <= events; number++)
        {
            (string manifest, string message) = number == events ? ("guest-deleted/1", $"{{\"name\":\"old\",{who}}}") : (number == 1 ? "guest-added/1" : "guest-changed/1", $"{{\"entity\":{guest},{who}}}");
            text.Append(CultureInfo.InvariantCulture, $"{{\"event\":\"catalog\",\"sequence_number\":{number},\"created\":639000000000000000,\"deleted\":false,\"manifest\":\"{manifest}\",\"serializer_id\":7109,\"writer_uuid\":null,\"tags\":[],\"message\":{message}}}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{{\"events\":{events},\"snapshots\":0}}\n");
        string file = directory.File("old.json");
        File.WriteAllText(file, text.ToString());
        Directory.CreateDirectory(directory.File("data"));
        _ = Tool.Run(SchedulerProgram.Path, "journal", "import", "--journal", journal, file).Succeeded();
    }

    private async Task MakeTokenAsync(HttpClient http, CatalogModel model)
    {
        using HttpResponseMessage answer = await http.PutAsync("/api/v1/tokens/root", new StringContent("{\"role\":\"operator\"}", Encoding.UTF8, "application/json"));
        _token = (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["token"]!;
        model.Apply(new CatalogStep("tokens", "root", new JsonObject { ["role"] = "operator" }));
    }

    // Who runs this test is a guest: sees its disks.
    private static CatalogStep MeAs(string guest) =>
        new("identities", CatalogModel.Me, new JsonObject { ["type"] = "unix-uid", ["value"] = s_user, ["guest"] = guest });

    // A disk has what was written to it, and zeroes elsewhere. It may be filled then, for the next one in its place.
    private static async Task LookAsync(ServiceProcess service, HttpClient http, CatalogModel model, string disk, int size, bool fill = false)
    {
        using (NbdClient client = NbdClient.Open(service, disk, unix: true))
        {
            byte[] content = client.CallRead(0, size);
            int written = (int)model.Written[disk];
            if (written != CatalogModel.Unknown)
            {
                Assert.True(content.AsSpan(0, written).IndexOfAnyExcept(Pattern) < 0, $"disk {disk} of {size} bytes does not have the {written} bytes that were written");
                Assert.True(content.AsSpan(written).IndexOfAnyExcept((byte)0) < 0, $"disk {disk} of {size} bytes does not read zeroes after {written}");
            }

            if (fill)
            {
                model.Written[disk] = CatalogModel.Unknown;
                Assert.Equal(0u, client.CallWrite(0, [.. Enumerable.Repeat(Pattern, size)], NbdClient.Fua));
                model.Written[disk] = size;
            }
        }

        for (DateTime end = DateTime.UtcNow.AddSeconds(20); !(await http.GetStringAsync("/api/v1/rings")).Contains("\"items\":[]", StringComparison.Ordinal); await Task.Delay(2))
            Assert.True(DateTime.UtcNow < end, "a connection that was closed is still there");
    }

    // Null: it was done. Otherwise nobody has answered.
    private static async Task<string?> SendAsync(HttpClient http, CatalogStep step)
    {
        string open = step is { Kind: "identities", Body: null } ? "?open=true" : "";
        using HttpRequestMessage request = new(step.Body is null ? HttpMethod.Delete : HttpMethod.Put, $"/api/v1/{step.Kind}/{step.Name}{open}");
        if (step.Body is not null)
            request.Content = new StringContent(step.Body.ToJsonString(), Encoding.UTF8, "application/json");
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request);
            bool done = response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.NoContent;
            Assert.True(done, $"{step}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
            return null;
        }
        catch (HttpRequestException exception)
        {
            return exception.Message;
        }
    }

    // Changes until nobody answers any more: the last one then.
    private static async Task<(CatalogStep? Unanswered, int Acknowledged)> ChangeAsync(ServiceProcess service, HttpClient http, CatalogModel model, Random random)
    {
        for (int acknowledged = 0; ; acknowledged++)
        {
            CatalogStep step = model.Next();
            if (await SendAsync(http, step) is not null)
                return (step, acknowledged);
            bool isNew = step is { Kind: "disks", Body: not null } && !model.Written.ContainsKey(step.Name);
            model.Apply(step);
            if (!isNew || random.Next(3) != 0)
                continue;
            CatalogStep me = MeAs((string)step.Body!["guest"]!);
            if (await SendAsync(http, me) is not null)
                return (me, acknowledged);
            model.Apply(me);
            try
            {
                await LookAsync(service, http, model, step.Name, (int)(long)step.Body["size"]!, fill: true);
            }
            catch (Exception) when (IsKilled(service))
            {
                return (null, acknowledged);
            }
        }
    }

    private static bool IsKilled(ServiceProcess service)
    {
        for (DateTime end = DateTime.UtcNow.AddSeconds(2); !service.Process.HasExited && DateTime.UtcNow < end; Thread.Sleep(5))
        {
        }

        return service.Process.HasExited;
    }
}
