using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Host.Tests.Running;

/// <summary>The running service when one of its actors dies: only what belongs to that actor ends.</summary>
public sealed class RunningServiceTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();
    private Service _service = null!;

    public async Task InitializeAsync()
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}"
              nbd.listen = ["unix:{{_directory}}/nbd.sock"]
              admin.listen = "http://127.0.0.1:0"
              volumes {
                fast { path = "{{_directory}}/fast.img", size = 8MiB, cache = buffered }
                slow { path = "{{_directory}}/slow.img", size = 8MiB, cache = buffered, device = faulty, depth = 4,
                       faulty { service-time = 1s, parallel = 4, flush-time = 1ms } }
              }
              guests { g0 {}, g1 {} }
              disks {
                a { volume = fast, guest = g0, offset = 0, size = 4MiB }
                b { volume = fast, guest = g1, offset = 4MiB, size = 4MiB }
                c { volume = slow, guest = g1, offset = 0, size = 4MiB }
              }
            }
            """);
        _service = await Service.StartAsync(SettingsLoader.Load(file, []), _telemetry, NullLoggerFactory.Instance);
    }

    private EndPoint Endpoint => _service.NbdEndpoints[0];

    public async Task DisposeAsync()
    {
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_ring_actor_that_dies_ends_its_connection_alone_and_leaks_nothing()
    {
        using RawClient victim = new(Endpoint, "c");
        using RawClient neighbour = new(Endpoint, "b");
        victim.Send(NbdCommand.Write, 0, 4096);
        victim.Send(NbdCommand.Read, 0, 65536);
        Assert.Equal(NbdError.None, neighbour.Call(NbdCommand.Write, 0, 4096));
        VolumeStatus slow = Volume("slow").Status;
        await Until(() => slow.InFlight == 2);

        LocalSystem.Stop(((LocalSystem)_service.System).Actors.Single(actor => actor.Path.StartsWith("ring-c", StringComparison.Ordinal)));
        Assert.Equal(NbdError.ESHUTDOWN, victim.TakeReply());
        Assert.Equal(NbdError.ESHUTDOWN, victim.TakeReply());
        Assert.Null(victim.TakeReply());
        Assert.Equal(NbdError.None, neighbour.Call(NbdCommand.Read, 0, 4096));

        // The device lets go, the ring's number is free, and the guest's buffers are back.
        await Until(() => slow is { Rings: 0, InFlight: 0, QueueDepth: 0 });
        await Until(() => _service.BuffersInUse("g1") == 0);
        using RawClient again = new(Endpoint, "c");
        Assert.Equal(NbdError.None, again.Call(NbdCommand.Read, 0, 4096));
        Assert.Empty(_service.Problems());
    }

    [Fact]
    public async Task A_volume_actor_that_dies_answers_its_guests_with_errors_and_the_other_volume_goes_on()
    {
        using RawClient victim = new(Endpoint, "c");
        using RawClient neighbour = new(Endpoint, "b");
        victim.Send(NbdCommand.Write, 0, 4096);
        VolumeStatus slow = Volume("slow").Status;
        await Until(() => slow.InFlight == 1);

        LocalSystem.Stop(Volume("slow").Actor);
        Assert.Equal(NbdError.ESHUTDOWN, victim.TakeReply());
        Assert.Null(victim.TakeReply());
        Assert.Equal(NbdError.None, neighbour.Call(NbdCommand.Write, 0, 4096));
        Assert.Equal(NbdError.None, neighbour.Call(NbdCommand.Flush));
        Assert.Contains("slow", Assert.Single(_service.Problems()), StringComparison.Ordinal);
        await Until(() => _service.BuffersInUse("g1") == 0);

        using RawClient refused = new(Endpoint, "c");
        Assert.False(refused.IsOpen);
    }

    [Fact]
    public async Task Stop_answers_what_is_in_flight()
    {
        using RawClient client = new(Endpoint, "c");
        client.Send(NbdCommand.Write, 0, 4096);
        await Until(() => Volume("slow").Status.InFlight == 1);
        Assert.True(await _service.StopAsync());
        Assert.Equal(NbdError.None, client.TakeReply());
        Assert.Null(client.TakeReply());
    }

    private static async Task Until(Func<bool> condition)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(30);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "what was waited for did not happen within 30 s");
            await Task.Delay(2);
        }
    }

    private RunningVolume Volume(string name) => _service.Volumes.Single(volume => volume.Settings.Name == name);
}
