using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.FrontEnd;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;
using Scheduler.Xen.Rings;
using Scheduler.Xen.Server;
using Scheduler.Xen.Tests.Vbd;
using Scheduler.Xen.Vbd;

namespace Scheduler.Host.Tests.Running;

/// <summary>
/// Virtual disks of Xen's guests, with a running service, a xenstore of the test's own, and memory of this process in place of
/// domains. What the real ones do is for tests on Xen.
/// </summary>
public sealed partial class VbdServiceTests : IAsyncLifetime
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
    private VbdTimes _times = new();

    /// <summary>A disk that has been taken away.</summary>
    private volatile string? _gone;

    public async Task InitializeAsync()
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              volumes.v { path = "{{_directory}}/v.img", size = 32MiB, cache = buffered }
              volumes.slow { path = "{{_directory}}/s.img", size = 8MiB, cache = buffered, device = faulty, faulty.service-time = 300ms }
              volumes.bad { path = "{{_directory}}/b.img", size = 8MiB, cache = buffered, device = faulty, faulty.error = write }
              guests { g0 {}, g1 {} }
              disks {
                tagged { volume = v, guest = g0, offset = 0, size = 8MiB, ordered = tag-flush }
                plain { volume = v, guest = g0, offset = 8MiB, size = 8MiB }
                through { volume = v, guest = g1, offset = 16MiB, size = 8MiB, ordered = none }
                slow { volume = slow, guest = g0, offset = 0, size = 8MiB, ordered = tag-flush }
                bad { volume = bad, guest = g0, offset = 0, size = 4MiB, ordered = tag-flush }
                bad-plain { volume = bad, guest = g0, offset = 4MiB, size = 4MiB }
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
    [InlineData("tagged", "1", "0", "0", "1", 0)]
    [InlineData("plain", "0", "1", "256", "4", 2)]
    [InlineData("through", "0", "0", "256", "4", 4)]
    public void A_disk_is_offered_connected_used_and_closed(string disk, string barrier, string flush, string indirect, string queues, int ringOrder)
    {
        Attach(1, disk);
        _store.WaitFor(Back(1, "state"), "2");
        Assert.Equal(
            (barrier, flush, queues, "16384", "512", "0", indirect, "4", "1"),
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

    [Fact]
    public void Several_queues_are_rings_of_one_disk()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        TestGuest[] queues = [Guest(1, 1), Guest(1, 1)];
        _store[Front(1, "multi-queue-num-queues")] = "2";
        _store[Front(1, "ring-page-order")] = "1";
        for (int i = 0; i < queues.Length; i++)
        {
            foreach ((string node, string value) in queues[i].Nodes())
                _store[Front(1, $"queue-{i}/{node}")] = value;
        }

        _store[Front(1, "state")] = "3";
        _store.WaitFor(Back(1, "state"), "4");
        Assert.Equal(2, _xen.ConnectionCount);
        queues[0].Ring.Data(3, 4096).Fill(9);
        Assert.Equal(0, Call(queues[0].Ring, () => queues[0].Ring.Add(BlkifAbi.Write, 1, 8192, 3, 1)));
        Assert.Equal(0, Call(queues[1].Ring, () => queues[1].Ring.Add(BlkifAbi.Read, 1, 8192, 5, 1)));
        Assert.Equal(9, queues[1].Ring.Data(5, 4096)[4095]);

        // Its domain ends.
        _store["/local/domain/1"] = null;
        _store.WaitFor(Back(1, "state"), null);
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
        Assert.Empty(Directory.GetFiles(Path.Combine(_directory, "run")));
    }

    [Fact]
    public void S1_A_hostile_ring_gets_errors_or_is_closed_with_a_reason()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Write, 0, (500, 0, 7)))));
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Read, 0, (uint.MaxValue, 0, 7)))));
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Read, 0, (1, 7, 8)))));
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Read, 16384, (1, 0, 0)))));
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Read, ulong.MaxValue, (1, 0, 0)))));
        Assert.Equal(0, Call(ring, () => ring.Add(Entry(BlkifAbi.FlushDiskcache, ulong.MaxValue))));

        // A list of segments that is not there.
        byte[] indirect = Entry(BlkifAbi.Indirect, 0);
        (indirect[1], indirect[2], indirect[28]) = (BlkifAbi.Read, 20, 0xff);
        indirect[29] = 0xff;
        Assert.Equal(-1, Call(ring, () => ring.Add(indirect)));
        Assert.Equal(-2, Call(ring, () => ring.Add(Entry(200, 0))));
        WriteAndRead(ring);

        ring.Index(0) += 1000;
        ring.RingBell();
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("its ring is broken", Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0), (_hypervisor.Maps, _hypervisor.Bound));
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");
    }

    [Fact]
    public void S1_A_barrier_with_a_page_that_is_not_granted_closes_the_disk()
    {
        Attach(1, "tagged");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        Assert.Equal(-1, Call(ring, () => ring.Add(Entry(BlkifAbi.Write, 0, (500, 0, 7)))));
        Assert.Equal(0, Call(ring, () => ring.Add(Entry(BlkifAbi.WriteBarrier, 0, (1, 0, 7)))));
        ring.Add(Entry(BlkifAbi.WriteBarrier, 0, (500, 0, 7)));
        ring.Send();
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("a flush or a barrier names pages that are not there", Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0, false), (_hypervisor.Maps, _hypervisor.Bound, ring.TryTake(out _)));
    }

    [Theory]
    [InlineData(255, 0)]
    [InlineData(500, -1)]
    public void S4_What_a_ring_has_ready_is_copied_in_parts_also_if_it_comes_to_nothing(int lastPage, short status)
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        EventLoop loop = _service.FindForDomain("plain", new VbdDomain("guest1", "")).Disk!.Loop;
        long copied = 0, copiedWhenOthersRan = 0;
        _hypervisor.Copying = bytes =>
        {
            if (copied == 0)
                loop.Post(() => copiedWhenOthersRan = copied);
            copied += bytes;
        };

        // As many of the longest writes as there are entries, with one list of segments.
        for (ulong id = 0; id < 32; id++)
            ring.Add(BlkifAbi.Write, id, 0, 0, 256, 290);
        BinaryPrimitives.WriteInt32LittleEndian(ring.Data(290, 4096)[(255 * BlkifAbi.SegmentBytes)..], lastPage);
        ring.Send();
        for (int answers = 0; answers < 32;)
        {
            Assert.True(ring.Wait(Timeout), "no answer");
            for (; ring.TryTake(out RingResponse response); answers++)
                Assert.Equal(status, response.Status);
        }

        const long ListBytes = 256 * BlkifAbi.SegmentBytes;
        Assert.Equal(32 * (BlkifAbi.TransferBytesMax + ListBytes), copied);
        Assert.InRange(copiedWhenOthersRan, 1, BlkifAbi.TransferBytesMax + ListBytes);
    }

    [Theory]
    [InlineData("params", null, "does not name a disk")]
    [InlineData("params", "nothing", "there is no disk 'nothing'")]
    public void A_backend_without_a_disk_is_closed_with_the_reason(string node, string? value, string reason)
    {
        Attach(1, "plain", nodes: (node, value));
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains(reason, Assert.Single(_store.Errors), StringComparison.Ordinal);
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");

        // What was wrong is put right, and the guest begins anew.
        _store[Back(1, "params")] = "plain";
        _store[Front(1, "state")] = "1";
        _store.WaitFor(Back(1, "state"), "2");
        Assert.Empty(_store.Errors);
        WriteAndRead(Connect(1, 0).Ring);
    }

    [Theory]
    [InlineData("ring-ref", "abc", "ring-ref = 'abc' is not a number")]
    [InlineData("ring-ref", "5", "not granted")]
    [InlineData("event-channel", "99", "event channel 99 of domain 1 can't be bound")]
    [InlineData("event-channel", null, "has not written event-channel")]
    [InlineData("ring-page-order", "7", "ring-page-order = '7'")]
    [InlineData("multi-queue-num-queues", "5", "multi-queue-num-queues = '5'")]
    [InlineData("protocol", "x86_32-abi", "protocol = 'x86_32-abi'")]
    public void A_front_end_that_writes_nonsense_is_closed_with_the_reason(string node, string? value, string reason)
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        foreach ((string good, string number) in Guest(1, 0).Nodes())
            _store[Front(1, good)] = number;
        _store[Front(1, node)] = value;
        _store[Front(1, "state")] = "3";
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains(reason, Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
    }

    [Fact]
    public async Task A_disk_that_grows_is_announced_and_used()
    {
        await Put(new CatalogDisk { Name = "grows", Volume = "v", Guest = "g1", Offset = 24 << 20, Size = 4 << 20 });
        Attach(1, "grows");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        Assert.Equal(-1, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 6 << 20, 0, 1)));
        await Put(_service.Catalog.State.Find<CatalogDisk>("grows")! with { Size = 8 << 20 });
        _xen.DisksChanged();
        _store.WaitFor(Back(1, "sectors"), "16384");
        ring.Data(0, 4096).Fill(5);
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 6 << 20, 0, 1)));
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Read, 1, 6 << 20, 1, 1)));
        Assert.Equal(5, ring.Data(1, 4096)[0]);
    }

    [Fact]
    public async Task A_domain_gets_no_disk_of_another_guest_as_soon_as_one_has_an_identity()
    {
        await Put(new CatalogIdentity { Name = "i", Type = CatalogIdentityType.XenDomain, Value = "guest1", Guest = "g1" });
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("there is no disk 'plain'", Assert.Single(_store.Errors), StringComparison.Ordinal);
        _store[Back(1, "params")] = "through";
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");
        _store[Front(1, "state")] = "1";
        _store.WaitFor(Back(1, "state"), "2");
    }

    [Fact]
    public void A_disk_that_is_attached_for_reading_is_not_written_to()
    {
        Attach(1, "plain", nodes: ("mode", "r"));
        _store.WaitFor(Back(1, "state"), "2");
        Assert.Equal("4", _store[Back(1, "info")]);
        RingClient ring = Connect(1, 0).Ring;
        Assert.Equal(-1, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 0, 0, 1)));
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Read, 1, 0, 0, 1)));
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.FlushDiskcache, 1, 0, 0, 0)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_guest_goes_on_with_the_next_backend(bool abrupt)
    {
        Attach(1, "tagged");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        HashSet<ulong> answered = [];
        ulong restartedAt = ulong.MaxValue;
        for (ulong id = 0; id < 300;)
        {
            while (!ring.IsFull && id < 300)
            {
                ring.Data((int)(id % 200), 4096).Fill((byte)id);
                ring.Add(id % 3 == 0 ? BlkifAbi.WriteBarrier : BlkifAbi.Write, id, (long)id * 4096, (int)(id % 200), 1);
                id++;
            }

            ring.Send();
            if (id % 7 == 0 && id != restartedAt)
            {
                restartedAt = id;
                Restart(abrupt);
            }

            Assert.True(ring.Wait(Timeout), $"{answered.Count} answers; {string.Join(", ", _store.Errors)}");
            Take();
        }

        while (answered.Count < 300)
        {
            Assert.True(ring.Wait(Timeout), $"{answered.Count} answers; {string.Join(", ", _store.Errors)}");
            Take();
        }

        for (ulong id = 0; id < 300; id++)
        {
            Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Read, id, (long)id * 4096, 250, 1)));
            Assert.Equal((byte)id, ring.Data(250, 4096)[7]);
        }

        Assert.Equal("4", _store[Back(1, "state")]);
        Assert.Empty(_store.Errors);

        void Take()
        {
            while (ring.TryTake(out RingResponse response))
            {
                Assert.Equal(0, response.Status);
                Assert.True(answered.Add(response.Id), $"{response.Id} is answered twice");
            }
        }
    }

    [Fact]
    public void A_guest_that_was_offered_indirect_requests_beside_barriers_goes_on_with_them()
    {
        Attach(1, "tagged");
        _store.WaitFor(Back(1, "state"), "2");
        _store[Back(1, "feature-max-indirect-segments")] = "256";
        RingClient ring = Connect(1, 0).Ring;
        WriteAndRead(ring);
        Restart(abrupt: false);
        WriteAndRead(ring);
        Assert.Equal(("4", "256"), (_store[Back(1, "state")], _store[Back(1, "feature-max-indirect-segments")]));
        Assert.Empty(_store.Errors);
    }

    [Fact]
    public void O6_A_request_that_was_refused_keeps_no_ring_with_requests_under_way_from_going_on()
    {
        Attach(1, "slow");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        Assert.Equal(-1, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 8 << 20, 0, 1)));
        ring.Add(BlkifAbi.Write, 2, 0, 0, 1);
        ring.Send();
        Wait(() => _service.Volumes.Any(volume => volume.Status.InFlight > 0));
        Restart(abrupt: true);
        Assert.True(ring.Wait(Timeout), string.Join(", ", _store.Errors));
        Assert.True(ring.TryTake(out RingResponse response));
        Assert.Equal((2ul, (short)0), (response.Id, response.Status));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void O6_A_ring_whose_guest_was_told_of_a_failure_goes_on_if_it_had_heard_of_it(bool hears)
    {
        Attach(1, "bad");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        ring.Add(BlkifAbi.Write, 1, 0, 0, 1);
        ring.Send();
        Wait(() => ring.Index(BlkifAbi.ResponseProducerAt) == 1);
        if (hears)
        {
            Assert.True(ring.TryTake(out RingResponse response));
            Assert.Equal(-1, response.Status);
            Assert.False(ring.Wait(0));
            Restart(abrupt: false);
            _store.WaitFor(Back(1, "state"), "4");
            Wait(() => _xen.ConnectionCount == 1);
            Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.WriteBarrier, 1, 0, 0, 0)));
            return;
        }

        // This barrier is to fail for the write's sake, and only the process that is gone knew.
        Stop(abrupt: false);
        ring.Add(BlkifAbi.WriteBarrier, 2, 0, 0, 0);
        ring.Send();
        StartBackend();
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("a write had failed", Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0, 1u), (_hypervisor.Maps, _hypervisor.Bound, ring.Index(BlkifAbi.ResponseProducerAt)));
    }

    [Fact]
    public void A_disk_without_barriers_goes_on_whatever_has_failed()
    {
        Attach(1, "bad-plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        ring.Add(BlkifAbi.Write, 1, 0, 0, 1);
        ring.Send();
        Wait(() => ring.Index(BlkifAbi.ResponseProducerAt) == 1);
        Stop(abrupt: false);
        ring.Add(BlkifAbi.FlushDiskcache, 2, 0, 0, 0);
        ring.Send();
        StartBackend();
        Wait(() => ring.Index(BlkifAbi.ResponseProducerAt) == 2);
        Assert.Empty(_store.Errors);
    }

    [Fact]
    public void A_backend_that_knows_nothing_of_a_ring_closes_it()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        _ = Connect(1, 0);
        _xen.Dispose();
        Wait(() => _xen.ConnectionCount == 0);
        Directory.Delete(Path.Combine(_directory, "run"), recursive: true);
        StartBackend();
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("is not known", Assert.Single(_store.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void S3_A_ring_without_barriers_goes_on_with_its_volumes_next_scheduler()
    {
        LocalSystem system = new(NullLogger<LocalSystem>.Instance);
        _xen.Dispose();
        StartBackend((name, domain) =>
        {
            RingDisk disk = _service.FindForDomain(name, domain).Disk!;
            LoopDispatcher dispatcher = new(disk.Loop);
            if (system.Actors.Count == 0)
            {
                _ = disk.StartRing(new Props(() => new Lookup(next => system.Register("next", next))));
                system.Register("v", system.ActorOf(new Props(() => new FirstOwner(() => system.Register("v", system.Resolve("next")))), "first", dispatcher));
            }

            return new RingDiskLookup(
                disk with { ReattachMax = TimeSpan.FromMilliseconds(Timeout), StartRing = props => system.ActorOf(props, "ring", dispatcher) }, "");
        });
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        ring.Data(0, 4096).Fill(3);
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.FlushDiskcache, 1, 0, 0, 1)));
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Read, 1, 0, 1, 1)));
        Assert.Equal(3, ring.Data(1, 4096)[0]);
        Assert.Empty(_store.Errors);
    }

    [Fact]
    public void Rings_go_on_while_xenstore_is_away_and_changes_are_seen_afterwards()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        _store.BreakConnections();
        WriteAndRead(ring);
        Attach(2, "through");
        _store.WaitFor(Back(2, "state"), "2");
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");
    }

    [Fact]
    public void An_operator_who_closes_a_ring_closes_the_disk()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        _ = Connect(1, 0);
        Assert.Equal(1, _xen.Close(view => view.Disk == "plain", "an operator has disconnected it"));
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("an operator", Assert.Single(_store.Errors), StringComparison.Ordinal);
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

    private void StartBackend(Func<string, VbdDomain, RingDiskLookup>? find = null)
    {
        _xen = new VbdServer(
            new VbdOptions("scheduler", _store.Path, 8, 4, Path.Combine(_directory, "run")), find ?? Find, new ConnectionNumbers(), NullLogger<VbdServer>.Instance, _hypervisor, _times);
        _xen.Start();
    }

    private void Restart(bool abrupt)
    {
        Stop(abrupt);
        StartBackend();
    }

    private void Stop(bool abrupt)
    {
        _xen.StopAccepting();
        if (abrupt)
            _ = _xen.Close(_ => true, "the test");
        Wait(() => _xen.ConnectionCount == 0);
        _xen.Dispose();
    }

    private RingDiskLookup Find(string disk, VbdDomain domain) =>
        disk == _gone ? new RingDiskLookup(null, $"disk '{disk}' is gone") : _service.FindForDomain(disk, domain);

    private static string Back(int domain, string node) => $"backend/scheduler/{domain}/{Device}/{node}";

    private static string Front(int domain, string node) => $"/local/domain/{domain}/device/vbd/{Device}/{node}";

    // As a toolstack does it.
    private void Attach(int domain, string disk, params (string Node, string? Value)[] nodes)
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
        _store[Back(domain, "mode")] = "w";
        _store[Back(domain, "online")] = "1";
        foreach ((string node, string? value) in nodes)
            _store[Back(domain, node)] = value;
        _store[Back(domain, "state")] = "1";
    }

    // As a front end does it.
    private TestGuest Connect(int domain, int ringOrder)
    {
        TestGuest guest = Guest(domain, ringOrder);
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

    private TestGuest Guest(int domain, int ringOrder)
    {
        TestGuest guest = new((ushort)domain, (uint)(_guests.Count + 1), ringOrder);
        _guests.Add(guest);
        _hypervisor.Add(guest);
        return guest;
    }

    private static byte[] Entry(byte operation, ulong sector, params (uint Grant, byte First, byte Last)[] segments)
    {
        byte[] entry = new byte[BlkifAbi.EntryBytes];
        entry[0] = operation;
        entry[1] = (byte)segments.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), sector);
        for (int i = 0; i < segments.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(24 + (i * 8)), segments[i].Grant);
            (entry[28 + (i * 8)], entry[29 + (i * 8)]) = (segments[i].First, segments[i].Last);
        }

        return entry;
    }

    private static void Wait(Func<bool> holds) => Assert.True(SpinWait.SpinUntil(holds, Timeout));

    private async Task Put(CatalogEntity entity)
    {
        CatalogAnswer answer = await _service.Catalog.ChangeAsync(new PutEntity(entity, "tester"));
        Assert.True(answer.Refusal is null, answer.Refusal?.Reason);
    }

    /// <summary>Says which the volume's scheduler is.</summary>
    private sealed class Lookup(Action<ActorRef> found) : Actor
    {
        public override void PreStart() => found(Context.Resolve("v"));

        public override void Receive(object message)
        {
        }
    }

    /// <summary>A volume's scheduler that dies with the first requests that it is sent.</summary>
    private sealed class FirstOwner(Action dies) : Actor
    {
        public override void Receive(object message)
        {
            if (message is Attach attach)
            {
                Sender!.Tell(new Attached(Self, 1, attach.Credits), Self);
            }
            else if (message is RequestBatch)
            {
                dies();
                Context.Stop(Self);
            }
        }
    }
}
