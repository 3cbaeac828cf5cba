using Scheduler.Actors.Local;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>A volume goes from one scheduler to the next; rings that are attached again go on.</summary>
public sealed class TakeoverTests : IDisposable
{
    private readonly VolumeHarness _volume = new();

    public void Dispose() => _volume.Dispose();

    [Fact]
    public void S3_What_a_scheduler_left_unanswered_goes_to_the_next_one_and_then_what_came_later()
    {
        TestGuest guest = _volume.Open("d0", reattaches: true);
        _volume.Run();
        guest.Send(5, RingOp.Write, 8192, 4096);
        guest.Send(1, RingOp.Read, 4096, 4096);
        guest.Send(2, RingOp.Flush);
        _volume.Run();
        HeldDevice first = _volume.Device;
        first.Complete(DeviceOp.Read);
        _volume.Run();
        Assert.Equal([new RingReply(1, 0)], guest.Replies);

        LocalSystem.Stop(_volume.Volume);
        _volume.Start(epoch: 2, clearings: 0);
        guest.Send(3, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Equal([(DeviceOp.Write, 8192L), (DeviceOp.Read, 0)], DataOf(_volume.Device));
        Assert.Null(guest.ClosedBecause);
        Assert.Equal(1, guest.Attachments);

        // What the first one still had changes nothing.
        first.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Single(guest.Replies);
        foreach (DeviceOp op in (DeviceOp[])[DeviceOp.Write, DeviceOp.Flush, DeviceOp.Read])
        {
            _volume.Device.Complete(op);
            _volume.Run();
        }

        Assert.Equal([1, 5, 2, 3], guest.Replies.Select(reply => reply.Slot));
        Assert.All(guest.Replies, reply => Assert.Equal(0, reply.Error));

        // Slots and batches are free again, many times over.
        for (int i = 0; i < 50; i++)
        {
            guest.Send(5, RingOp.Read, 8192, 4096);
            _volume.Run();
            _volume.Device.Complete(DeviceOp.Read);
            _volume.Run();
        }

        Assert.Equal(54, guest.Replies.Count);
    }

    [Fact]
    public async Task A_volume_that_moves_answers_what_it_has_taken_and_leaves_the_rest_to_the_next_scheduler()
    {
        TestGuest guest = _volume.Open("d0", reattaches: true);
        _volume.Run();
        guest.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();
        (HeldDevice first, VolumeStatus status) = (_volume.Device, _volume.Status);
        _volume.Volume.Tell(StopVolume.ToMove);
        guest.Send(1, RingOp.Write, 4096, 4096);
        guest.Send(2, RingOp.Read, 8192, 4096);
        _volume.Run();
        Assert.Equal(DeviceOp.Write, Assert.Single(first.Held).Op);

        first.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Equal([new RingReply(0, 0)], guest.Replies);
        Assert.False(status.Stopped.IsCompleted);
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Start(epoch: 2, clearings: 0);
        first.Complete(DeviceOp.Flush);
        _volume.Run();
        Assert.Null(await status.Stopped);
        Assert.Equal([DeviceOp.Write, DeviceOp.Flush], first.Submitted.Select(request => request.Op));
        Assert.Equal([(DeviceOp.Write, 4096L), (DeviceOp.Read, 8192)], DataOf(_volume.Device));
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Device.Complete(DeviceOp.Write);
        _volume.Device.Complete(DeviceOp.Flush);
        _volume.Run();
        Assert.Equal([new RingReply(0, 0), new RingReply(0, 0), new RingReply(1, 0), new RingReply(2, 0)], guest.Replies.OrderBy(reply => reply.Slot));
        Assert.Null(guest.ClosedBecause);
        Assert.Empty(guest.Unanswered);
    }

    [Fact]
    public void A_ring_that_is_not_attached_again_closes_when_its_volume_has_moved()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Volume.Tell(StopVolume.ToMove);
        guest.Send(1, RingOp.Read, 0, 4096);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush);
        _volume.Run();
        Assert.Equal([new RingReply(0, 0)], guest.Replies);
        Assert.Equal([1], guest.Unanswered);
        Assert.Contains("has stopped", guest.ClosedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S5_A_volume_that_is_no_longer_its_own_submits_and_answers_nothing()
    {
        TestGuest guest = _volume.Open("d0", reattaches: true);
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush);
        _volume.Run();
        guest.Send(1, RingOp.Write, 0, 4096);
        _volume.Run();
        guest.Replies.Clear();

        // The disk is clean but for that write: a flush of it is answered without the device.
        (HeldDevice first, VolumeStatus status) = (_volume.Device, _volume.Status);
        int submissions = first.Submissions;
        _volume.MayWrite = false;
        first.Complete(DeviceOp.Write);
        guest.Send(2, RingOp.Flush);
        guest.Send(3, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Equal(submissions, first.Submissions);
        Assert.Empty(guest.Replies);
        string? why = await status.Stopped;
        Assert.Contains("S5", why, StringComparison.Ordinal);
        Assert.Contains("volume v", why, StringComparison.Ordinal);
        Assert.Contains("epoch 1", why, StringComparison.Ordinal);

        _volume.MayWrite = true;
        _volume.Start(epoch: 2, clearings: 0);
        TestGuest other = _volume.Open("d0", reattaches: true);
        _volume.Run();
        Assert.Equal((1, 8), (other.Attachments, other.Credits));
        Assert.Null(guest.ClosedBecause);
    }

    [Theory]
    [InlineData(RingOp.Flush, DeviceOp.Flush)]
    [InlineData(RingOp.Write, DeviceOp.Write)]
    public async Task S5_A_volume_that_its_device_keeps_out_stops_and_what_it_met_is_no_fault(RingOp request, DeviceOp operation)
    {
        TestGuest guest = _volume.Open("d0", reattaches: true);
        _volume.Run();
        guest.Send(0, request, 0, request == RingOp.Write ? 4096 : 0);
        _volume.Run();
        (HeldDevice first, VolumeStatus status) = (_volume.Device, _volume.Status);
        first.Complete(operation, Errno.EBADE);
        _volume.Run();
        Assert.Contains("which had it under epoch 1 and is kept out of its device by a reservation, though its lease holds: a path has come back", await status.Stopped, StringComparison.Ordinal);
        Assert.Empty(_volume.RecordedFaults);
        Assert.False(status.HasUnrecordedFault);

        // The guest waits for the next scheduler.
        Assert.Empty(guest.Replies);
        Assert.Empty(guest.Unanswered);
        Assert.Null(guest.ClosedBecause);
    }

    [Fact]
    public void F6_A_ring_that_was_away_while_a_fault_was_cleared_is_not_let_in_again()
    {
        TestGuest guest = _volume.Open("d0", reattaches: true);
        _volume.Run();
        guest.Send(0, RingOp.Read, 0, 4096);
        LocalSystem.Stop(_volume.Volume);
        _volume.Start(epoch: 3, clearings: 1);
        TestGuest fresh = _volume.Open("d0", reattaches: true);
        _volume.Run();
        Assert.Equal([0], guest.Unanswered);
        Assert.Contains("may have lost data of disk d0", guest.ClosedBecause, StringComparison.Ordinal);
        Assert.Null(fresh.ClosedBecause);

        // One that has come since then has seen what is there.
        LocalSystem.Stop(_volume.Volume);
        _volume.Start(epoch: 4, clearings: 1);
        fresh.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Null(fresh.ClosedBecause);
        Assert.Single(_volume.Device.Held);
    }

    [Fact]
    public void F6_A_fault_that_the_volume_itself_has_seen_cleared_counts_too()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        _volume.Run();
        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", _ => { }));
        _volume.Run();

        List<object> answers = [];
        ActorRef ring = _volume.System.ActorOf(new Props(() => new Scripted((message, _) => answers.Add(message))), "ring", _volume.Dispatcher);
        _volume.Volume.Tell(new Attach("d0", 1, 1, new TestMemory(), new RingChannel(1), Epoch: 1), ring);
        _volume.Volume.Tell(new Attach("d0", 1, 1, new TestMemory(), new RingChannel(1)), ring);
        _volume.Run();
        Assert.False(Assert.IsType<AttachRefused>(answers[0]).Again);
        Assert.IsType<Attached>(answers[1]);
    }

    [Fact]
    public void F6_A_ring_that_has_lost_nothing_goes_on_with_the_next_scheduler_after_a_fault_was_cleared()
    {
        TestGuest clean = _volume.Open("d1", reattaches: true);
        TestGuest dirty = _volume.Open("d0", reattaches: true);
        _volume.Run();
        clean.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush);
        _volume.Run();
        dirty.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        dirty.Send(1, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        _volume.Run();
        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", _ => { }));
        _volume.Run();
        Assert.NotNull(dirty.ClosedBecause);
        TestGuest later = _volume.Open("d0", reattaches: true);
        _volume.Run();

        LocalSystem.Stop(_volume.Volume);
        _volume.Start(epoch: 2, clearings: 1);
        clean.Send(2, RingOp.Read, 0, 4096);
        later.Send(3, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Null(clean.ClosedBecause);
        Assert.Null(later.ClosedBecause);
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Run();
        Assert.Contains(new RingReply(2, 0), clean.Replies);
        Assert.Equal([new RingReply(3, 0)], later.Replies);

        // Of the next clearing neither has heard.
        LocalSystem.Stop(_volume.Volume);
        _volume.Start(epoch: 3, clearings: 2);
        _volume.Run();
        Assert.Contains("may have lost data of disk d1", clean.ClosedBecause, StringComparison.Ordinal);
        Assert.Contains("may have lost data of disk d0", later.ClosedBecause, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("g0", true)]
    [InlineData("g1", false)]
    public void A_ring_is_not_let_at_a_disk_that_is_another_guests_by_now(string? guest, bool taken)
    {
        List<object> answers = [];
        ActorRef ring = _volume.System.ActorOf(new Props(() => new Scripted((message, _) => answers.Add(message))), "ring", _volume.Dispatcher);
        _volume.Volume.Tell(new Attach("d0", 1, 1, new TestMemory(), new RingChannel(1)) { Guest = guest }, ring);
        _volume.Run();
        Assert.Equal(taken, Assert.Single(answers) is Attached);
        Assert.Equal(taken ? 1 : 0, _volume.Status.Rings);
    }

    [Fact]
    public void S3_A_ring_that_comes_again_waits_until_the_device_is_done_with_what_it_had()
    {
        List<object> answers = [];
        ActorRef ring = _volume.System.ActorOf(new Props(() => new Scripted((message, _) => answers.Add(message))), "ring", _volume.Dispatcher);
        TestMemory memory = new();
        RingChannel channel = new(1);
        _volume.Volume.Tell(new Attach("d0", 1, 1, memory, channel), ring);
        RequestBatch batch = channel.RentRequests();
        batch.Add(new RingRequest(0, RingOp.Write, RingFlags.None, 0, 0, 4096, 4096));
        _volume.Volume.Tell(batch, ring);
        _volume.Run();
        Attach again = new("d0", 1, 1, memory, new RingChannel(1), Epoch: 1);
        _volume.Volume.Tell(again, ring);
        _volume.Run();
        Assert.True(Assert.IsType<AttachRefused>(answers[1]).Again);

        _volume.Device.Complete(DeviceOp.Write);
        _volume.Volume.Tell(again, ring);
        _volume.Run();
        Assert.IsType<Attached>(answers[2]);
        Assert.Equal(3, answers.Count);
        Assert.Equal(1, _volume.Status.Rings);
    }

    private static IEnumerable<(DeviceOp, long)> DataOf(HeldDevice device) =>
        device.Held.Where(request => request.Op != DeviceOp.Flush).Select(request => (request.Op, request.Offset));
}
