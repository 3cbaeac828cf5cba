using Scheduler.Core;

namespace Scheduler.Host.Configuration;

/// <summary>Checks disks: each within its volume, none overlapping another.</summary>
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
        if (!string.IsNullOrEmpty(entry.Lv))
        {
            throw reader.Error(
                At("lv"), "logical volumes are not supported yet; give offset and size on a file or block device");
        }

        VolumeSettings volume = Named(At("volume"), entry.Volume, volumes, "volume");
        GuestSettings guest = Named(At("guest"), entry.Guest, guests, "guest");
        long offset = reader.Size(At("offset"), entry.Offset, 0, VolumeRules.SizeMax, SettingsReader.BlockBytes);
        long size = reader.Size(
            At("size"), entry.Size, SettingsReader.BlockBytes, VolumeRules.SizeMax, SettingsReader.BlockBytes);
        if (offset > volume.Size || size > volume.Size - offset)
        {
            throw reader.Error(
                At(offset >= volume.Size ? "offset" : "size"),
                $"the disk ends beyond its volume: offset {ByteSize.Format(offset)}, size {ByteSize.Format(size)}, "
                + $"volume {volume.Name} {ByteSize.Format(volume.Size)}");
        }

        DiskSettings disk = new()
        {
            Name = name,
            Volume = volume,
            Guest = guest,
            Offset = offset,
            Size = size,
            Ordered = Ordered(At("ordered"), entry.Ordered),
        };
        if (_checked.Find(other => Overlap(disk, other)) is { } overlapping)
            throw reader.Error(At("offset"), $"the disk overlaps disk {overlapping.Name} on volume {volume.Name}");
        _checked.Add(disk);
        return disk;

        string At(string member) => SettingsReader.Key(key, member);
    }

    private static bool Overlap(DiskSettings a, DiskSettings b) =>
        a.Volume.Name == b.Volume.Name && a.Offset < b.Offset + b.Size && b.Offset < a.Offset + a.Size;

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
