using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Lvm;

namespace Scheduler.Host.Running;

/// <summary>The disks of a volume group: which logical volumes are served, where they are, and why others are not.</summary>
/// <param name="Disks">Those that are served, in the order of the configuration.</param>
/// <param name="NotServed">What is not served and why, a line each; also what an operator should know of the group.</param>
internal sealed record GroupDisks(IReadOnlyList<PlacedDisk> Disks, IReadOnlyList<string> NotServed)
{
    /// <summary>Reads the group's metadata and finds the disks in it. Blocks.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="disks">Its configured disks.</param>
    /// <param name="domains">Its open physical volumes.</param>
    /// <exception cref="VolumeOpenException">The group is refused, or a disk lies on a device that is missing.</exception>
    /// <returns>The disks.</returns>
    public static GroupDisks Find(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, IReadOnlyList<VolumeDomain> domains)
    {
        VolumeGroup group = Read(settings);
        Dictionary<string, int> domainOf = domains.Select((domain, i) => (Path.GetFullPath(domain.Path), i)).ToDictionary();
        int[] domainOfPhysical = [.. group.PhysicalVolumes.Select(physical => physical.Path is { } path ? domainOf[path] : -1)];
        List<PlacedDisk> placed = [];
        List<string> notServed = [.. group.Warnings];
        foreach (DiskSettings disk in disks)
        {
            if (group.LogicalVolumes.FirstOrDefault(volume => volume.Name == disk.LogicalVolume) is not { } volume)
                notServed.Add($"disk {disk.Name}: group {group.Name} has no logical volume {disk.LogicalVolume}; when there is one, SIGHUP has it served");
            else if (volume.Refusal is { LacksDevice: true } lack)
                throw new VolumeOpenException($"{group.Name}/{volume.Name}", lack.Problem, lack.Remedy);
            else if (volume.Refusal is null)
                placed.Add(Place(disk, group, volume, domainOfPhysical, domains));
        }

        // The hidden parts of others go without saying.
        foreach (LogicalVolume volume in group.LogicalVolumes)
        {
            if (volume.Refusal is { } refusal && (volume.IsVisible || disks.Any(disk => disk.LogicalVolume == volume.Name)))
                notServed.Add($"{group.Name}/{volume.Name} is not served: {refusal.Problem}; {refusal.Remedy}");
        }

        return new GroupDisks(placed, notServed);
    }

    /// <summary>Why a group is refused as a whole, in more words than that a device is in use; null if it is not, or can't be read.</summary>
    /// <param name="settings">The volume.</param>
    public static VolumeOpenException? WhyRefused(VolumeSettings settings)
    {
        try
        {
            _ = Read(settings);
            return null;
        }
        catch (VolumeOpenException refused)
        {
            return refused.Error == 0 ? refused : null;
        }
    }

    /// <summary>Why what is served now can't go on as it was found anew, or null.</summary>
    /// <param name="served">The disks that are served now.</param>
    public string? WhyNotInPlaceOf(IReadOnlyList<PlacedDisk> served)
    {
        foreach (PlacedDisk disk in served)
        {
            PlacedDisk? found = Disks.FirstOrDefault(found => found.Settings.Name == disk.Settings.Name);
            if (found is null || found.Identity != disk.Identity)
                return $"logical volume {disk.Settings.LogicalVolume} of disk {disk.Settings.Name} is {(found is null ? "gone, or not one to serve any more" : "another one now")}";
        }

        return null;
    }

    private static VolumeGroup Read(VolumeSettings settings)
    {
        VolumeGroup group = LvmGroupReader.Read(settings.PhysicalVolumes, new LvmReadOptions { SystemId = settings.SystemId });
        return group.Refusal is { } refusal ? throw new VolumeOpenException(group.Name, refusal.Problem, refusal.Remedy) : group;
    }

    private static PlacedDisk Place(
        DiskSettings disk, VolumeGroup group, LogicalVolume volume, int[] domainOfPhysical, IReadOnlyList<VolumeDomain> domains)
    {
        List<Extent> extents = [.. volume.Segments.Select(segment => ExtentOf(segment, domainOfPhysical))];
        foreach ((int domain, long offset, long length) in extents.SelectMany(extent => extent.Runs()))
        {
            // Its device was enlarged since it was opened, or does not use all of its bytes.
            if (offset > domains[domain].Device.Info.Size - length)
            {
                throw new VolumeOpenException(
                    $"{group.Name}/{volume.Name}",
                    $"it reaches beyond the {domains[domain].Device.Info.Size} bytes that {domains[domain].Path} had when it was opened",
                    "start the service again");
            }
        }

        return new PlacedDisk(disk, extents, volume.Uuid);
    }

    private static Extent ExtentOf(LvmSegment segment, int[] domainOfPhysical)
    {
        (int Domain, long DeviceOffset)[] legs =
            [.. segment.Stripes.Select(stripe => (domainOfPhysical[stripe.PhysicalVolume], stripe.DeviceOffset))];
        return legs.Length == 1
            ? new Extent(segment.DiskOffset, legs[0].Domain, legs[0].DeviceOffset, segment.Length)
            : Extent.Striped(segment.DiskOffset, segment.Length, new ExtentStripes(segment.ChunkLength, legs));
    }
}
