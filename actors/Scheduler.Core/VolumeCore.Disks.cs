// Disks that grow, come or go while the volume runs.
//
// S2  A disk only grows: all bytes that it has stay where they are, so that what is queued or in flight is not disturbed.
// F4  A disk that comes counts as unflushed in every domain until one device flush has succeeded there. One that grows onto a
//     domain that it was not on is no news there: nothing but a disk's own rings write to it, and since the volume started
//     it counted as unflushed in every domain.
//
// A disk goes only when it has no ring, not even one whose last operations are on the device: nothing of it reaches its place
// any more, and another disk may have that. What it had unflushed no flush of a guest waits for; its bytes count for its guest
// until a flush.
// S3  A stop flushes it all the same: a disk may come back with what is in it, such as a logical volume.
namespace Scheduler.Core;

public sealed partial class VolumeCore
{
    /// <summary>Says what is against a disk that has grown, or is new.</summary>
    /// <param name="disk">The disk; one of the same name is the one that has grown.</param>
    /// <returns>The reason, or null: <see cref="VolumeEvent.ChangeDisk"/> may follow.</returns>
    public string? WhyNotChange(DiskSpec disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        try
        {
            ExtentMap extents = CreateDisk(_disks.Length, disk).Extents;
            if (DiskOf(disk.Name) is not { } now)
                return null;
            if (now.Guest.Index != disk.Guest || now.Spec.Ordered != disk.Ordered)
                return $"disk {disk.Name} would change its guest or its ordered mode";
            if (extents.Size < now.Extents.Size)
                return $"disk {disk.Name} would shrink from {now.Extents.Size} to {extents.Size} bytes";
            return now.Extents.IsBeginningOf(extents) ? null : $"disk {disk.Name} would have its data in another place";
        }
        catch (ArgumentException wrong)
        {
            return wrong.Message;
        }
    }

    /// <summary>Says what is against removing a disk.</summary>
    /// <param name="disk">Its index.</param>
    /// <returns>The reason, or null: <see cref="VolumeEvent.RemoveDisk"/> may follow.</returns>
    public string? WhyNotRemove(int disk) =>
        disk < 0 || disk >= _disks.Length ? $"there is no disk {disk}"
        : _rings.Exists(ring => ring?.Disk == _disks[disk]) ? $"disk {_disks[disk].Spec.Name} has rings, or operations of one on the device"
        : null;

    private Disk? DiskOf(string name) => Array.Find(_disks, disk => disk.Spec.Name == name);

    private void ChangeDisk(DiskSpec spec)
    {
        Invariant.Holds(WhyNotChange(spec) is null, "S2", "a disk changes in another way than by growing");
        if (DiskOf(spec.Name) is { } disk)
        {
            disk.Spec = spec;
            disk.Extents = new ExtentMap(spec);
        }
        else
        {
            _disks = [.. _disks, CreateDisk(_disks.Length, spec)];
        }
    }

    private void RemoveDisk(int index)
    {
        Invariant.Holds(WhyNotRemove(index) is null, "S2", "a disk is removed that is not there, or has rings");
        foreach (FlushDomain domain in _domains)
        {
            if ((_disks[index].Extents.Domains & domain.Bit) != 0)
                domain.LeftDirtyAt = Math.Max(domain.LeftDirtyAt, _disks[index].DirtyAt[domain.Index]);
        }

        _disks = [.. _disks[..index], .. _disks[(index + 1)..]];
    }
}
