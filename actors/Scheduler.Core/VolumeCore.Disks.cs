// Disks that grow, or come, while the volume runs.
//
// S2  A disk only grows: all bytes that it has stay where they are, so that what is queued or in flight is not disturbed.
// F4  A disk that comes counts as unflushed in every domain until one device flush has succeeded there. One that grows onto a
//     domain that it was not on is no news there: nothing but a disk's own rings write to it, and since the volume started
//     it counted as unflushed in every domain.
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
}
