// Layout: LVM2's lib/label/label.h, lib/format_text/layout.h (struct pv_header) and lib/format_text/text_label.c.
using System.Buffers.Binary;

namespace Scheduler.Storage.Lvm.Disk;

/// <summary>A range of a physical volume (<c>struct disk_locn</c>).</summary>
/// <param name="Offset">First byte.</param>
/// <param name="Size">Bytes, as stored: not checked against the device.</param>
internal readonly record struct DiskArea(ulong Offset, ulong Size)
{
    /// <summary>Whether it lies within a device.</summary>
    public bool FitsIn(long deviceSize) => Offset <= (ulong)deviceSize && Size <= (ulong)deviceSize - Offset;
}

/// <summary>The label of a physical volume and the header that it holds.</summary>
/// <param name="Uuid">Identity of the physical volume.</param>
/// <param name="MetadataAreas">Where its copies of the group's metadata lie; may be none.</param>
internal sealed record PhysicalVolumeLabel(string Uuid, IReadOnlyList<DiskArea> MetadataAreas)
{
    /// <summary>The label may be in any of the first sectors.</summary>
    public const int ScanBytes = ScanSectors * Sector;

    private const int ScanSectors = 4;
    private const int Sector = 512;

    // struct label_header
    private const int SectorNumberAt = 8;
    private const int ChecksumAt = 16;
    private const int ContentOffsetAt = 20;
    private const int TypeAt = 24;
    private const int HeaderBytes = 32;

    // struct pv_header: uuid, device size, then two lists of ranges, each ended by an empty one
    private const int AreasAt = PvUuidBytes + 8;
    private const int PvUuidBytes = 32;
    private const int AreaBytes = 16;

    private const string Remedy = "name the physical volumes of one group (pvs lists them)";

    private static ReadOnlySpan<byte> Id => "LABELONE"u8;

    private static ReadOnlySpan<byte> Type => "LVM2 001"u8;

    /// <exception cref="VolumeOpenException">There is no label that can be trusted.</exception>
    public static PhysicalVolumeLabel Read(PhysicalVolumeFile file)
    {
        Span<byte> start = stackalloc byte[ScanBytes];
        if (file.Size < ScanBytes)
            throw new VolumeOpenException(file.Path, $"with {file.Size} bytes it is too small for a physical volume", Remedy);
        file.Read(0, start);

        string? problem = null;
        for (int sector = 0; sector < ScanSectors; sector++)
        {
            ReadOnlySpan<byte> label = start.Slice(sector * Sector, Sector);
            if (!label.StartsWith(Id))
                continue;
            PhysicalVolumeLabel? found = Parse(label, sector, out string? wrong);
            if (found != null)
                return found;
            problem ??= $"the label in sector {sector} {wrong}";
        }

        throw problem == null
            ? new VolumeOpenException(file.Path, "it has no LVM2 label", Remedy)
            : new VolumeOpenException(file.Path, problem, "restore the label with pvck --repair, or leave the path out");
    }

    private static PhysicalVolumeLabel? Parse(ReadOnlySpan<byte> label, int sector, out string? wrong)
    {
        PhysicalVolumeLabel? parsed = null;
        wrong = null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(label[ChecksumAt..]) != LvmChecksum.Of(label[ContentOffsetAt..]))
            wrong = "has a wrong checksum";
        else if (BinaryPrimitives.ReadUInt64LittleEndian(label[SectorNumberAt..]) != (ulong)sector)
            wrong = "says that it belongs to another sector";
        else if (!label[TypeAt..HeaderBytes].SequenceEqual(Type))
            wrong = "is not of type LVM2 001";
        else
            parsed = ParseHeader(label, out wrong);
        return parsed;
    }

    private static PhysicalVolumeLabel? ParseHeader(ReadOnlySpan<byte> label, out string? wrong)
    {
        wrong = "has a header that does not fit it";
        uint at = BinaryPrimitives.ReadUInt32LittleEndian(label[ContentOffsetAt..]);
        if (at < HeaderBytes || at > Sector - AreasAt)
            return null;
        ReadOnlySpan<byte> header = label[(int)at..];
        ReadOnlySpan<byte> lists = header[AreasAt..];
        if (!TryTakeList(ref lists, out _) || !TryTakeList(ref lists, out List<DiskArea> metadata))
            return null;

        wrong = "has an identity that is none";
        if (!LvmUuid.TryFormat(header[..PvUuidBytes], out string uuid))
            return null;
        wrong = null;
        return new PhysicalVolumeLabel(uuid, metadata);
    }

    private static bool TryTakeList(ref ReadOnlySpan<byte> data, out List<DiskArea> areas)
    {
        areas = [];
        while (data.Length >= AreaBytes)
        {
            DiskArea area = new(
                BinaryPrimitives.ReadUInt64LittleEndian(data), BinaryPrimitives.ReadUInt64LittleEndian(data[8..]));
            data = data[AreaBytes..];
            if (area.Offset == 0)
                return true;
            areas.Add(area);
        }

        return false;
    }
}
