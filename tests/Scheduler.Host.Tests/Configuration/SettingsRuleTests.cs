using Scheduler.Core;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

public sealed class SettingsRuleTests : IDisposable
{
    private readonly ConfigFile _file = new();

    public void Dispose() => _file.Dispose();

    [Theory]

    // Values that are not of their kind, or out of range.
    [InlineData("volumes.vol0.size=4GX", "'4GX' is not a size; write e.g. 4GiB")]
    [InlineData("volumes.vol0.size=0", "'0' is out of range; write 4KiB to 4PiB")]
    [InlineData("volumes.vol0.size=5PiB", "'5PiB' is out of range; write 4KiB to 4PiB")]
    [InlineData("volumes.vol0.size=5000", "'5000' is not a multiple of 4096 bytes")]
    [InlineData("volumes.vol0.path=", "must be set")]
    [InlineData("volumes.vol0.cache=writeback", "'writeback' is not one of direct, buffered, dsync")]
    [InlineData("volumes.vol0.cache=Direct", "'Direct' is not one of direct, buffered, dsync")]
    [InlineData("volumes.vol0.io=2", "'2' is not one of auto, io-uring, threads")]
    [InlineData("volumes.vol0.policy=cfq", "'cfq' is not one of fair, fifo, queue-drain, ring-drain")]
    [InlineData("volumes.vol0.device=tape", "'tape' is not one of file, memory, null, faulty")]
    [InlineData("volumes.vol0.preallocate=1", "'1' is neither true nor false")]
    [InlineData("volumes.vol0.depth=0", "'0' is not a whole number from 1 to 1024")]
    [InlineData("volumes.vol0.depth=1025", "'1025' is not a whole number from 1 to 1024")]
    [InlineData("volumes.vol0.depth=1.5", "'1.5' is not a whole number from 1 to 1024")]
    [InlineData("volumes.vol0.latency-target=11s", "'11s' is out of range; write 0s to 10s")]
    [InlineData("volumes.vol0.cost.discard=0s", "'0s' is out of range; write 100ns to 10s")]
    [InlineData("volumes.vol0.cost.spread=2", "'2' is not a number from 0 to 1")]
    [InlineData("volumes.vol0.cost.write=30us", "a profile needs channels too; without channels, read and write they are learned")]
    [InlineData("volumes.vol0.cost.per-mib=11s", "'11s' is out of range; write 0s to 10s")]
    [InlineData("volumes.vol0.cost.flush=1", "'1' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("volumes.vol0.faulty.service-time=11s", "'11s' is out of range; write 0s to 10s")]
    [InlineData("volumes.vol0.faulty.parallel=0", "'0' is not a whole number from 1 to 1024")]
    [InlineData("volumes.vol0.faulty.flush-time=1x", "'1x' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("volumes.vol0.faulty.error=sometimes", "'sometimes' is not one of none, read, write, flush, dsync, all")]
    [InlineData("guests.g0.weight=0", "'0' is not a whole number from 1 to 10000")]
    [InlineData("guests.g0.weight=10001", "'10001' is not a whole number from 1 to 10000")]
    [InlineData("guests.g0.reservation=-1", "'-1' is not a whole number from 0 to 1000000000")]
    [InlineData("guests.g0.limit=many", "'many' is not a whole number from 0 to 1000000000")]
    [InlineData("guests.g0.flush-latency-max=2m", "'2m' is out of range; write 0s to 1m")]
    [InlineData("guests.g0.unflushed-max=1k", "'1k' is out of range; write 1MiB to 1TiB")]
    [InlineData("guests.g0.buffer-memory=32MiB", "'32MiB' is out of range; write 33MiB to 4GiB")]
    [InlineData("nbd.connections-max=0", "'0' is not a whole number from 1 to 65536")]
    [InlineData("nbd.handshake-timeout=1h", "'1h' is out of range; write 100ms to 10m")]
    [InlineData("rings.listen=tcp://127.0.0.1:1", "'tcp://127.0.0.1:1' is not an address for rings, which stay on the machine; write unix:path")]
    [InlineData("rings.listen=unix:data/nbd.sock", "'unix:data/nbd.sock' is also in nbd.listen")]
    [InlineData("rings.connections-max=0", "'0' is not a whole number from 1 to 65536")]
    [InlineData("rings.handshake-timeout=1h", "'1h' is out of range; write 100ms to 10m")]
    [InlineData("nbd.credits=1025", "'1025' is not a whole number from 1 to 1024")]
    [InlineData("telemetry.trace-ratio=2", "'2' is not a number from 0 to 1")]
    [InlineData("telemetry.trace-ratio=NaN", "'NaN' is not a number from 0 to 1")]
    [InlineData("telemetry.otlp-endpoint=collector", "'collector' is not an address of a collector; write e.g. http://127.0.0.1:4317")]
    [InlineData("log.level=loud", "'loud' is not one of trace, debug, information, warning, error, critical, none")]
    [InlineData("insecure=perhaps", "'perhaps' is neither true nor false")]
    [InlineData("data-dir=", "must be set")]

    // Disks.
    [InlineData("disks.d0.lv=db", "volume vol0 is no volume group; give offset and size")]
    [InlineData("volumes.vol0.lvm-system-id=here", "is only for a volume group; give its physical volumes in lvm")]
    [InlineData("disks.d0.volume=vol", "there is no volume 'vol'; did you mean vol0?")]
    [InlineData("disks.d0.volume=other", "there is no volume 'other'")]
    [InlineData("disks.d0.guest=G0", "there is no guest 'G0'; did you mean g0?")]
    [InlineData("disks.d0.offset=512", "'512' is not a multiple of 4096 bytes")]
    [InlineData("disks.d0.size=0", "'0' is out of range; write 4KiB to 4PiB")]
    [InlineData("disks.d0.ordered=sorted", "'sorted' is not one of none, drain, drain-flush, drain-fua, tag, tag-flush, tag-fua, flush-fua")]
    [InlineData("disks.d0.size=5GiB", "the disk ends beyond its volume: offset 0B, size 5GiB, volume vol0 4GiB")]
    [InlineData("disks.d1.offset=8GiB", "the disk ends beyond its volume: offset 8GiB, size 1GiB, volume vol0 4GiB")]

    // Addresses.
    [InlineData("admin.listen=127.0.0.1:80", "'127.0.0.1:80' is not an address to listen on; write http://127.0.0.1:80 or unix:path")]
    [InlineData("admin.listen=http://127.0.0.1:65536", "'http://127.0.0.1:65536' is not an address to listen on; write http://127.0.0.1:80 or unix:path")]
    [InlineData("admin.listen=http://127.0.0.1/x", "'http://127.0.0.1/x' is not an address to listen on; write http://127.0.0.1:80 or unix:path")]
    [InlineData("admin.listen=http://example.org", "'http://example.org' is not an address to listen on; write http://127.0.0.1:80 or unix:path")]
    [InlineData("admin.listen=unix:", "must be set")]
    public void A_bad_value_is_one_line_with_its_key(string set, string problem)
    {
        Assert.Equal($"--set: scheduler.{set[..set.IndexOf('=')]}: {problem}", _file.Error(set));
        _ = Assert.Single(_file.Mistakes(set));
    }

    [Theory]
    [InlineData("guests.g0={ reservation = 10, limit = 5 }", "guests.g0.limit: 5 is below the reservation of 10; 0 means no limit")]
    [InlineData("volumes.copy={ path = ./data/../data/vol0.img, size = 4k }", "volumes.copy.path: is also the path of volume vol0")]
    [InlineData("volumes.-x={ device = null, size = 4k }", "volumes.-x: is not a name for a volume: up to 63 letters, digits, '.', '_' and '-', a letter or digit first")]
    [InlineData("guests.\"a b\"={}", "guests.\"a b\": is not a name for a guest: up to 63 letters, digits, '.', '_' and '-', a letter or digit first")]
    [InlineData("disks.\"\u00e9\"={}", "disks.\u00e9: is not a name for a disk: up to 63 letters, digits, '.', '_' and '-', a letter or digit first")]
    [InlineData("nbd.listen=[]", "nbd.listen: needs at least one address, e.g. [\"tcp://127.0.0.1:10809\"]")]
    [InlineData("nbd.listen=[\"unix:a\", \"unix:a\"]", "nbd.listen: 'unix:a' is listed twice")]
    [InlineData("nbd.listen=[\"http://127.0.0.1\"]", "nbd.listen: 'http://127.0.0.1' is not an address to listen on; write tcp://127.0.0.1:10809 or unix:path")]
    [InlineData("nbd.listen=[\"tcp://::1\"]", "nbd.listen: 'tcp://::1' is not an address to listen on; write tcp://127.0.0.1:10809 or unix:path")]
    [InlineData("nbd.listen=[", "nbd.listen: this '[' is never closed")]
    public void A_bad_combination_is_one_line_with_its_key(string set, string problem)
    {
        Assert.Equal($"--set: scheduler.{problem}", _file.Error(set));
        _ = Assert.Single(_file.Mistakes(set));
    }

    [Fact]
    public void All_mistakes_are_told_and_nothing_that_follows_from_them()
    {
        Assert.Equal(
            [
                "x.conf:16: scheduler.nbd.credits: is a single value; write credits = value",
                "x.conf:15: scheduler.volumes.vol1.dept: unknown key; did you mean scheduler.volumes.vol1.depth?",
                "x.conf:3: scheduler.volumes.vol0.size: '4GX' is not a size; write e.g. 4GiB",
                "x.conf:17: scheduler.volumes.vol0.depth: 'deep' is not a whole number from 1 to 1024",
                "x.conf:18: scheduler.volumes.copy.path: is also the path of volume vol0",
                "x.conf:19: scheduler.guests.g0.weight: '0' is not a whole number from 1 to 10000",
                "x.conf:20: scheduler.guests.g2.certificates: 'web' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits",
                "x.conf:20: scheduler.guests.g2.certificates: 'db' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits",
                "x.conf:21: scheduler.data-dir: must be set",
                "x.conf:22: scheduler.log.level: 'loud' is not one of trace, debug, information, warning, error, critical, none",
                "x.conf:23: scheduler.disks.d3.guest: there is no guest 'g4'; did you mean g0?",
                "x.conf:23: scheduler.disks.d3.size: must be set",
            ],
            ConfigFile.MistakesOf($$"""
            {{ConfigFile.Valid.Replace("4GiB", "4GX")}}
            scheduler.volumes.vol1.dept = 4
            scheduler.nbd.credits = [1]
            scheduler.volumes.vol0.depth = deep
            scheduler.volumes.copy { path = data/vol0.img, size = 4k }
            scheduler.guests.g0.weight = 0
            scheduler.guests.g2.certificates = ["web", "CN=good", "db"]
            scheduler.data-dir = ""
            scheduler.log.level = loud
            scheduler.disks.d3 { volume = vol1, guest = g4 }
            """));

        // What can't be read hides what is in it.
        Assert.Equal(["x.conf:1: scheduler: this '{' is never closed"], ConfigFile.MistakesOf("scheduler { insecure = perhaps"));
    }

    [Theory]
    [InlineData("fair", PolicyKind.Fair)]
    [InlineData("fifo", PolicyKind.Fifo)]
    [InlineData("queue-drain", PolicyKind.QueueDrain)]
    [InlineData("ring-drain", PolicyKind.RingDrain)]
    public void A_volume_takes_any_policy(string name, PolicyKind policy) =>
        Assert.Equal(policy, _file.Load($"volumes.vol0.policy={name}").Volumes[0].Policy);

    [Fact]
    public void A_name_is_at_most_63_long()
    {
        Assert.Equal(3, _file.Load($"guests.{new string('x', 63)}={{}}").Guests.Count);
        Assert.Contains("is not a name", _file.Error($"guests.{new string('x', 64)}={{}}"));
        Assert.Equal("a.b_c-1", _file.Load("guests.\"a.b_c-1\"={}").Guests[^1].Name);
    }

    [Fact]
    public void A_disk_may_not_overlap_another_of_its_volume()
    {
        Assert.Equal(
            "x.conf:12: scheduler.disks.d1.offset: the disk overlaps disk d0 on volume vol0",
            ConfigFile.ErrorOf(ConfigFile.Valid.Replace("offset = 1GiB", "offset = 1048572KiB")));
        Assert.Equal(3, _file.Load("disks.other={ volume = vol1, guest = g0, size = 1GiB }").Disks.Count);
    }

    [Fact]
    public void Errors_name_the_line_of_the_value()
    {
        Assert.Equal(
            "x.conf:3: scheduler.volumes.vol0.size: '4GX' is not a size; write e.g. 4GiB",
            ConfigFile.ErrorOf(ConfigFile.Valid.Replace("4GiB", "4GX")));
        Assert.Equal(
            "x.conf:11: scheduler.disks.d0.guest: must be set",
            ConfigFile.ErrorOf(ConfigFile.Valid.Replace("guest = g0, ", "")));
        Assert.Equal(
            "x.conf:2: scheduler.nbd.listen: '' is not an address to listen on; write tcp://127.0.0.1:10809 or unix:path",
            ConfigFile.ErrorOf(ConfigFile.Valid.Replace("scheduler {", "scheduler {\n nbd.listen = [\"\"]")));
    }

    [Theory]
    [InlineData("", "x.conf: scheduler.volumes: needs at least one volume")]
    [InlineData("scheduler {}", "x.conf: scheduler.volumes: needs at least one volume")]
    public void There_must_be_something_to_serve(string text, string error) => Assert.Equal(error, ConfigFile.ErrorOf(text));

    [Fact]
    public void Guests_and_disks_need_not_be_declared() =>
        Assert.Empty(ConfigFile.LoadText("scheduler.volumes.v { device = null, size = 4k }").Disks);

    [Fact]
    public void Names_that_differ_only_in_case_are_refused() =>
        Assert.Equal(
            "--set: scheduler.disks.D0: differs only in case from the key at x.conf:11",
            _file.Error("disks.D0={ volume = vol0, guest = g0, size = 4k, offset = 3GiB }"));

    [Theory]
    [InlineData("tcp://0.0.0.0:10809")]
    [InlineData("tcp://[::]")]
    [InlineData("tcp://192.0.2.1:10809")]
    public void Addresses_that_others_can_reach_need_to_be_allowed(string address)
    {
        string[] sets = [$"nbd.listen=[\"{address}\"]", "admin.listen=http://0.0.0.0:8080"];
        Assert.Equal(
            $"--set: scheduler.nbd.listen: '{address}' can be reached from other machines, which nothing here authenticates; "
            + "use 127.0.0.1, [::1] or unix:path, or nbd.tls with client-ca and required = true, or set scheduler.insecure = true",
            _file.Error(sets));
        Assert.Equal(
            "--set: scheduler.admin.listen: 'http://0.0.0.0:8080' can be reached from other machines, which nothing here authenticates; "
            + "use 127.0.0.1, [::1] or unix:path, or https:// with admin.tls, or set scheduler.insecure = true",
            _file.Error(sets[1]));
        ServiceSettings settings = _file.Load([.. sets, "insecure=true"]);
        Assert.False(settings.Nbd.Listen[0].IsLocal);
        Assert.False(settings.AdminListen.IsLocal);
    }

    [Theory]
    [InlineData("tcp://127.0.0.1", "127.0.0.1:10809")]
    [InlineData("tcp://127.0.0.2:0", "127.0.0.2:0")]
    [InlineData("tcp://localhost:1", "127.0.0.1:1")]
    [InlineData("tcp://[::1]:1/", "[::1]:1")]
    [InlineData("tcp://[::1]", "[::1]:10809")]
    [InlineData("unix:data/x.sock", "unix:data/x.sock")]
    public void Local_addresses_are_taken(string address, string expected) =>
        Assert.Equal(expected, _file.Load($"nbd.listen=[\"{address}\"]").Nbd.Listen[0].ToString());

    [Fact]
    public void A_unix_path_must_fit_the_socket_address()
    {
        Assert.Contains("at most 107 bytes", _file.Error($"admin.listen=unix:{new string('x', 108)}"));
        Assert.NotNull(_file.Load($"admin.listen=unix:{new string('x', 107)}"));
    }
}
