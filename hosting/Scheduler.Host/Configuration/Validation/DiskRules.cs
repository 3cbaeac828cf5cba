using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Host.Configuration;

/// <summary>Checks disks: each within its volume or a logical volume, none overlapping another.</summary>
/// <param name="reader">Converts values and makes errors.</param>
/// <param name="volumes">By name.</param>
/// <param name="guests">By name.</param>
internal sealed class DiskRules(
    SettingsReader reader,
    IReadOnlyDictionary<string, VolumeSettings> volumes,
    IReadOnlyDictionary<string, GuestSettings> guests)
{
    private readonly List<DiskSettings> _checked = [];

    public DiskSettings Check(string key, string name, DiskEntry entry)
    {
        VolumeSettings volume = Named(At("volume"), entry.Volume, volumes, "volume");
        GuestSettings guest = Named(At("guest"), entry.Guest, guests, "guest");
        string? logical = LogicalVolume(key, entry, volume);
        (long offset, long size) = logical is null ? Slice(key, entry, volume) : (0, 0);
        DiskSettings disk = new()
        {
            Name = name,
            Volume = volume,
            Guest = guest,
            LogicalVolume = logical,
            Offset = offset,
            Size = size,
            Ordered = Ordered(At("ordered"), entry.Ordered),
        };
        if (_checked.Find(other => Overlap(disk, other)) is { } overlapping)
        {
            throw logical is null
                ? reader.Error(At("offset"), $"the disk overlaps disk {overlapping.Name} on volume {volume.Name}")
                : reader.Error(At("lv"), $"is also the logical volume of disk {overlapping.Name}");
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
                : throw reader.Error(lv, $"volume {volume.Name} is no volume group; give offset and size");
        }

        // The offset has a default.
        if (entry.Size is not null || entry.Offset is not (null or "0"))
        {
            throw reader.Error(
                SettingsReader.Key(key, entry.Size is not null ? "size" : "offset"),
                $"volume {volume.Name} is a volume group; give only lv, the logical volume");
        }

        return reader.Text(lv, entry.Lv);
    }

    private (long Offset, long Size) Slice(string key, DiskEntry entry, VolumeSettings volume)
    {
        string offsetKey = SettingsReader.Key(key, "offset");
        string sizeKey = SettingsReader.Key(key, "size");
        long offset = reader.Size(offsetKey, entry.Offset, 0, CatalogLimits.SizeMax, SettingsReader.BlockBytes);
        long size = reader.Size(sizeKey, entry.Size, SettingsReader.BlockBytes, CatalogLimits.SizeMax, SettingsReader.BlockBytes);
        return offset <= volume.Size && size <= volume.Size - offset
            ? (offset, size)
            : throw reader.Error(
                offset >= volume.Size ? offsetKey : sizeKey,
                $"the disk ends beyond its volume: offset {ByteSize.Format(offset)}, size {ByteSize.Format(size)}, "
                + $"volume {volume.Name} {ByteSize.Format(volume.Size)}");
    }

    private OrderedMode Ordered(string key, string? text)
    {
        OrderedMode mode = reader.Choice<OrderedMode>(key, text);
        return mode == OrderedMode.FlushFua
            ? mode
            : throw reader.Error(key, $"NBD disks take only flush-fua, not {text}");
    }

    private T Named<T>(string key, string? name, IReadOnlyDictionary<string, T> declared, string kind)
    {
        if (declared.TryGetValue(reader.Text(key, name), out T? value))
            return value;
        string nearest = Nearest.To(name!, declared.Keys) is { } known ? $"; did you mean {known}?" : "";
        throw reader.Error(key, $"there is no {kind} '{name}'{nearest}");
    }
}
