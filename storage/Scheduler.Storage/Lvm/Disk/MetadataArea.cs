// Layout: LVM2's lib/format_text/layout.h (struct mda_header, struct raw_locn) and lib/format_text/format-text.c.
using System.Buffers.Binary;

namespace Scheduler.Storage.Lvm.Disk;

/// <summary>One copy of a group's metadata, as a physical volume holds it.</summary>
/// <param name="Text">The text, whose checksum is right; null if there is none, or none is meant to be used.</param>
/// <param name="Damage">Why a text that should be there cannot be trusted.</param>
internal readonly record struct MetadataCopy(byte[]? Text, string? Damage);

/// <summary>
/// Reads a metadata area: a header of one sector, then a ring in which each change of the group writes a new text behind the
/// last one. The header says where the committed text lies; it may go round the ring's end.
/// </summary>
internal static class MetadataArea
{
    /// <summary>Largest text that is read: some twenty thousand logical volumes.</summary>
    public const int TextBytesMax = 16 << 20;

    private const int HeaderBytes = 512;
    private const uint Version = 1;

    private const int MagicAt = 4;
    private const int VersionAt = 20;
    private const int StartAt = 24;
    private const int SizeAt = 32;

    // The first location is the committed text's. The second is that of a change in progress: not ours to use.
    private const int TextOffsetAt = 40;
    private const int TextSizeAt = 48;
    private const int TextChecksumAt = 56;
    private const int TextFlagsAt = 60;

    /// <summary><c>RAW_LOCN_IGNORED</c>: LVM2 keeps this area out of use, and does not keep its text up to date.</summary>
    private const uint Ignored = 1;

    private static ReadOnlySpan<byte> Magic => " LVM2 x[5A%r0N*>"u8;

    /// <exception cref="VolumeOpenException">The device cannot be read.</exception>
    public static MetadataCopy Read(PhysicalVolumeFile file, DiskArea area)
    {
        MetadataCopy copy = ReadOnce(file, area);

        // A change of the group between the reads of header and text looks like damage, once.
        return copy.Damage == null ? copy : ReadOnce(file, area);
    }

    private static MetadataCopy ReadOnce(PhysicalVolumeFile file, DiskArea area)
    {
        if (!area.FitsIn(file.Size) || area.Size < HeaderBytes)
            return Damaged("it does not lie on the device");
        Span<byte> header = stackalloc byte[HeaderBytes];
        file.Read((long)area.Offset, header);

        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LvmChecksum.Of(header[MagicAt..]))
            return Damaged("its header has a wrong checksum");
        if (!header[MagicAt..].StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[VersionAt..]) != Version
            || BinaryPrimitives.ReadUInt64LittleEndian(header[StartAt..]) != area.Offset)
            return Damaged("its header is not that of this area");
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header[SizeAt..]);
        if (size < HeaderBytes || size > area.Size)
            return Damaged("its header gives another size than the label");
        return ReadText(file, (long)area.Offset, (long)size, header);
    }

    private static MetadataCopy ReadText(PhysicalVolumeFile file, long start, long size, ReadOnlySpan<byte> header)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[TextOffsetAt..]);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(header[TextSizeAt..]);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(header[TextFlagsAt..]);
        if ((flags & Ignored) != 0 || (offset == 0 && length == 0))
            return default;
        if (offset < HeaderBytes || offset >= (ulong)size || length == 0 || length > (ulong)size - HeaderBytes)
            return Damaged("its header points out of it");
        if (length > TextBytesMax)
            return Damaged($"its text of {length} bytes is larger than {TextBytesMax}");

        byte[] text = new byte[length];
        int first = (int)Math.Min((long)length, size - (long)offset);
        file.Read(start + (long)offset, text.AsSpan(0, first));
        file.Read(start + HeaderBytes, text.AsSpan(first));
        return BinaryPrimitives.ReadUInt32LittleEndian(header[TextChecksumAt..]) == LvmChecksum.Of(text)
            ? new MetadataCopy(text, null)
            : Damaged("its text has a wrong checksum");
    }

    private static MetadataCopy Damaged(string how) => new(null, how);
}
