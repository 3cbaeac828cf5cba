using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Storage;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Host.Tests.Running;

/// <summary>F6 where a volume's next owner is another machine: it has the journal and the device in common, not the data-dir.</summary>
public sealed class FaultsInJournalTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();
    private readonly Dictionary<string, ServiceSettings> _nodes = [];

    public void Dispose()
    {
        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_owner_is_fenced_until_one_clears_it_and_then_nobody_is(bool postgres)
    {
        Skip.If(postgres && PostgresCluster.Missing is not null, PostgresCluster.Missing);
        using PostgresCluster? cluster = postgres ? new() : null;
        Configure(cluster?.NewDatabase());
        await OnNodeAsync("a", async volume =>
        {
            Assert.Equal(0, volume.Status.Fault(0));
            Assert.Null(await Do(done => volume.Faults.Record(0, 5, done)));
        });
        await OnNodeAsync("b", async volume =>
        {
            Assert.Equal(5, volume.Status.Fault(0));
            Assert.NotNull(volume.Faults.Since(0));
            Assert.Null(await volume.ClearFaultAsync(0, "me").WaitAsync(s_patience));
            Assert.Equal(0, volume.Status.Fault(0));
        });
        foreach (string node in _nodes.Keys)
        {
            await OnNodeAsync(node, volume =>
            {
                Assert.Equal(0, volume.Status.Fault(0));
                Assert.Null(volume.Faults.Since(0));
                return Task.CompletedTask;
            });
        }

        Assert.Empty(Directory.GetFiles(_directory, "*.fault", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_marker_of_the_time_before_is_moved_into_the_journal()
    {
        Configure(null);
        FaultMarker marker = new(Path.Combine(_directory, "v.img.fault"));
        marker.Write(new Fault(0, 28, DateTimeOffset.UnixEpoch, "no space"));
        await OnNodeAsync("a", volume =>
        {
            Assert.Equal((28, DateTimeOffset.UnixEpoch), (volume.Status.Fault(0), volume.Faults.Since(0)));
            return Task.CompletedTask;
        });
        Assert.Null(marker.Read());
        await OnNodeAsync("b", volume =>
        {
            Assert.Equal((28, DateTimeOffset.UnixEpoch), (volume.Status.Fault(0), volume.Faults.Since(0)));
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task A_fault_of_a_domain_that_is_not_there_is_not_overlooked()
    {
        Configure(null);
        await OnNodeAsync("a", async volume => Assert.Null(await Do(done => volume.Faults.Record(3, 5, done))));
        VolumeOpenException e = await Assert.ThrowsAsync<VolumeOpenException>(() => OnNodeAsync("b", _ => Task.CompletedTask));
        Assert.Contains("uncleared fault of its domain 3", e.Message, StringComparison.Ordinal);

        // Nothing is left open.
        e = await Assert.ThrowsAsync<VolumeOpenException>(() => OnNodeAsync("a", _ => Task.CompletedTask));
        Assert.Contains("uncleared fault of its domain 3", e.Message, StringComparison.Ordinal);
    }

    private static Task<string?> Do(Action<Action<string?>> act)
    {
        TaskCompletionSource<string?> done = new();
        act(done.SetResult);
        return done.Task.WaitAsync(s_patience);
    }

    // One file and one journal, two data directories.
    private void Configure(string? database)
    {
        string journal = database is null ? $"journal.sqlite = \"{_directory}/journal.db\"" : $"journal.postgres = \"{database}\"";
        foreach (string node in new[] { "a", "b" })
        {
            string file = Path.Combine(_directory, node + ".conf");
            File.WriteAllText(file, $$"""
                scheduler {
                  data-dir = "{{Directory.CreateDirectory(Path.Combine(_directory, node)).FullName}}", nbd.listen = ["tcp://127.0.0.1:0"]
                  {{journal}}
                  volumes.v { path = "{{_directory}}/v.img", size = 1MiB, cache = buffered }
                  guests.g {}
                  disks.d { volume = v, guest = g, offset = 0, size = 1MiB }
                }
                """);
            _nodes[node] = SettingsLoader.Load(file, []);
        }
    }

    private async Task OnNodeAsync(string node, Func<RunningVolume, Task> work)
    {
        ServiceSettings settings = _nodes[node];
        await using SqlJournal journal = await EventJournals.OpenAsync(settings.Journal);
        LocalSystem system = new(NullLogger<LocalSystem>.Instance) { Persistence = new PersistenceSetup(new LocalJournal(journal), Service.JournalFormat) };
        VolumeSupport support = new(settings.DataDirectory, system, _telemetry, NullLogger.Instance, FaultsInJournal: true);
        RunningVolume volume = await Task.Run(() => RunningVolume.Start(settings.Volumes[0], settings.Disks, support)).WaitAsync(s_patience);
        try
        {
            await work(volume);
        }
        finally
        {
            _ = await volume.StopAsync(s_patience);
            volume.Dispose();
        }
    }
}
