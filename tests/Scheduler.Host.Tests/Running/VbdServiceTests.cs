using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.FrontEnd;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;
using Scheduler.Xen.Tests.Vbd;
using Scheduler.Xen.Vbd;

namespace Scheduler.Host.Tests.Running;

/// <summary>
/// Virtual disks of Xen's guests, with a running service, a xenstore of the test's own, and memory of this process in place of
/// domains. What the real ones do is for tests on Xen.
/// </summary>
public sealed class VbdServiceTests : IAsyncLifetime
{
    private const int Timeout = 20_000;
    private const int Device = 51712;

    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();
    private readonly TestStore _store = new();
    private readonly TestHypervisor _hypervisor = new();
    private readonly List<TestGuest> _guests = [];
    private Service _service = null!;
    private VbdServer _xen = null!;

    public async Task InitializeAsync()
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              volumes.v { path = "{{_directory}}/v.img", size = 32MiB, cache = buffered }
              guests { g0 {}, g1 {} }
              disks {
                tagged { volume = v, guest = g0, offset = 0, size = 8MiB, ordered = tag-flush }
                plain { volume = v, guest = g0, offset = 8MiB, size = 8MiB }
                through { volume = v, guest = g1, offset = 16MiB, size = 8MiB, ordered = none }
              }
            }
            """);
        _service = await Service.StartAsync(SettingsLoader.Load(file, []), _telemetry, NullLoggerFactory.Instance);
        StartBackend();
    }

    public async Task DisposeAsync()
    {
        _xen.Dispose();
        _ = _xen.Close(_ => true, "the test is over");
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _guests.ForEach(guest => guest.Dispose());
        _store.Dispose();
        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("tagged", "1", "0", "1", 0)]
    [InlineData("plain", "0", "1", "4", 2)]
    [InlineData("through", "0", "0", "4", 4)]
    public void A_disk_is_offered_connected_used_and_closed(string disk, string barrier, string flush, string queues, int ringOrder)
    {
        Attach(1, disk);
        _store.WaitFor(Back(1, "state"), "2");
        Assert.Equal(
            (barrier, flush, queues, "16384", "512", "0", "256", "4", "1"),
            (At("feature-barrier"), At("feature-flush-cache"), At("multi-queue-max-queues"), At("sectors"), At("sector-size"), At("info"),
                At("feature-max-indirect-segments"), At("max-ring-page-order"), At("feature-discard")));
        TestGuest guest = Connect(1, ringOrder);
        WriteAndRead(guest.Ring);
        Assert.Equal(0, Call(guest.Ring, () => guest.Ring.Add(BlkifAbi.FlushDiskcache, 5, 0, 0, 0)));
        Assert.Equal(barrier == "1" ? 0 : -2, Call(guest.Ring, () => guest.Ring.Add(BlkifAbi.WriteBarrier, 6, 0, 0, 1)));
        Assert.Equal(disk, Assert.Single(_xen.Connections).Disk);

        _store[Front(1, "state")] = "5";
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");

        // And once more, as a guest that starts another kernel does.
        _store[Front(1, "state")] = "1";
        _store.WaitFor(Back(1, "state"), "2");
        WriteAndRead(Connect(1, ringOrder).Ring);
        Assert.Empty(_store.Errors);

        string? At(string node) => _store[Back(1, node)];
    }

    private void WriteAndRead(RingClient ring)
    {
        foreach (int pages in (int[])[1, 11, 256])
        {
            new Random(pages).NextBytes(ring.Data(0, pages * 4096));
            byte[] expected = ring.Data(0, pages * 4096).ToArray();
            Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Write, 7, 4 << 20, 0, pages, 290)));
            ring.Data(0, pages * 4096).Clear();
            Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Read, 8, 4 << 20, 0, pages, 290)));
            Assert.True(expected.AsSpan().SequenceEqual(ring.Data(0, pages * 4096)), $"{pages} pages differ");
        }
    }

    private static short Call(RingClient ring, Action add)
    {
        add();
        ring.Send();
        Assert.True(ring.Wait(Timeout), "no answer");
        Assert.True(ring.TryTake(out RingResponse response));
        return response.Status;
    }

    private void StartBackend()
    {
        _xen = new VbdServer(
            new VbdOptions("scheduler", _store.Path, 8, 4), _service.FindForDomain, new ConnectionNumbers(), NullLogger<VbdServer>.Instance, _hypervisor);
        _xen.Start();
    }

    private static string Back(int domain, string node) => $"backend/scheduler/{domain}/{Device}/{node}";

    private static string Front(int domain, string node) => $"/local/domain/{domain}/device/vbd/{Device}/{node}";

    // As a toolstack does it.
    private void Attach(int domain, string disk, string mode = "w")
    {
        string number = domain.ToString(CultureInfo.InvariantCulture);
        _store[$"/local/domain/{domain}"] = "";
        _store[$"/local/domain/{domain}/name"] = $"guest{domain}";
        _store[$"/local/domain/{domain}/vm"] = "/vm/0a1b2c3d-0000-0000-0000-000000000001";
        _store[Front(domain, "backend")] = Back(domain, "")[..^1];
        _store[Front(domain, "state")] = "1";
        _store[Back(domain, "frontend")] = Front(domain, "")[..^1];
        _store[Back(domain, "frontend-id")] = number;
        _store[Back(domain, "params")] = disk;
        _store[Back(domain, "mode")] = mode;
        _store[Back(domain, "online")] = "1";
        _store[Back(domain, "state")] = "1";
    }

    // As a front end does it.
    private TestGuest Connect(int domain, int ringOrder)
    {
        TestGuest guest = new((ushort)domain, (uint)(_guests.Count + 1), ringOrder);
        _guests.Add(guest);
        _hypervisor.Add(guest);
        if (ringOrder > 0)
            _store[Front(domain, "ring-page-order")] = ringOrder.ToString(CultureInfo.InvariantCulture);
        foreach ((string node, string value) in guest.Nodes())
            _store[Front(domain, node)] = value;
        _store[Front(domain, "protocol")] = "x86_64-abi";
        _store[Front(domain, "state")] = "3";
        _store.WaitFor(Back(domain, "state"), "4");
        _store[Front(domain, "state")] = "4";
        return guest;
    }
}
