using Scheduler.Actors.Local;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>Rings and a volume's scheduler together: what each does when the other, or the device, goes away.</summary>
public sealed class VolumeSchedulerTests : IDisposable
{
    private readonly VolumeHarness _volume = new();

    public void Dispose() => _volume.Dispose();

    [Fact]
    public void A_request_goes_through_ring_and_volume_to_the_device_and_back()
    {
        TestGuest guest = _volume.Open("d1");
        _volume.Run();
        Assert.Equal(8, guest.Credits);

        guest.Send(3, RingOp.Write, 4096, 8192);
        _volume.Run();
        DeviceRequest write = Assert.Single(_volume.Device.Held);
        Assert.Equal((DeviceOp.Write, VolumeHarness.DiskBytes + 4096, 8192L, (nint)4096), (write.Op, write.Offset, write.Length, write.Buffer));
        Assert.Empty(guest.Replies);

        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Equal([new RingReply(3, 0)], guest.Replies);
    }

    [Fact]
    public void S3_A_ring_that_disappears_leaks_nothing_and_its_memory_waits_for_the_device()
    {
        TestGuest guest = _volume.Open("d0");
        TestGuest other = _volume.Open("d1");
        _volume.Run();
        guest.Send(0, RingOp.Write, 0, 4096);
        guest.Send(1, RingOp.Read, 0, 4096);
        other.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Equal(3, _volume.Device.Held.Count);

        // Killed from outside, as a defect would.
        LocalSystem.Stop(guest.Port.Ring);
        _volume.Run();
        guest.Memory.LetGo();
        Assert.NotNull(guest.ClosedBecause);
        Assert.Equal([0, 1], guest.Unanswered);
        Assert.Equal(0, guest.Memory.GivenBack);

        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Equal(0, guest.Memory.GivenBack);
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Run();
        Assert.Equal(1, guest.Memory.GivenBack);
        Assert.Equal(1, _volume.Status.Rings);

        _volume.Device.Complete(DeviceOp.Read);
        _volume.Run();
        Assert.Equal([new RingReply(0, 0)], other.Replies);
        Assert.Equal(0, _volume.Status.QueueDepth);
    }

    [Fact]
    public void S3_What_a_vanished_ring_had_queued_is_dropped()
    {
        using VolumeHarness volume = new(depth: 1);
        TestGuest guest = volume.Open("d0");
        volume.Run();
        guest.Send(0, RingOp.Read, 0, 4096);
        guest.Send(1, RingOp.Read, 4096, 4096);
        volume.Run();
        guest.Port.Close();
        guest.Memory.LetGo();
        volume.Run();
        volume.Device.Complete(DeviceOp.Read);
        volume.Run();
        Assert.Empty(volume.Device.Held);
        Assert.Equal(1, guest.Memory.GivenBack);
        Assert.Equal(0, volume.Status.Rings);
    }

    [Fact]
    public void S3_A_ring_that_is_gone_before_its_volume_hears_of_it_is_not_attached()
    {
        TestGuest guest = _volume.Open("d0");
        guest.Port.Close();
        guest.Memory.LetGo();
        LocalSystem.Stop(guest.Port.Ring);
        _volume.Run();
        Assert.Equal(0, _volume.Status.Rings);
        Assert.Equal(1, guest.Memory.GivenBack);
    }

    [Fact]
    public async Task S6_A_broken_invariant_stops_the_volume_and_its_rings_answer_for_it()
    {
        TestGuest guest = _volume.Open("d0");
        TestGuest other = _volume.Open("d1");
        _volume.Run();
        guest.Send(0, RingOp.Read, 0, 4096);
        other.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();

        // Beyond the disk: the edge would have refused it (S1), the core takes it for a defect (S2).
        guest.Send(1, RingOp.Read, VolumeHarness.DiskBytes, 4096);
        _volume.Run();
        Assert.True(_volume.Status.Stopped.IsCompleted);
        Assert.Contains("S2", await _volume.Status.Stopped, StringComparison.Ordinal);
        Assert.Equal([0, 1], guest.Unanswered);
        Assert.Equal([0], other.Unanswered);
        Assert.Contains("v has stopped", other.ClosedBecause, StringComparison.Ordinal);

        // The device still has two buffers.
        guest.Memory.LetGo();
        other.Memory.LetGo();
        Assert.Equal((0, 0), (guest.Memory.GivenBack, other.Memory.GivenBack));
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Run();
        Assert.Equal((1, 1), (guest.Memory.GivenBack, other.Memory.GivenBack));
        Assert.Equal(0, _volume.Devices.InFlight);
    }

    [Fact]
    public void A_ring_of_a_volume_that_has_stopped_closes_at_once()
    {
        LocalSystem.Stop(_volume.Volume);
        _volume.Run();
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        Assert.NotNull(guest.ClosedBecause);
        Assert.Equal(0, guest.Credits);
    }

    [Fact]
    public void An_unknown_disk_is_refused_by_name()
    {
        TestGuest guest = _volume.Open("nonesuch");
        _volume.Run();
        Assert.Contains("nonesuch", guest.ClosedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_answers_flushes_and_closes()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();
        _volume.Volume.Tell(StopVolume.Instance);
        _volume.Run();
        Assert.False(_volume.Status.Stopped.IsCompleted);
        guest.Send(1, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Equal([new RingReply(1, Errno.ESHUTDOWN)], guest.Replies);

        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Equal(new RingReply(0, 0), guest.Replies[1]);
        Assert.False(_volume.Status.Stopped.IsCompleted);
        _volume.Device.Complete(DeviceOp.Flush);
        _volume.Run();
        Assert.True(_volume.Status.Stopped.IsCompleted);
        Assert.Null(await _volume.Status.Stopped);
        Assert.Empty(guest.Unanswered);
        Assert.NotNull(guest.ClosedBecause);
    }

    [Fact]
    public void F6_A_failed_flush_is_recorded_before_it_is_answered_and_clearing_closes_the_ring()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        _volume.Run();
        Assert.Equal([Errno.EIO], _volume.RecordedFaults);
        Assert.Equal([new RingReply(0, Errno.EIO)], guest.Replies);
        Assert.True(_volume.Status.IsFenced);

        string? problem = "not called";
        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", answer => problem = answer));
        _volume.Run();
        Assert.Null(problem);
        Assert.False(_volume.Status.IsFenced);
        Assert.NotNull(guest.ClosedBecause);
    }

    [Fact]
    public void F6_A_fault_is_cleared_once_and_not_while_its_record_is_there()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        _volume.Run();
        _volume.HeldClears = [];
        List<string?> answers = [];

        // The second could remove the record of a fault that comes after the first.
        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", answers.Add));
        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", answers.Add));
        _volume.Run();
        Assert.Contains("already", Assert.Single(answers), StringComparison.Ordinal);
        Assert.Single(_volume.HeldClears)("the disk is read-only");
        _volume.Run();
        Assert.Equal("the disk is read-only", answers[1]);
        Assert.True(_volume.Status.IsFenced);
        Assert.Null(guest.ClosedBecause);

        _volume.Volume.Tell(new ClearVolumeFault(0, "operator", answers.Add));
        _volume.Run();
        _volume.HeldClears[1](null);
        _volume.Run();
        Assert.Null(answers[2]);
        Assert.False(_volume.Status.IsFenced);
        Assert.NotNull(guest.ClosedBecause);
    }

    [Fact]
    public async Task F6_A_fault_that_can_be_recorded_nowhere_stays_unanswered_and_stops_the_volume()
    {
        _volume.FaultProblem = "the disk is full";
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Flush);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        _volume.Run();
        Assert.Empty(guest.Replies);
        Assert.Empty(guest.Unanswered);
        Assert.NotNull(guest.ClosedBecause);
        Assert.Contains("F6", await _volume.Status.Stopped, StringComparison.Ordinal);
    }

    [Fact]
    public void F7_The_wake_up_that_the_core_asks_for_is_set()
    {
        TestGuest a = _volume.Open("d0");
        TestGuest b = _volume.Open("d1");
        _volume.Run();

        // Both flush in a loop, so that each is expected when the other comes.
        for (int round = 0; round < 4; round++)
        {
            foreach (TestGuest guest in (TestGuest[])[a, b])
            {
                guest.Send(0, RingOp.Write, 0, 4096);
                _volume.Run();
                _volume.Device.Complete(DeviceOp.Write);
                guest.Send(1, RingOp.Flush);
                _volume.Run();
                _volume.NowNs += 100_000;
            }

            while (_volume.Status.QueueDepth > 0)
            {
                _volume.NowNs += 1_000_000;
                if (_volume.Device.Held.Count > 0)
                    _volume.Device.Complete(DeviceOp.Flush);
                else
                    _volume.Volume.Tell(WakeUp.Instance);
                _volume.Run();
            }
        }

        a.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Write);
        a.Send(1, RingOp.Flush);
        _volume.Run();
        Assert.Empty(_volume.Device.Held);
        Assert.InRange(_volume.WakeTimeNs, _volume.NowNs + 1, _volume.NowNs + 10_000_000);

        _volume.NowNs = _volume.WakeTimeNs;
        _volume.Volume.Tell(WakeUp.Instance);
        _volume.Run();
        Assert.Equal(DeviceOp.Flush, Assert.Single(_volume.Device.Held).Op);
    }

    [Fact]
    public void Q2_Weights_hold_also_on_a_device_that_completes_at_once()
    {
        using VolumeHarness volume = new(secondWeight: 300);
        volume.Device.CompletesAtOnce = true;
        TestGuest light = volume.Open("d0", credits: 64);
        TestGuest heavy = volume.Open("d1", credits: 64);
        volume.Run();
        light.SendMany(64, RingOp.Read, 4096);
        heavy.SendMany(64, RingOp.Read, 4096);
        volume.Run();
        Assert.Equal((64, 64), (light.Replies.Count, heavy.Replies.Count));

        // While both had something queued: but for the first slots, which the first guest had to itself.
        int ofHeavy = volume.Device.Submitted.Skip(8).Take(64).Count(request => request.Offset >= VolumeHarness.DiskBytes);
        Assert.InRange(ofHeavy, 46, 50);
    }

    [Fact]
    public void A_part_of_the_work_is_submitted_at_a_time()
    {
        TestGuest guest = _volume.Open("d0", credits: 8);
        _volume.Device.CompletesAtOnce = true;
        _volume.Run();

        // 6 x 1 MiB in pieces of 256 KiB; a turn moves 1 MiB.
        guest.SendMany(6, RingOp.Read, VolumeHarness.DiskBytes);
        _volume.Run();
        Assert.Equal(6, guest.Replies.Count);
        Assert.Equal(6, _volume.Device.Submissions);
    }

    [Fact]
    public void O2_A_barrier_holds_its_ring_back_and_no_other()
    {
        using VolumeHarness volume = new(OrderedMode.TagFlush);
        TestGuest guest = volume.Open("d0");
        TestGuest other = volume.Open("d1");
        volume.Run();
        guest.Send(0, RingOp.EmptyBarrier);
        guest.Send(1, RingOp.Write, 0, 4096);
        other.Send(0, RingOp.Write, 0, 4096);
        volume.Run();
        Assert.Equal([DeviceOp.Flush, DeviceOp.Write], volume.Device.Held.Select(request => request.Op));
        volume.Device.Complete(DeviceOp.Flush);
        volume.Run();
        Assert.Equal([DeviceOp.Write, DeviceOp.Write], volume.Device.Held.Select(request => request.Op));
    }

    [Fact]
    public void The_numbers_of_ring_and_core_operations_agree()
    {
        Assert.Equal(Enum.GetNames<RequestOp>(), Enum.GetNames<RingOp>());
        Assert.Equal(Enum.GetValues<RequestOp>().Select(op => (int)op), Enum.GetValues<RingOp>().Select(op => (int)op));
        Assert.Equal(Enum.GetNames<RequestFlags>(), Enum.GetNames<RingFlags>());
        Assert.Equal(Enum.GetValues<RequestFlags>().Select(op => (int)op), Enum.GetValues<RingFlags>().Select(op => (int)op));
    }
}
