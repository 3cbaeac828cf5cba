using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Disk;

/// <summary>
/// What of the kernel sits on a block device, such as device mapper with active logical volumes. It is asked for so that an
/// operator is told by name; what keeps the two apart is the exclusive opening of the volume (<see cref="FileVolume"/>).
/// </summary>
internal static class KernelHolders
{
    /// <returns>Their names, those of device mapper with what it calls them; none for a file.</returns>
    public static IReadOnlyList<string> Of(PhysicalVolumeFile file, string sysfs)
    {
        if (file.DeviceNumber is not (uint major, uint minor))
            return [];
        string holders = Path.Combine(sysfs, "dev", "block", $"{major}:{minor}", "holders");
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(holders).Order(StringComparer.Ordinal).Select(Describe)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No sysfs, as in some containers: then the exclusive opening alone tells.
            return [];
        }
    }

    private static string Describe(string holder)
    {
        string name = Path.GetFileName(holder);
        string mapped = Path.Combine(holder, "dm", "name");
        return File.Exists(mapped) ? $"{name} ({Printable.Of(File.ReadAllText(mapped).Trim())})" : name;
    }
}
