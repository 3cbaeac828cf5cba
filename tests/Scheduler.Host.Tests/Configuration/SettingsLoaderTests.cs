using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;

namespace Scheduler.Host.Tests.Configuration;

public sealed class SettingsLoaderTests : IDisposable
{
    private readonly ConfigFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Single_conf_is_the_documented_default()
    {
        ServiceSettings settings = SettingsLoader.Load(null, [], _ => null);
        Assert.Equal("data", settings.DataDirectory);
        Assert.Equal(
            [new TcpListenEndpoint(IPAddress.Loopback, 10809), new UnixListenEndpoint("data/nbd.sock")], settings.Nbd.Listen);
        Assert.Equal(new TcpListenEndpoint(IPAddress.Loopback, 8080), settings.AdminListen);
        VolumeSettings volume = Assert.Single(settings.Volumes);
        Assert.Equal(("vol0", "data/vol0.img", 4L << 30), (volume.Name, volume.Path, volume.Size));
        Assert.False(volume.Preallocate);
        Assert.Equal(["g0", "g1", "g2", "g3"], settings.Guests.Select(guest => guest.Name));
        Assert.All(settings.Guests, guest => Assert.Equal(100, guest.Weight));
        Assert.Equal(["d0", "d1", "d2", "d3"], settings.Disks.Select(disk => disk.Name));
        Assert.Equal(["g0", "g1", "g2", "g3"], settings.Disks.Select(disk => disk.Guest.Name));
        Assert.All(settings.Disks, disk => Assert.Equal(1L << 30, disk.Size));
    }

    [Fact]
    public void What_a_file_leaves_out_comes_from_the_reference()
    {
        ServiceSettings settings = _file.Load();
        Assert.False(settings.Insecure);
        Assert.Equal(new LogSettings(LogLevel.Information, null, null, null, null, null), settings.Log);
        Assert.Equal((1024, 128), (settings.Nbd.ConnectionsMax, settings.Nbd.Credits));
        Assert.Equal(TimeSpan.FromSeconds(10), settings.Nbd.HandshakeTimeout);
        Assert.Equal(new TelemetrySettings(null, 0.01), settings.Telemetry);
        VolumeSettings volume = settings.Volumes[0];
        Assert.Equal((CacheMode.Direct, IoMethod.Auto, PolicyKind.Fair), (volume.Cache, volume.Io, volume.Policy));
        Assert.Equal((32, 10.0, DeviceKind.File), (volume.Depth, volume.LatencyTarget.TotalMilliseconds, volume.Device));
        Assert.Equal(new CostModel { Learn = true, ReadByteNs = PerMib(250), WriteByteNs = PerMib(250) }, volume.Cost);
        Assert.Equal(new FaultyOptions { Parallel = 1 }, volume.Faulty);
        GuestSettings guest = settings.Guests[0];
        Assert.Equal((100, 0L, 0L), (guest.Weight, guest.Reservation, guest.Limit));
        Assert.Equal((256L << 20, 64L << 20), (guest.UnflushedMax, guest.BufferMemory));
        Assert.Equal(TimeSpan.FromMilliseconds(100), guest.FlushLatencyMax);
        Assert.Equal(OrderedMode.FlushFua, settings.Disks[0].Ordered);
        Assert.Same(settings.Volumes[0], settings.Disks[0].Volume);
        Assert.Same(settings.Guests[1], settings.Disks[1].Guest);
    }

    [Fact]
    public void Every_value_arrives()
    {
        ServiceSettings settings = ConfigFile.LoadText("""
            scheduler {
              data-dir = /var/lib/scheduler
              insecure = true
              nbd { listen = ["tcp://[::]:1"], connections-max = 5, handshake-timeout = 2s, credits = 7 }
              admin.listen = "unix:/run/admin.sock"
              telemetry { otlp-endpoint = "https://collector:4317", trace-ratio = 0.5 }
              log.level = debug
              volumes.slow {
                path = /dev/sdx, size = 1GiB, preallocate = true, cache = dsync, io = threads, depth = 4, latency-target = 3ms, policy = fifo
                device = faulty
                cost {
                  channels = 3, read = 1us, write = 2us, per-mib = 3us, write-per-mib = 4us, flush = 5us, flush-per-mib = 6us
                  durable-write = 7us, discard = 8us, discard-per-mib = 9us, spread = 0.1
                }
                faulty { service-time = 1ms, parallel = 4, flush-time = 2ms, error = dsync }
              }
              guests.g { weight = 7, reservation = 10, limit = 20, flush-latency-max = 0, unflushed-max = 1MiB, buffer-memory = 4GiB, connections-max = 3 }
              disks.d { volume = slow, guest = g, offset = 4096, size = 8k, ordered = flush-fua }
            }
            """);
        Assert.Equal("/var/lib/scheduler", settings.DataDirectory);
        Assert.Equal([new TcpListenEndpoint(IPAddress.IPv6Any, 1)], settings.Nbd.Listen);
        Assert.Equal((5, 7, 2.0), (settings.Nbd.ConnectionsMax, settings.Nbd.Credits, settings.Nbd.HandshakeTimeout.TotalSeconds));
        Assert.Equal(new UnixListenEndpoint("/run/admin.sock"), settings.AdminListen);
        Assert.Equal(new TelemetrySettings(new Uri("https://collector:4317"), 0.5), settings.Telemetry);
        Assert.Equal(LogLevel.Debug, settings.Log.Level);
        FaultyOptions faulty = new()
        {
            ServiceTime = TimeSpan.FromMilliseconds(1),
            Parallel = 4,
            FlushTime = TimeSpan.FromMilliseconds(2),
            Mode = FaultMode.Dsync,
        };
        VolumeSettings volume = new()
        {
            Name = "slow",
            Path = "/dev/sdx",
            Size = 1 << 30,
            Preallocate = true,
            Cache = CacheMode.Dsync,
            Io = IoMethod.Threads,
            Depth = 4,
            LatencyTarget = TimeSpan.FromMilliseconds(3),
            Policy = PolicyKind.Fifo,
            Device = DeviceKind.Faulty,
            Cost = new CostModel
            {
                Parallel = 3,
                ReadNs = 1000,
                WriteNs = 2000,
                ReadByteNs = PerMib(3),
                WriteByteNs = PerMib(4),
                FlushNs = 5000,
                FlushByteNs = PerMib(6),
                DurableWriteNs = 7000,
                DiscardNs = 8000,
                DiscardByteNs = PerMib(9),
            },
            Faulty = faulty,
        };
        GuestSettings guest = new()
        {
            Name = "g",
            Weight = 7,
            Reservation = 10,
            Limit = 20,
            FlushLatencyMax = TimeSpan.Zero,
            UnflushedMax = 1 << 20,
            BufferMemory = 4L << 30,
            ConnectionsMax = 3,
        };
        Assert.Equal(volume, Assert.Single(settings.Volumes));
        Assert.Equal(guest, Assert.Single(settings.Guests) with { Certificates = guest.Certificates, Uids = guest.Uids, Domains = guest.Domains });
        DiskSettings disk = Assert.Single(settings.Disks);
        Assert.Equal(("d", 4096L, 8192L), (disk.Name, disk.Offset, disk.Size));
    }

    [Fact]
    public void Disks_volumes_and_guests_keep_the_order_of_the_file()
    {
        ServiceSettings settings = ConfigFile.LoadText("""
            scheduler {
              volumes { z { device = null, size = 1GiB }, a { device = null, size = 1GiB } }
              guests { y {}, 10 {}, 9 {}, b {} }
              disks {
                zz { volume = z, guest = y, size = 4k }
                10 { volume = z, guest = y, size = 4k, offset = 4k }
                9 { volume = z, guest = y, size = 4k, offset = 8k }
                aa { volume = a, guest = b, size = 4k }
              }
            }
            """);
        Assert.Equal(["z", "a"], settings.Volumes.Select(volume => volume.Name));
        Assert.Equal(["y", "10", "9", "b"], settings.Guests.Select(guest => guest.Name));
        Assert.Equal(["zz", "10", "9", "aa"], settings.Disks.Select(disk => disk.Name));
    }

    [Fact]
    public void Set_overrides_with_or_without_the_sections_name()
    {
        ServiceSettings settings = _file.Load(
            "volumes.vol0.depth=4",
            "scheduler.guests.g0.weight = 5",
            "scheduler.guests.g0.weight = 6",
            "guests.new={ weight = 9 }",
            "admin.listen=http://127.0.0.1:0",
            "nbd.listen=[\"unix:/tmp/x\"]",
            "data-dir=${scheduler.log.level}/#x",
            "volumes.vol0.path=a b//c");
        Assert.Equal(4, settings.Volumes[0].Depth);
        Assert.Equal("a b//c", settings.Volumes[0].Path);
        Assert.Equal([6, 300, 9], settings.Guests.Select(guest => guest.Weight));
        Assert.Equal(new TcpListenEndpoint(IPAddress.Loopback, 0), settings.AdminListen);
        Assert.Equal([new UnixListenEndpoint("/tmp/x")], settings.Nbd.Listen);
        Assert.Equal("information/", settings.DataDirectory);
    }

    [Fact]
    public void A_list_is_replaced_and_not_mixed_with_the_default()
    {
        Assert.Equal(2, _file.Load().Nbd.Listen.Count);
        Assert.Single(_file.Load("nbd.listen=[\"tcp://127.0.0.1:1\"]").Nbd.Listen);
    }

    [Fact]
    public void Null_gives_back_what_is_not_set() =>
        Assert.Equal(
            "x.conf:3: scheduler.volumes.vol0.depth: must be set", _file.Error("volumes.vol0.depth=null"));

    [Theory]
    [InlineData("null")]
    [InlineData("\"null\"")]
    public void The_null_device_needs_no_quotes(string text) =>
        Assert.Equal(DeviceKind.Null, _file.Load($"volumes.vol0.device={text}").Volumes[0].Device);

    [Fact]
    public void A_file_may_change_the_defaults_of_all_volumes()
    {
        ServiceSettings settings = ConfigFile.LoadText(
            ConfigFile.Valid + "\nscheduler.volumes.\"<name>\".depth = 8\nscheduler.volumes.vol1.depth = 9");
        Assert.Equal([8, 9], settings.Volumes.Select(volume => volume.Depth));
    }

    [Fact]
    public void Keys_beside_the_section_are_variables()
    {
        ServiceSettings settings = ConfigFile.LoadText(
            ConfigFile.Valid + "\nvars { d = 8, w = 9 }\nscheduler.volumes.vol0.depth = ${vars.d}");
        Assert.Equal(8, settings.Volumes[0].Depth);
    }

    [Fact]
    public void Set_reaches_variables_of_the_file()
    {
        using ConfigFile file = new(ConfigFile.Valid + "\nd = 8\nscheduler.volumes.vol0.depth = ${d}");
        Assert.Equal(9, file.Load("d=9").Volumes[0].Depth);
        Assert.Equal(7, file.Load("volumes.vol0.depth=7").Volumes[0].Depth);
    }

    [Fact]
    public void The_environment_gives_the_collector_unless_the_file_does()
    {
        static string? Environment(string name) => name == "OTEL_EXPORTER_OTLP_ENDPOINT" ? "http://env:4317" : null;

        Assert.Equal("env", SettingsLoader.Load(_file.Path, [], Environment).Telemetry.OtlpEndpoint?.Host);
        Assert.Null(SettingsLoader.Load(_file.Path, ["telemetry.otlp-endpoint=\"\""], Environment).Telemetry.OtlpEndpoint);
        string[] sets = ["telemetry.otlp-endpoint=http://mine:4317"];
        Assert.Equal("mine", SettingsLoader.Load(_file.Path, sets, Environment).Telemetry.OtlpEndpoint?.Host);
    }

    private static double PerMib(int microseconds) => microseconds * 1000 / 1048576.0;
}
