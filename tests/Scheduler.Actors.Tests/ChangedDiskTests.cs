using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>Disks that grow or come while their volume runs.</summary>
public sealed class ChangedDiskTests : IDisposable
{
    private readonly VolumeHarness _volume = new();
    private readonly List<string?> _answers = [];

    public void Dispose() => _volume.Dispose();

    [Fact]
    public void Rings_use_what_a_disk_gained_and_a_disk_that_came()
    {
        TestGuest before = _volume.Open("d0");
        _volume.Run();
        before.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();

        // What is left of the device for a second run and another disk.
        Change(Disk("d0", 0, 0, 4096, 8192), Disk("d2", 1, 0, 16384, 4096));
        TestGuest grown = _volume.Open("d0");
        TestGuest come = _volume.Open("d2");
        _volume.Run();
        grown.Send(0, RingOp.Read, VolumeHarness.DiskBytes, 4096);
        come.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();

        Assert.Equal([null], _answers);
        Assert.Equal([0, 4096, 16384], _volume.Device.Held.Select(request => request.Offset));
        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        Assert.Equal([new RingReply(0, 0)], before.Replies);
        Assert.Equal(3, _volume.Status.Rings);
    }

    [Fact]
    public void If_one_of_the_changes_is_refused_none_is_made()
    {
        Change(Disk("d2", 1, 0, 0, 4096), new DiskSpec { Name = "d0", Guest = 0, Extents = [new Extent(0, 0, 0, 4096)] });
        TestGuest guest = _volume.Open("d2");
        _volume.Run();

        Assert.Equal(["disk d0 would shrink from 1048576 to 4096 bytes"], _answers);
        Assert.Equal("volume v has no disk d2", guest.ClosedBecause);
        Assert.False(_volume.Status.Stopped.IsCompleted);
    }

    [Fact]
    public void A_volume_that_stops_takes_no_change()
    {
        TestGuest guest = _volume.Open("d0");
        _volume.Run();
        guest.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();
        _volume.Volume.Tell(StopVolume.Instance);
        Change(Disk("d2", 1, 0, 0, 4096));

        Assert.Equal(["volume v is stopping"], _answers);
    }

    [Fact]
    public void A_disk_goes_when_its_rings_are_gone_and_the_others_are_the_same()
    {
        TestGuest first = _volume.Open("d0");
        _volume.Run();
        first.Send(0, RingOp.Write, 0, 4096);
        _volume.Run();
        Remove("d0");
        first.Port.Close();
        _volume.Run();
        Remove("d0");
        Assert.All(_answers, answer => Assert.Equal("disk d0 has rings, or operations of one on the device", answer));
        _volume.Device.Complete(DeviceOp.Write);
        _volume.Run();
        _answers.Clear();
        Remove("d0");
        Remove("d0");
        Assert.Equal([null, "volume v has no disk d0"], _answers);

        Change(Disk("d2", 0, 0, 0, 4096));
        TestGuest gone = _volume.Open("d0");
        TestGuest other = _volume.Open("d1");
        TestGuest come = _volume.Open("d2");
        _volume.Run();
        Assert.Equal("volume v has no disk d0", gone.ClosedBecause);
        other.Send(0, RingOp.Read, 0, 4096);
        come.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();
        Assert.Equal([VolumeHarness.DiskBytes, 0], _volume.Device.Held.Select(request => request.Offset));
    }

    // A disk as it was, if it has been there, and a further run.
    private static DiskSpec Disk(string name, int guest, long offset, long more, long length)
    {
        Extent[] first = name == "d0" ? [new Extent(0, 0, offset, VolumeHarness.DiskBytes)] : [];
        return new DiskSpec { Name = name, Guest = guest, Extents = [.. first, new Extent(first.Sum(extent => extent.Length), 0, more, length)] };
    }

    private void Remove(string disk)
    {
        _volume.Volume.Tell(new RemoveDisk(disk, _answers.Add));
        _volume.Run();
    }

    private void Change(params DiskSpec[] disks)
    {
        _volume.Volume.Tell(new ChangeDisks(disks, _answers.Add));
        _volume.Run();
    }
}
