using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;
using Scheduler.Xen.Server;

namespace Scheduler.Host.Tests.Running;

/// <summary>Rings in shared memory of a running service, with guests that behave and guests that don't.</summary>
public sealed class RingServiceTests : IAsyncLifetime
{
    private const int Timeout = 20_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();
    private readonly RecordedLog _log = new();
    private Service _service = null!;
    private bool _stopped;

    private string Socket => Path.Combine(_directory, "rings.sock");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_service is not null)
        {
            if (!_stopped)
                _ = await _service.StopAsync();
            await _service.DisposeAsync();
        }

        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task What_is_written_is_read_however_its_pages_lie(int ringOrder)
    {
        await StartAsync();
        using RingClient guest = RingClient.Connect(Socket, "d", ringOrder, 300);
        Assert.Equal((8L << 20, "1", "0"), (guest.Size, guest.Nodes["feature-barrier"], guest.Nodes["feature-flush-cache"]));
        new Random(1).NextBytes(guest.Data(0, 256 * 4096));

        // 4 KiB, 44 KiB, and 1 MiB with a page of segments.
        foreach (int pages in (int[])[1, 11, 256])
        {
            Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.Write, 7, 4 << 20, 0, pages, 290)));
            byte[] expected = guest.Data(0, pages * 4096).ToArray();
            guest.Data(0, pages * 4096).Clear();
            Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.Read, 8, 4 << 20, 0, pages, 290)));
            Assert.True(expected.AsSpan().SequenceEqual(guest.Data(0, pages * 4096)), $"{pages} pages differ");
        }

        // Two sectors of one page and three of another, read back in one piece.
        byte[] scattered = Entry(BlkifAbi.Write, 9, 64, (3, 6, 7), (9, 1, 3));
        byte[] wanted = [.. guest.Data(3, 4096)[3072..], .. guest.Data(9, 4096)[512..2048]];
        Assert.Equal(0, Call(guest, () => guest.Add(scattered)));
        Assert.Equal(0, Call(guest, () => guest.Add(Entry(BlkifAbi.Read, 10, 64, (20, 0, 4)))));
        Assert.Equal(wanted, guest.Data(20, 2560).ToArray());
        guest.Data(20, 2560).Clear();
        Assert.Equal(0, Call(guest, () => guest.Add(Entry(BlkifAbi.Read, 11, 64, (20, 1, 2), (30, 3, 5)))));
        byte[] again = [.. guest.Data(20, 4096)[512..1536], .. guest.Data(30, 4096)[1536..3072]];
        Assert.Equal(wanted, again);
    }

    [SkippableFact]
    public async Task A_guest_can_not_send_descriptors()
    {
        Skip.If(Environment.OSVersion.Version < new Version(6, 16), "before Linux 6.16 a Unix socket takes descriptors from anybody");
        await StartAsync();
        using System.Net.Sockets.Socket guest = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        guest.Connect(new UnixDomainSocketEndPoint(Socket));
        using FileStream file = File.OpenRead("/dev/null");
        Assert.False(RingCalls.Send((int)guest.Handle, "disk=d\n"u8, (int)file.SafeFileHandle.DangerousGetHandle()));
        Assert.True(RingCalls.Send((int)guest.Handle, "disk=d\n"u8, -1));
    }

    [Fact]
    public async Task Barriers_flushes_and_discards_are_carried_out_and_a_full_ring_is_answered()
    {
        await StartAsync();
        using RingClient guest = RingClient.Connect(Socket, "d", 1);
        for (ulong id = 0; !guest.IsFull; id++)
        {
            byte operation = (id % 5) switch { 0 => BlkifAbi.Read, 3 => BlkifAbi.WriteBarrier, 4 => BlkifAbi.FlushDiskcache, _ => BlkifAbi.Write };
            guest.Add(operation, id, (long)(id % 50) * 4096, (int)id, operation == BlkifAbi.FlushDiskcache || id % 10 == 3 ? 0 : 1);
        }

        guest.Send();
        HashSet<ulong> answered = [];
        while (answered.Count < 64)
        {
            Assert.True(guest.Wait(Timeout));
            while (guest.TryTake(out RingResponse response))
            {
                Assert.Equal(0, response.Status);
                Assert.True(answered.Add(response.Id));
            }
        }

        byte[] discard = Entry(BlkifAbi.Discard, 99, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(discard.AsSpan(24), 16);
        Assert.Equal(0, Call(guest, () => guest.Add(discard)));
        Assert.Equal(-1, Call(guest, () => guest.Add(BlkifAbi.Write, 1, 8 << 20, 0, 1)));
        Assert.Equal(-2, Call(guest, () => guest.Add(Entry(77, 1, 0))));
        Assert.Equal(1, Assert.Single(_service.Connections).Id);
    }

    [Fact]
    public async Task F2_A_flush_on_one_ring_covers_what_was_answered_on_another_of_its_disk()
    {
        await StartAsync();
        using RingClient writer = RingClient.Connect(Socket, "plain");
        using RingClient flusher = RingClient.Connect(Socket, "plain");
        VolumeStatus status = _service.Volumes[0].Status;
        Assert.Equal(0, Flush());
        for (int i = 0; i < 3; i++)
        {
            // F4: without the write there is nothing to flush.
            Assert.Equal(0, Call(writer, () => writer.Add(BlkifAbi.Write, 1, 0, 0, 1)));
            long before = status.DeviceFlushes;
            Assert.Equal((0, before + 1), (Flush(), status.DeviceFlushes));
            Assert.Equal((0, before + 1), (Flush(), status.DeviceFlushes));
        }

        short Flush() => Call(flusher, () => flusher.Add(BlkifAbi.FlushDiskcache, 2, 0, 0, 0));
    }

    [Fact]
    public async Task O5_A_barrier_on_a_disk_that_offers_none_is_not_supported_and_a_flush_is()
    {
        await StartAsync();
        using RingClient guest = RingClient.Connect(Socket, "plain");
        Assert.Equal(("0", "1"), (guest.Nodes["feature-barrier"], guest.Nodes["feature-flush-cache"]));
        Assert.Equal(-2, Call(guest, () => guest.Add(BlkifAbi.WriteBarrier, 1, 0, 0, 1)));
        Assert.Equal(-2, Call(guest, () => guest.Add(BlkifAbi.WriteBarrier, 1, 0, 0, 0)));
        Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.FlushDiskcache, 1, 0, 0, 0)));
        Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.FlushDiskcache, 1, 0, 0, 1)));
    }

    [Fact]
    public async Task O2_A_flush_with_data_keeps_its_place_before_a_barrier()
    {
        await StartAsync("device = faulty, faulty { service-time = 20ms, parallel = 8, flush-time = 20ms }");
        using RingClient guest = RingClient.Connect(Socket, "d");
        guest.Add(BlkifAbi.FlushDiskcache, 0, 0, 0, 1);
        guest.Add(BlkifAbi.WriteBarrier, 1, 4096, 1, 1);
        guest.Add(BlkifAbi.Write, 2, 8192, 2, 1);
        guest.Send();
        List<ulong> order = [];
        while (order.Count < 3)
        {
            Assert.True(guest.Wait(Timeout));
            while (guest.TryTake(out RingResponse response))
                order.Add(response.Id);
        }

        Assert.Equal([0, 1, 2], order);
    }

    [Theory]
    [InlineData(33u)]
    [InlineData(uint.MaxValue)]
    [InlineData(0x80000000)]
    public async Task A_producer_that_jumps_ends_its_ring_alone(uint producer)
    {
        await StartAsync();
        using RingClient good = RingClient.Connect(Socket, "d");
        using RingClient bad = RingClient.Connect(Socket, "other");
        bad.Index(BlkifAbi.RequestProducerAt) = producer;
        bad.RingBell();
        Assert.False(bad.Wait(Timeout));
        Assert.True(bad.IsClosed);
        await Until(() => _service.BuffersInUse("g1") == 0 && _service.Connections.Count == 1);
        Assert.Single(_log.Lines, line => line.Contains("disk other: closed: its ring is broken: the producer", StringComparison.Ordinal));
        Assert.Equal(0, Call(good, () => good.Add(BlkifAbi.Write, 1, 0, 0, 1)));
        using RingClient again = RingClient.Connect(Socket, "other");
        Assert.Equal(0, Call(again, () => again.Add(BlkifAbi.Read, 1, 0, 0, 1)));
    }

    [Fact]
    public async Task A_guest_that_takes_no_responses_and_rings_all_the_time_harms_nobody()
    {
        await StartAsync();
        using RingClient good = RingClient.Connect(Socket, "d");
        using RingClient bad = RingClient.Connect(Socket, "other");

        // Over and over the whole ring, of nonsense, which what was answered there is as a request, and of reads; it looks at nothing.
        const int Rounds = 200, Reads = 16;
        uint producer = 0;
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < Reads; i++)
            {
                int at = BlkifAbi.EntriesAt + (2 * i * BlkifAbi.EntryBytes);
                Entry(BlkifAbi.Read, (ulong)i, (ulong)i * 8, ((uint)i, 0, 7)).CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.As<uint, byte>(ref bad.Index(at)), BlkifAbi.EntryBytes));
            }

            producer += 32;
            bad.Index(BlkifAbi.RequestProducerAt) = producer;
            bad.RingBell();
            if (round % 10 == 0)
                Assert.Equal(0, Call(good, () => good.Add(BlkifAbi.Write, 1, 0, 0, 1)));
            Assert.True(SpinWait.SpinUntil(() => bad.Index(BlkifAbi.ResponseProducerAt) == producer, Timeout));
        }

        Assert.Equal(0, Call(good, () => good.Add(BlkifAbi.Read, 1, 0, 0, 1)));
        Assert.Empty(_service.Problems());

        VolumeStatus status = _service.Volumes[0].Status;
        Assert.Equal(Rounds * Reads, status.Requests(status.Guests.ToList().IndexOf("g1"), VolumeStatus.OpNames.ToList().IndexOf("read")));
    }

    [Fact]
    public async Task A_guest_that_goes_in_the_middle_leaves_nothing_behind()
    {
        await StartAsync("device = faulty, faulty { service-time = 300ms, parallel = 4, flush-time = 1ms }");
        using (RingClient guest = RingClient.Connect(Socket, "d"))
        {
            for (ulong id = 0; id < 16; id++)
                guest.Add(id % 2 == 0 ? BlkifAbi.Read : BlkifAbi.WriteBarrier, id, (long)id * 4096, (int)id, 1);
            guest.Add(Entry(BlkifAbi.Read, 17, 0, (3, 6, 7), (9, 1, 3)));
            guest.Send();
            await Until(() => _service.Volumes[0].Status.InFlight > 0);
        }

        await Until(() => _service.Connections.Count == 0);
        await Until(() => _service.Volumes[0].Status is { Rings: 0, InFlight: 0, QueueDepth: 0 });
        await Until(() => _service.BuffersInUse("g0") == 0);
    }

    [Theory]
    [InlineData(BlkifAbi.WriteBarrier, 0, "flush")]
    [InlineData(BlkifAbi.WriteBarrier, 1, "flush")]
    [InlineData(BlkifAbi.WriteBarrier, 1, "write")]
    [InlineData(BlkifAbi.FlushDiskcache, 0, "flush")]
    [InlineData(BlkifAbi.FlushDiskcache, 1, "write")]
    public async Task A_flush_or_a_barrier_that_fails_is_never_answered_for_Linux_would_send_no_more_of_them(byte operation, int pages, string error)
    {
        await StartAsync($"device = faulty, faulty.error = {error}");
        using RingClient guest = RingClient.Connect(Socket, "d");
        if (error == "flush")
            Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.Write, 1, 0, 0, 1)));
        guest.Add(operation, 2, 0, 0, pages);
        guest.Send();
        Assert.False(guest.Wait(Timeout));
        Assert.True(guest.IsClosed);
        await Until(() => _log.Lines.Any(line => line.Contains("disk d: closed: a flush or a barrier has failed (errno 5)", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(BlkifAbi.WriteBarrier, 7ul, 1000u)]
    [InlineData(BlkifAbi.WriteBarrier, 16384ul, 1u)]
    [InlineData(BlkifAbi.FlushDiskcache, 16384ul, 1u)]
    public async Task S1_Nor_is_one_that_is_refused_for_its_pages_or_its_place(byte operation, ulong sector, uint page)
    {
        await StartAsync();
        using RingClient guest = RingClient.Connect(Socket, "d");
        Assert.Equal(-1, Call(guest, () => guest.Add(Entry(BlkifAbi.Write, 1, sector, (page, 0, 7)))));
        guest.Add(Entry(operation, 2, sector, (page, 0, 7)));
        guest.Add(BlkifAbi.Write, 3, 0, 0, 1);
        guest.Send();
        Assert.False(guest.Wait(Timeout));
        Assert.True(guest.IsClosed);
        await Until(() => _log.Lines.Any(line => line.Contains("disk d: closed: a flush or a barrier names pages", StringComparison.Ordinal)));
        using RingClient again = RingClient.Connect(Socket, "d");
        Assert.Equal(0, Call(again, () => again.Add(BlkifAbi.WriteBarrier, 1, 0, 0, 1)));
    }

    [Fact]
    public async Task O6_What_was_sent_behind_a_write_that_fails_ends_with_the_ring_if_it_is_a_barrier_until_the_guest_has_heard_of_it()
    {
        await StartAsync("device = faulty, faulty.error = write");
        using RingClient guest = RingClient.Connect(Socket, "d");
        guest.Add(BlkifAbi.Write, 0, 0, 0, 1);
        guest.Add(BlkifAbi.Read, 1, 65536, 1, 1);
        guest.Send();
        Dictionary<ulong, short> status = [];
        ulong last = 0;
        while (status.Count < 2)
        {
            Assert.True(guest.Wait(Timeout));
            while (guest.TryTake(out RingResponse response))
            {
                status.Add(response.Id, response.Status);
                last = response.Id;
            }
        }

        Assert.Equal((-1, 0), (status[0], status[1]));

        // It has heard, and gives the number that came back last again: nothing before this failed without its knowing, and its flush works.
        Assert.Equal(0, Call(guest, () => guest.Add(BlkifAbi.WriteBarrier, last, 0, 0, 0)));

        // The same, sent together: the barrier fails for the write's sake.
        guest.Add(BlkifAbi.Write, 2, 0, 0, 1);
        guest.Add(BlkifAbi.WriteBarrier, 3, 4096, 0, 0);
        guest.Add(BlkifAbi.Write, 4, 8192, 0, 1);
        guest.Send();
        while (guest.Wait(Timeout))
        {
            while (guest.TryTake(out RingResponse response))
                Assert.Equal((2ul, (short)-1), (response.Id, response.Status));
        }

        Assert.True(guest.IsClosed);
    }

    [Fact]
    public async Task A_guest_that_asks_for_what_there_is_not_hears_why()
    {
        await StartAsync();
        Assert.Contains("there is no disk 'nobody'", Refused(() => RingClient.Connect(Socket, "nobody")), StringComparison.Ordinal);
        Assert.Contains("ring-page-order=7", Refused(() => RingClient.Connect(Socket, "d", 7)), StringComparison.Ordinal);
        Assert.Contains("buffer-memory", Refused(() => RingClient.Connect(Socket, "d", 0, 1 << 15)), StringComparison.Ordinal);
        Assert.Contains("'hello' is not known", Refused(() => RingClient.Greet(Socket, "hello", 0, 256)), StringComparison.Ordinal);
        using RingClient first = RingClient.Connect(Socket, "few");
        Assert.Contains("guest g2 has as many connections", Refused(() => RingClient.Connect(Socket, "few")), StringComparison.Ordinal);
        Assert.Equal(["few"], _service.Connections.Select(view => view.Disk));
    }

    [Fact]
    public async Task A_guest_sees_the_disks_of_the_user_that_it_is()
    {
        uint me = uint.Parse(
            File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2], CultureInfo.InvariantCulture);
        await StartAsync(guests: $"g0 {{ uids = [{me}] }}, g1 {{ uids = [{me + 1}] }}, g2 {{}}");
        using RingClient mine = RingClient.Connect(Socket, "d");
        Assert.Contains("there is no disk 'other'", Refused(() => RingClient.Connect(Socket, "other")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task S3_All_is_answered_when_the_service_stops()
    {
        await StartAsync();
        using RingClient guest = RingClient.Connect(Socket, "d");
        for (ulong id = 0; id < 32; id++)
            guest.Add(id % 8 == 7 ? BlkifAbi.FlushDiskcache : BlkifAbi.WriteBarrier, id, (long)id * 4096, (int)id, id % 8 == 7 ? 0 : 1);
        guest.Send();

        // All of them were taken with the first; what the service never looked at, it need not answer.
        Assert.True(guest.Wait(Timeout));
        _stopped = true;
        Task<bool> stopped = _service.StopAsync();
        int answers = 0;
        while (answers < 32 && guest.Wait(Timeout))
        {
            while (guest.TryTake(out _))
                answers++;
        }

        // But for flushes that came too late, which can't be told otherwise than by the end of the ring.
        Assert.InRange(answers, 28, 32);
        Assert.False(guest.Wait(Timeout));
        Assert.True(guest.IsClosed);
        Assert.True(await stopped);
    }

    private static string Refused(Func<RingClient> connect) => Assert.Throws<IOException>(() => connect().Dispose()).Message;

    private static short Call(RingClient guest, Action add)
    {
        add();
        guest.Send();
        Assert.True(guest.Wait(Timeout), guest.IsClosed ? "the ring is closed" : "no answer");
        Assert.True(guest.TryTake(out RingResponse response));
        return response.Status;
    }

    private static byte[] Entry(byte operation, ulong id, ulong sector, params (uint Grant, byte First, byte Last)[] segments)
    {
        byte[] entry = new byte[BlkifAbi.EntryBytes];
        entry[0] = operation;
        entry[1] = (byte)segments.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), id);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), sector);
        for (int i = 0; i < segments.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(24 + (i * 8)), segments[i].Grant);
            (entry[28 + (i * 8)], entry[29 + (i * 8)]) = (segments[i].First, segments[i].Last);
        }

        return entry;
    }

    private static async Task Until(Func<bool> holds)
    {
        for (int i = 0; i < 2000 && !holds(); i++)
            await Task.Delay(10);
        Assert.True(holds());
    }

    private async Task StartAsync(string volume = "", string guests = "g0 {}, g1 {}, g2 { connections-max = 1 }")
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              rings.listen = "unix:{{Socket}}"
              volumes.v { path = "{{_directory}}/v.img", size = 32MiB, cache = buffered, {{volume}} }
              guests { {{guests}} }
              disks {
                d { volume = v, guest = g0, offset = 0, size = 8MiB, ordered = tag-flush }
                other { volume = v, guest = g1, offset = 8MiB, size = 8MiB, ordered = tag-flush }
                plain { volume = v, guest = g0, offset = 16MiB, size = 8MiB }
                few { volume = v, guest = g2, offset = 24MiB, size = 8MiB }
              }
            }
            """);
        _service = await Service.StartAsync(SettingsLoader.Load(file, []), _telemetry, _log);
    }
}
