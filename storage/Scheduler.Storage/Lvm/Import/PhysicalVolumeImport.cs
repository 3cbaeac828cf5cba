// The keys: LVM2's lib/format_text/import_vsn1.c (_read_pv).
using Scheduler.Storage.Lvm.Disk;
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>Reads the physical volumes of a group, and finds them among the paths that were given.</summary>
internal static class PhysicalVolumeImport
{
    private const int Sector = 512;

    public static IReadOnlyList<PhysicalVolume> Import(
        ConfigSection group, long extentSize, IReadOnlyList<FoundPhysicalVolume> found)
    {
        ConfigSection sections = group.Section("physical_volumes") ?? throw group.Missing("physical_volumes");
        Dictionary<string, FoundPhysicalVolume> byUuid = found.ToDictionary(one => one.Label.Uuid);
        HashSet<string> uuids = [];
        List<PhysicalVolume> volumes = [];
        foreach (ConfigSection section in sections.Sections)
        {
            PhysicalVolume volume = Import(section, extentSize, byUuid);
            if (!uuids.Add(volume.Uuid))
                throw new MetadataException($"two physical volumes are {volume.Uuid}");
            volumes.Add(volume);
        }

        return volumes;
    }

    private static PhysicalVolume Import(
        ConfigSection section, long extentSize, Dictionary<string, FoundPhysicalVolume> byUuid)
    {
        LvmName.Check(section.Name);
        string uuid = LvmName.Uuid(section);
        FoundPhysicalVolume? found = byUuid.GetValueOrDefault(uuid);
        PhysicalVolume volume = new()
        {
            Name = section.Name,
            Uuid = uuid,
            Path = found?.Path,
            DeviceHint = Printable.Of(section.Text("device") ?? ""),
            Size = found?.Size ?? 0,
            DataOffset = (long)(Bytes(section, "pe_start") ?? throw section.Missing("pe_start")),
            ExtentCount = section.RequiredNumber("pe_count", 0, uint.MaxValue),
            MarkedMissing = StatusFlags.OfPhysicalVolume(section).Contains("MISSING"),
        };
        if (volume.ExtentCount > (long.MaxValue - volume.DataOffset) / extentSize)
            throw new MetadataException($"physical volume {volume.Name} is larger than any device");
        if (found != null)
            RequireApart(volume, extentSize, section, found.Label);
        return volume;
    }

    private static ulong? Bytes(ConfigSection section, string key) =>
        (ulong?)(section.Number(key, 0, long.MaxValue / Sector) * Sector);

    // No logical volume may reach the label, a copy of the metadata or a boot loader: a guest could write there.
    private static void RequireApart(
        PhysicalVolume volume, long extentSize, ConfigSection section, PhysicalVolumeLabel label)
    {
        DiskArea loader = new(Bytes(section, "ba_start") ?? 0, Bytes(section, "ba_size") ?? 0);
        ulong start = (ulong)volume.DataOffset;
        ulong end = start + ((ulong)volume.ExtentCount * (ulong)extentSize);
        foreach (DiskArea area in label.MetadataAreas.Append(loader).Append(new DiskArea(0, PhysicalVolumeLabel.ScanBytes)))
        {
            bool apart = area.Size == 0 || start == end || area.Offset >= end
                || (area.Offset <= start && area.Size <= start - area.Offset);
            if (!apart)
                throw new MetadataException($"the extents of physical volume {volume.Name} overlap what LVM2 keeps there");
        }
    }
}
