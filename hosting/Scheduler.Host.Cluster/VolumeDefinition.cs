using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Cluster;

/// <summary>What has to be the same on all nodes of a volume: nodes that differ must not serve its disks to each other's guests. What was
/// made at the admin address is the same by itself.</summary>
internal static class VolumeDefinition
{
    /// <summary>A short text that differs where the definitions do.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="disks">Its disks that the configuration file declares.</param>
    /// <remarks>Paths may differ from node to node; what guests see may not.</remarks>
    public static string Of(VolumeSettings volume, IReadOnlyList<DiskSettings> disks)
    {
        StringBuilder text = new();
        Add(volume.Name, volume.Role ?? "", volume.Size, volume.PhysicalVolumes.Count);
        foreach (DiskSettings disk in disks.OrderBy(disk => disk.Name, StringComparer.Ordinal))
            Add(disk.Name, disk.Guest.Name, disk.LogicalVolume ?? "", disk.Offset, disk.Size, (int)disk.Ordered);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 12));

        void Add(params ReadOnlySpan<object> values)
        {
            foreach (object value in values)
                _ = text.Append(Convert.ToString(value, CultureInfo.InvariantCulture)).Append('|');
            _ = text.AppendLine();
        }
    }
}
