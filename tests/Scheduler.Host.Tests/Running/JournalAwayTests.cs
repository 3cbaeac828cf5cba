using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Host.Tests.Running;

/// <summary>The journal's database goes away and comes back: guests go on, changes are refused meanwhile.</summary>
public sealed class JournalAwayTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();

    public void Dispose()
    {
        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [SkippableFact]
    public async Task Guests_go_on_without_PostgreSQL_and_changes_are_taken_again_when_it_is_back()
    {
        Skip.If(PostgresCluster.Missing is not null, PostgresCluster.Missing);
        using PostgresCluster cluster = new();
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              journal.postgres = "{{cluster.NewDatabase()}}"
              volumes.v { path = "{{_directory}}/v.img", size = 16MiB, cache = buffered }
              guests.g {}
              disks.d { volume = v, guest = g, offset = 0, size = 4MiB }
            }
            """);
        ServiceSettings settings = SettingsLoader.Load(file, []);
        Service service = await Service.StartAsync(settings, _telemetry, NullLoggerFactory.Instance);
        try
        {
            Assert.Null((await Do(new PutEntity(new CatalogDisk { Name = "e", Volume = "v", Guest = "g", Size = 4 << 20 }, "me"))).Refusal);
            using RawClient client = new(service.NbdEndpoints[0], "d");
            cluster.Stop();

            // The first one finds out; whether its change is made is not known, so its disk waits for that.
            CatalogAnswer refused = await Do(new DeleteEntity(CatalogKind.Disk, "e", "me"));
            Assert.Equal(CatalogProblem.Unavailable, refused.Refusal!.Problem);
            Assert.Contains("may or may not", refused.Refusal.Reason, StringComparison.Ordinal);
            refused = await Do(new PutEntity(new CatalogGuest { Name = "h" }, "me"));
            Assert.Equal(CatalogProblem.Unavailable, refused.Refusal!.Problem);
            Assert.Contains("check that it runs", refused.Refusal.Reason, StringComparison.Ordinal);
            Assert.Equal(NbdError.None, client.Call(NbdCommand.Write, 0, 4096));
            Assert.Equal(NbdError.None, client.Call(NbdCommand.Flush));
            await Assert.ThrowsAsync<JournalUnavailableException>(() => service.Catalog.HistoryAsync(long.MaxValue, 10, default));

            cluster.Start();
            DateTime deadline = DateTime.UtcNow.AddSeconds(60);
            CatalogAnswer answer;
            while ((answer = await Do(new PutEntity(new CatalogGuest { Name = "h" }, "me"))).Refusal is { } still)
            {
                Assert.True(DateTime.UtcNow < deadline, still.Reason);
                Assert.Equal(NbdError.None, client.Call(NbdCommand.Write, 0, 4096));
                await Task.Delay(50);
            }

            Assert.Equal("h", answer.Entry!.Entity.Name);
            Assert.Empty(service.Problems());

            // The disk is what the catalog says, the one or the other.
            bool there = service.Catalog.State.Find<CatalogDisk>("e") is not null;
            using RawClient disk = new(service.NbdEndpoints[0], "e");
            Assert.Equal(there, disk.IsOpen);
        }
        finally
        {
            _ = await service.StopAsync();
            await service.DisposeAsync();
        }

        cluster.Stop();
        JournalUnavailableException away = await Assert.ThrowsAsync<JournalUnavailableException>(() => Service.StartAsync(settings, _telemetry, NullLoggerFactory.Instance));
        Assert.Contains("check that it runs", away.Message, StringComparison.Ordinal);
        cluster.Start();

        Task<CatalogAnswer> Do(CatalogCommand command) => service.Catalog.ChangeAsync(command).WaitAsync(TimeSpan.FromSeconds(60));
    }
}
