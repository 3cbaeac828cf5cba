using System.Globalization;
using System.Net;
using System.Text;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Catalog;

/// <summary>
/// kill -9 at random moments while the catalog changes: what was acknowledged is there after a restart, and what was not answered
/// is there wholly or not at all. Few rounds, unless SCHEDULER_CRASH_ROUNDS says how many.
/// </summary>
public sealed class KilledServiceTests(ITestOutputHelper output)
{
    private static int? Rounds => int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_CRASH_ROUNDS"), CultureInfo.InvariantCulture, out int rounds) ? rounds : null;

    [SkippableFact]
    public async Task Nothing_that_was_acknowledged_is_lost_with_SQLite() => await RunAsync("", Rounds ?? 8);

    [SkippableFact]
    public async Task Nothing_that_was_acknowledged_is_lost_with_PostgreSQL()
    {
        Requires.Installed(PostgresCluster.Missing is null, PostgresCluster.Missing ?? "");
        using PostgresCluster cluster = new();
        await RunAsync($"journal.postgres = \"{cluster.NewDatabase()}\"", Rounds ?? 3);
    }

    private async Task RunAsync(string journal, int rounds)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        output.WriteLine($"SCHEDULER_SEED={seed}");
        Random random = new(seed);
        using TemporaryDirectory directory = new();
        CatalogModel model = new(random, directory);
        string config = Config.OneVolume(directory, "cache = buffered", disks: 1, diskMib: 4) + journal + "\n";
        CatalogStep? unanswered = null;
        int acknowledged = 0;
        for (int round = 0; round <= rounds; round++)
        {
            using ServiceProcess service = ServiceProcess.Start(directory, config);
            string? difference = model.Difference(service);
            if (difference is not null && unanswered is not null)
            {
                model.Apply(unanswered);
                difference = model.Difference(service);
            }

            Assert.True(difference is null, $"round {round}, SCHEDULER_SEED={seed}: {difference}; unanswered was {unanswered}\n{service.Process.Log}");
            if (round == rounds)
            {
                service.AssertNothingBroke();
                service.Stop();
                break;
            }

            Task kill = Task.Run(async () =>
            {
                await Task.Delay(random.Next(20, 600));
                service.Process.Kill();
            });
            (unanswered, int count) = await ChangeAsync(service, model);
            acknowledged += count;
            await kill;
        }

        output.WriteLine($"{rounds} rounds, {acknowledged} changes acknowledged, {model.Count} entities at the end");
        Assert.True(acknowledged > rounds, "hardly anything was changed");
    }

    // Changes until nobody answers any more: the last one then.
    private static async Task<(CatalogStep Unanswered, int Acknowledged)> ChangeAsync(ServiceProcess service, CatalogModel model)
    {
        using HttpClient http = new() { BaseAddress = new Uri(service.AdminUrl) };
        for (int acknowledged = 0; ; acknowledged++)
        {
            CatalogStep step = model.Next();
            using HttpRequestMessage request = new(step.Body is null ? HttpMethod.Delete : HttpMethod.Put, $"/api/v1/{step.Kind}/{step.Name}");
            if (step.Body is not null)
                request.Content = new StringContent(step.Body.ToJsonString(), Encoding.UTF8, "application/json");
            HttpResponseMessage response;
            try
            {
                response = await http.SendAsync(request);
            }
            catch (HttpRequestException)
            {
                return (step, acknowledged);
            }

            using (response)
            {
                bool done = response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.NoContent;
                Assert.True(done, $"{step}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
            }

            model.Apply(step);
        }
    }
}
