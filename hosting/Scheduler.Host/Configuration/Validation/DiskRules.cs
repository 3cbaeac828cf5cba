using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Host.Configuration;

/// <summary>Checks disks: each within its volume or a logical volume, none overlapping another.</summary>
/// <param name="reader">Converts values and makes errors.</param>
/// <param name="volumes">By name; null for those with mistakes.</param>
/// <param name="guests">By name; null for those with mistakes.</param>
internal sealed class DiskRules(
    SettingsReader reader,
    IReadOnlyDictionary<string, VolumeSettings?> volumes,
    IReadOnlyDictionary<string, GuestSettings?> guests)
{
    private readonly List<DiskSettings> _checked = [];

    /// <returns>The disk; null if it, its volume or its guest has mistakes.</returns>
    public DiskSettings? Check(string key, string name, DiskEntry entry)
    {
        int mistakes = reader.MistakeCount;
        VolumeSettings? volume = Named(At("volume"), entry.Volume, volumes, "volume");
        GuestSettings? guest = Named(At("guest"), entry.Guest, guests, "guest");
        OrderedMode ordered = reader.Choice<OrderedMode>(At("ordered"), entry.Ordered);
        if (volume is null)
            return null;
        string? logical = LogicalVolume(key, entry, volume);
        (long offset, long size) = logical is null ? Slice(key, entry, volume) : (0, 0);
        if (guest is null || reader.MistakeCount > mistakes)
            return null;
        DiskSettings disk = new()
        {
            Name = name,
            Volume = volume,
            Guest = guest,
            LogicalVolume = logical,
            Offset = offset,
            Size = size,
            Ordered = ordered,
        };
        if (_checked.Find(other => Overlap(disk, other)) is { } overlapping)
        {
            if (logical is null)
                reader.Wrong(At("offset"), $"the disk overlaps disk {overlapping.Name} on volume {volume.Name}");
            else
                reader.Wrong(At("lv"), $"is also the logical volume of disk {overlapping.Name}");
            return null;
        }

        _checked.Add(disk);
        return disk;

        string At(string member) => SettingsReader.Key(key, member);
    }

    private static bool Overlap(DiskSettings a, DiskSettings b) =>
        a.Volume.Name == b.Volume.Name
        && (a.Volume.IsGroup
            ? a.LogicalVolume == b.LogicalVolume
            : a.Offset < b.Offset + b.Size && b.Offset < a.Offset + a.Size);

    private string? LogicalVolume(string key, DiskEntry entry, VolumeSettings volume)
    {
        string lv = SettingsReader.Key(key, "lv");
        if (!volume.IsGroup)
        {
            return string.IsNullOrEmpty(entry.Lv)
                ? null
                : reader.Wrong<string?>(lv, $"volume {volume.Name} is no volume group; give offset and size", entry.Lv);
        }

        // The offset has a default.
        if (entry.Size is not null || entry.Offset is not (null or "0"))
        {
            return reader.Wrong<string?>(
                SettingsReader.Key(key, entry.Size is not null ? "size" : "offset"),
                $"volume {volume.Name} is a volume group; give only lv, the logical volume",
                "");
        }

        return reader.Text(lv, entry.Lv);
    }

    private (long Offset, long Size) Slice(string key, DiskEntry entry, VolumeSettings volume)
    {
        string offsetKey = SettingsReader.Key(key, "offset");
        string sizeKey = SettingsReader.Key(key, "size");
        int mistakes = reader.MistakeCount;
        long offset = reader.Size(offsetKey, entry.Offset, 0, CatalogLimits.SizeMax, SettingsReader.BlockBytes);
        long size = reader.Size(sizeKey, entry.Size, SettingsReader.BlockBytes, CatalogLimits.SizeMax, SettingsReader.BlockBytes);
        if (reader.MistakeCount == mistakes && (offset > volume.Size || size > volume.Size - offset))
        {
            reader.Wrong(
                offset >= volume.Size ? offsetKey : sizeKey,
                $"the disk ends beyond its volume: offset {ByteSize.Format(offset)}, size {ByteSize.Format(size)}, "
                + $"volume {volume.Name} {ByteSize.Format(volume.Size)}");
        }

        return (offset, size);
    }

    private T? Named<T>(string key, string? name, IReadOnlyDictionary<string, T?> declared, string kind)
        where T : class
    {
        if (reader.Text(key, name) is not { Length: > 0 } given)
            return null;
        if (declared.TryGetValue(given, out T? value))
            return value;
        string nearest = Nearest.To(given, declared.Keys) is { } known ? $"; did you mean {known}?" : "";
        return reader.Wrong<T?>(key, $"there is no {kind} '{given}'{nearest}", null);
    }
}
