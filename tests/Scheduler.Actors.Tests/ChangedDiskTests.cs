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

    // A disk as it was, if it has been there, and a further run.
    private static DiskSpec Disk(string name, int guest, long offset, long more, long length)
    {
        Extent[] first = name == "d0" ? [new Extent(0, 0, offset, VolumeHarness.DiskBytes)] : [];
        return new DiskSpec { Name = name, Guest = guest, Extents = [.. first, new Extent(first.Sum(extent => extent.Length), 0, more, length)] };
    }

    private void Change(params DiskSpec[] disks)
    {
        _volume.Volume.Tell(new ChangeDisks(disks, _answers.Add));
        _volume.Run();
    }
}
