using System.Collections.Concurrent;
using System.Diagnostics;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Cluster.Link;
using Scheduler.Storage;

namespace Scheduler.Cluster.Tests.Link;

/// <summary>Rings of one node on a volume of another, over loopback.</summary>
public sealed class LinkTests
{
    [Fact]
    public async Task What_is_written_is_read_and_every_request_is_answered()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        byte[] small = Bytes(1, 4096);
        byte[] large = Bytes(2, 1 << 20);
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 8192, small));
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 1 << 20, large, RingFlags.Fua));
        Assert.Equal(0, await ring.SendAsync(0, RingOp.Flush).WaitAsync(TestTime.Max));
        Assert.Equal(small, await ring.ReadAsync(8192, small.Length));
        Assert.Equal(large, await ring.ReadAsync(1 << 20, large.Length));

        Assert.Equal(0, await ring.SendAsync(0, RingOp.Zero, (1 << 20) + 4096, 8192, RingFlags.NoHole).WaitAsync(TestTime.Max));
        Assert.Equal(0, await ring.SendAsync(0, RingOp.Discard, 8192, 4096).WaitAsync(TestTime.Max));
        Assert.Equal(0, await ring.SendAsync(0, RingOp.Prefetch, 0, 1 << 20).WaitAsync(TestTime.Max));
        large.AsSpan(4096, 8192).Clear();
        Assert.Equal(large, await ring.ReadAsync(1 << 20, large.Length));

        Assert.Equal(0, await ring.SendAsync(3, RingOp.Status, 4096, 1 << 20).WaitAsync(TestTime.Max));
        Assert.Equal(1, AllocationMap.Count(ring.Memory.Buffer(3)));
        Assert.Equal((1 << 20, false), AllocationMap.Run(ring.Memory.Buffer(3), 0));
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task Many_requests_of_several_rings_are_under_way_at_once()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing[] rings = [await rig.OpenAsync(64), await rig.OpenAsync(64), await rig.OpenAsync(3)];
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async worker =>
        {
            // Each worker has its own part of the disk.
            Random random = new(worker);
            TestRing ring = rings[worker % rings.Length];
            const int bytes = 512 << 10;
            byte[] model = new byte[bytes];
            for (int i = 0; i < 40; i++)
            {
                int length = 512 * random.Next(1, random.Next(2, 400));
                int at = 512 * random.Next(0, (bytes - length) / 512);
                if (random.Next(2) == 0)
                {
                    random.NextBytes(model.AsSpan(at, length));
                    Assert.Equal(0, await ring.DoAsync(RingOp.Write, ((long)worker * bytes) + at, model[at..(at + length)]));
                }
                else
                {
                    Assert.Equal(model[at..(at + length)], await ring.ReadAsync(((long)worker * bytes) + at, length));
                }
            }
        }));
        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0, "all buffers are back");
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task S1_What_is_not_on_the_disk_is_the_guests_mistake_alone()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        Assert.Equal(Errno.EINVAL, await ring.DoAsync(RingOp.Write, LinkRig.DiskBytes - 4096, new byte[8192]));
        Assert.Equal(Errno.EINVAL, await ring.DoAsync(RingOp.Read, 100, new byte[512]));
        Assert.Equal(Errno.EINVAL, await ring.SendAsync(0, RingOp.Discard, 0, LinkRig.DiskBytes + 512).WaitAsync(TestTime.Max));
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, LinkRig.DiskBytes - 4096, new byte[4096]));
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task A_scheduler_that_fails_is_gone_to_its_rings()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Write);
        _ = ring.SendAsync(2, RingOp.Write, 0, 4096);
        await TestTime.Until(() => rig.Device.Held == 1, "the write is on the device");
        LocalSystem.Stop(rig.Volume);
        Assert.Equal("the scheduler of volume v-1 has stopped", await ring.Closed.WaitAsync(TestTime.Max));
        Assert.Equal([2], ring.Unanswered);
        await ring.Memory.Returned.WaitAsync(TestTime.Max);
        Assert.Equal(4096, rig.Server.UsedBufferBytes);
        rig.Device.LetGo();
        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0, "the owner's buffer is back");
    }

    [Fact]
    public async Task F6_A_volume_that_disconnects_its_rings_reaches_them_as_it_says()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing idle = await rig.OpenAsync();
        TestRing busy = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Read);
        _ = busy.SendAsync(1, RingOp.Read, 0, 4096);
        await TestTime.Until(() => rig.Device.Held == 1, "the read is on the device");
        rig.Volume.Tell(StopVolume.Instance);
        rig.Device.LetGo();
        Assert.Equal("volume v has stopped", await idle.Closed.WaitAsync(TestTime.Max));
        Assert.Equal("volume v has stopped", await busy.Closed.WaitAsync(TestTime.Max));

        // It was answered before.
        Assert.Empty(busy.Unanswered);
        await Task.WhenAll(idle.Memory.Returned, busy.Memory.Returned).WaitAsync(TestTime.Max);
    }

    [Fact]
    public async Task A_link_that_is_cut_gives_all_memory_back_on_both_sides()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Write, DeviceOp.Read);
        _ = ring.SendAsync(0, RingOp.Write, 0, 1 << 20);
        _ = ring.SendAsync(1, RingOp.Read, 1 << 20, 1 << 20);
        await TestTime.Until(() => rig.Device.HeldBytes == 2 << 20, "both are on the device");
        await rig.Clients.StopAsync();
        Assert.Equal("the scheduler of volume v-1 has stopped", await ring.Closed.WaitAsync(TestTime.Max));
        Assert.Equal([0, 1], ring.Unanswered);
        await ring.Memory.Returned.WaitAsync(TestTime.Max);
        Assert.Equal(2 << 20, rig.Server.UsedBufferBytes);
        rig.Device.LetGo();
        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0, "the owner's buffers are back");
    }

    [Fact]
    public async Task S3_A_ring_attaches_anew_when_the_device_has_given_back_all_of_it()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Write);
        _ = ring.SendAsync(0, RingOp.Write, 0, 4096);
        await TestTime.Until(() => rig.Device.Held == 1, "the write is on the device");

        // The ring's node lost its way, and asks again; then once more.
        Task<LinkTicket> again = rig.Server.OfferAsync(rig.Setup(1));
        _ = await ring.Closed.WaitAsync(TestTime.Max);
        using CancellationTokenSource impatient = new();
        Task<LinkTicket> third = rig.Server.OfferAsync(rig.Setup(1), impatient.Token);
        LinkTicket other = await rig.Server.OfferAsync(rig.Setup(99)).WaitAsync(TestTime.Max);
        Assert.Equal(1, other.Epoch);
        await impatient.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        Task<LinkTicket> fourth = rig.Server.OfferAsync(rig.Setup(1));

        // None of them may be offered.
        await Task.Delay(50);
        Assert.False(again.IsCompletedSuccessfully);
        Assert.False(fourth.IsCompleted);
        rig.Device.LetGo();
        Assert.Equal(8, (await fourth.WaitAsync(TestTime.Max)).Credits);
        LinkRefusedException refused = await Assert.ThrowsAsync<LinkRefusedException>(() => again);
        Assert.True(refused.Again);
    }

    [Fact]
    public async Task A_guest_that_goes_leaves_the_owner_what_the_device_has()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Write);
        _ = ring.SendAsync(0, RingOp.Write, 0, 1 << 20);
        await TestTime.Until(() => rig.Device.Held > 0, "the write is on the device");
        ring.Close();
        _ = await ring.Closed.WaitAsync(TestTime.Max);
        await ring.Memory.Returned.WaitAsync(TestTime.Max);
        Task<LinkTicket> again = rig.Server.OfferAsync(rig.Setup(1));
        Assert.Equal(1 << 20, rig.Server.UsedBufferBytes);
        await Task.Delay(20);
        Assert.False(again.IsCompleted);
        rig.Device.LetGo();
        _ = await again.WaitAsync(TestTime.Max);
        Assert.Equal(0, rig.Server.UsedBufferBytes);
    }

    [Fact]
    public async Task A_ring_that_may_go_on_is_answered_by_the_next_scheduler()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync(reattachMax: TimeSpan.FromSeconds(20));
        byte[] data = Bytes(7, 4096);
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 0, data));
        ActorRef old = rig.Volume;
        rig.StartVolume(2);
        LocalSystem.Stop(old);
        Assert.Equal(data, await ring.ReadAsync(0, 4096));
        byte[] more = Bytes(8, 1 << 20);
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 4096, more));
        Assert.Equal(more, await ring.ReadAsync(4096, more.Length));
        Assert.False(ring.Closed.IsCompleted);
    }

    [Fact]
    public async Task F6_A_ring_that_has_come_through_a_clearing_goes_on_with_the_next_scheduler_and_one_that_has_not_ends()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync(reattachMax: TimeSpan.FromSeconds(20));
        Assert.Equal(0, await ring.SendAsync(0, RingOp.Flush).WaitAsync(TestTime.Max));

        // What a sync loses is another disk's.
        TestRing other = await rig.OpenAsync(reattachMax: TimeSpan.FromSeconds(20), disk: "y");
        Assert.Equal(0, await other.DoAsync(RingOp.Write, 0, new byte[4096]));
        rig.Device.FailsSyncs = true;
        Assert.Equal(Errno.EIO, await other.SendAsync(0, RingOp.Flush).WaitAsync(TestTime.Max));
        rig.Device.FailsSyncs = false;
        TaskCompletionSource<string?> cleared = new(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Volume.Tell(new ClearVolumeFault(0, "tester", cleared.SetResult));
        Assert.Null(await cleared.Task.WaitAsync(TestTime.Max));
        _ = await other.Closed.WaitAsync(TestTime.Max);

        // What the owner says comes in order: it has heard of it before this is answered.
        byte[] data = Bytes(9, 4096);
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 8192, data, RingFlags.Fua));
        ActorRef old = rig.Volume;
        rig.StartVolume(2);
        LocalSystem.Stop(old);
        Assert.Equal(data, await ring.ReadAsync(8192, 4096));

        // Cleared while the ring was away.
        old = rig.Volume;
        rig.ClearElsewhere();
        rig.StartVolume(3);
        LocalSystem.Stop(old);
        Assert.Contains("may have lost data of disk d", await ring.Closed.WaitAsync(TestTime.Max), StringComparison.Ordinal);
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task S3_A_ring_whose_disk_was_deleted_before_it_came_back_answers_with_errors_and_touches_no_other_disk()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing ring = await rig.OpenAsync(reattachMax: TimeSpan.FromMinutes(10));
        rig.Device.Hold(DeviceOp.Write, DeviceOp.Read);
        _ = ring.SendAsync(2, RingOp.Write, 0, 4096);
        _ = ring.SendAsync(5, RingOp.Read, 4096, 4096);
        await TestTime.Until(() => rig.Device.Held == 2, "both are on the device");
        LocalSystem.Stop(rig.Volume);
        rig.Device.LetGo();
        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0, "the device is done with them");

        // Another disk has its place.
        rig.Disk = "e";
        rig.Device.Hold(DeviceOp.Write, DeviceOp.Read);
        rig.StartVolume(2);
        Assert.Equal("volume v, disk d: volume v has no disk d", await ring.Closed.WaitAsync(TestTime.Max));
        Assert.Equal([2, 5], ring.Unanswered);
        await ring.Memory.Returned.WaitAsync(TestTime.Max);
        Assert.Equal(0, rig.Device.Held);
    }

    [Fact]
    public async Task S4_A_guest_has_no_more_on_the_way_than_its_bound()
    {
        const int bound = 128 << 10;
        await using LinkRig rig = await LinkRig.StartAsync(bufferBytes: bound);
        TestRing[] rings = [await rig.OpenAsync(32), await rig.OpenAsync(32)];
        rig.Device.Hold(DeviceOp.Read, DeviceOp.Write);
        Task<int>[] answers = [.. rings.SelectMany(ring => Enumerable.Range(0, 32).Select(slot =>
            ring.SendAsync(slot, slot % 2 == 0 ? RingOp.Read : RingOp.Write, slot * 16384, slot % 3 == 0 ? 12288 : 16384)))];
        for (long end = Environment.TickCount64 + (long)TestTime.Max.TotalMilliseconds; !Array.TrueForAll(answers, answer => answer.IsCompleted);)
        {
            Assert.True(Environment.TickCount64 < end, "in vain: all are answered");
            Assert.Empty(rig.Log.Errors);
            Assert.InRange(rig.Server.UsedBufferBytes, 0, bound);
            Assert.InRange(rig.Device.HeldBytes, 0, bound);
            rig.Device.Release();
            await Task.Delay(1);
        }

        Assert.All(answers, answer => Assert.Equal(0, answer.Result));

        // What a ring that goes still has on the way counts until it is back.
        _ = rings[0].SendAsync(0, RingOp.Write, 0, bound);
        await TestTime.Until(() => rig.Device.HeldBytes > 0, "the write is on the device");
        rings[0].Close();
        Task<int> waits = rings[1].SendAsync(0, RingOp.Write, 0, 4096);
        _ = await rings[0].Closed.WaitAsync(TestTime.Max);
        await Task.Delay(20);
        Assert.False(waits.IsCompleted);
        rig.Device.LetGo();
        Assert.Equal(0, await waits.WaitAsync(TestTime.Max));
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task A_ticket_that_nobody_uses_runs_out()
    {
        LinkOptions options = new() { PingEvery = TimeSpan.FromMilliseconds(10), SilenceMax = TimeSpan.FromSeconds(20), TicketLife = TimeSpan.FromMilliseconds(30) };
        await using LinkRig rig = await LinkRig.StartAsync(options);
        LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(1));
        await TestTime.Until(() => rig.OwnerActors == 1, "the ring's actor has stopped");

        // Who comes too late is told, and not thrown out.
        using RawNode node = await RawNode.ConnectAsync(rig.Owner.Address);
        node.Send(new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = ticket.Epoch });
        LinkFrame write = new() { Type = LinkFrameType.Request, Op = RingOp.Write, Ticket = ticket.Id, Epoch = ticket.Epoch, Length = 1 << 20, PayloadBytes = 1 << 20 };
        node.Send(write, new byte[1 << 20]);
        (LinkFrame closed, byte[] text) = await node.ReceiveAsync();
        Assert.Equal((LinkFrameType.Closed, LinkClose.Gone), (closed.Type, closed.Close));
        Assert.Contains("was not used", System.Text.Encoding.UTF8.GetString(text), StringComparison.Ordinal);
        node.Send(new LinkFrame { Type = LinkFrameType.Detach, Ticket = ticket.Id, Epoch = ticket.Epoch });
        Assert.Equal(LinkFrameType.Released, (await node.ReceiveAsync()).Frame.Type);
    }

    [Fact]
    public async Task A_disk_that_the_volume_does_not_have_is_refused_for_good()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        LinkRefusedException refused = await Assert.ThrowsAsync<LinkRefusedException>(() => rig.Server.OfferAsync(rig.Setup(1) with { Disk = "x" }));
        Assert.Equal("volume v, disk x: volume v has no disk x", refused.Message);
        Assert.False(refused.Again);
    }

    [Fact]
    public async Task A_request_that_the_guests_node_samples_is_one_trace_on_both_nodes_and_no_other_has_a_span()
    {
        await using LinkRig rig = await LinkRig.StartAsync(traceEvery: 3);
        ConcurrentQueue<Activity> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == VolumeTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        TestRing ring = await rig.OpenAsync();
        for (int i = 0; i < 6; i++)
            Assert.Equal(0, await ring.DoAsync(RingOp.Write, 4096 * i, new byte[4096]));
        Assert.Equal(["scheduler.request", "scheduler.forward", "scheduler.request", "scheduler.forward"], spans.Select(span => span.OperationName));
        Activity[] all = [.. spans];
        foreach ((Activity served, Activity forwarded) in new[] { (all[0], all[1]), (all[2], all[3]) })
        {
            Assert.Equal(forwarded.Context.TraceId, served.TraceId);
            Assert.Equal(forwarded.SpanId, served.ParentSpanId);
            Assert.True(served.HasRemoteParent);
            Assert.Equal(default, forwarded.ParentSpanId);
            Assert.Equal("owner", forwarded.GetTagItem("node"));
            Assert.Equal(served.GetTagItem("offset"), forwarded.GetTagItem("offset"));
        }

        // One that is never answered ends too.
        rig.Device.Hold(DeviceOp.Write);
        for (int slot = 0; slot < 3; slot++)
            _ = ring.SendAsync(slot, RingOp.Write, 4096 * slot, 4096);
        await TestTime.Until(() => rig.Device.Held == 3, "the writes are on the device");
        await rig.Clients.StopAsync();
        await TestTime.Until(() => spans.Count == 5, "its span has ended");
        Assert.Equal(("scheduler.forward", ActivityStatusCode.Error), (spans.Last().OperationName, spans.Last().Status));
    }

    private static byte[] Bytes(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
