using System.Buffers.Binary;
using System.Text;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>
/// A physical volume as an image file, made byte by byte: for what LVM2's tools would never write. Its checksums are computed
/// bit by bit here; that the tools' own are read too shows that they are the right ones.
/// </summary>
internal sealed class PvImage
{
    public const int AreaAt = 4096;
    public const int AreaSize = (1 << 20) - AreaAt;
    public const int LabelAt = 512;
    public const int HeaderAt = LabelAt + 32;

    private const int TextAt = 512;

    /// <param name="number">Which physical volume: <see cref="Uuid"/>.</param>
    /// <param name="text">The metadata; null: none.</param>
    public PvImage(int number, string? text)
    {
        Span<byte> label = Label;
        "LABELONE"u8.CopyTo(label);
        BinaryPrimitives.WriteUInt64LittleEndian(label[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(label[20..], 32);
        "LVM2 001"u8.CopyTo(label[24..]);
        Encoding.Latin1.GetBytes(Uuid(number).Replace("-", "", StringComparison.Ordinal)).CopyTo(label[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(label[64..], LvmTools.DeviceSize);
        BinaryPrimitives.WriteUInt64LittleEndian(label[72..], 1 << 20);
        BinaryPrimitives.WriteUInt64LittleEndian(label[104..], AreaAt);
        BinaryPrimitives.WriteUInt64LittleEndian(label[112..], AreaSize);

        Span<byte> header = Header;
        " LVM2 x[5A%r0N*>"u8.CopyTo(header[4..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], AreaAt);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], AreaSize);
        if (text != null)
            SetText(Encoding.Latin1.GetBytes(text + "\0"));
        Seal();
    }

    /// <summary>The first bytes of the device; the others are zeroes.</summary>
    public byte[] Bytes { get; } = new byte[1 << 20];

    public Span<byte> Label => Bytes.AsSpan(LabelAt, 512);

    public Span<byte> Header => Bytes.AsSpan(AreaAt, 512);

    public Span<byte> Text => Bytes.AsSpan(AreaAt + TextAt, (int)BinaryPrimitives.ReadUInt64LittleEndian(Header[48..]));

    public static string Uuid(int number) => $"{number:D6}-pppp-pppp-pppp-pppp-pppp-vvvvvv";

    /// <summary>A group <c>vg</c> in extents of 4 MiB, on as many physical volumes as wanted.</summary>
    public static string Group(
        string volumes, int physical = 2, int sequence = 7, string extra = "", string status = "\"RESIZEABLE\", \"READ\", \"WRITE\"", string ofPhysical = "")
    {
        StringBuilder text = new($"vg {{\nid = \"{VolumeTexts.Uuid(999)}\"\nseqno = {sequence}\nstatus = [{status}]\nflags = []\n");
        text.Append($"extent_size = 8192 {extra}\nphysical_volumes {{\n");
        for (int i = 0; i < physical; i++)
            text.Append($"pv{i} {{\nid = \"{Uuid(i)}\" device = \"/dev/sd{(char)('a' + i)}\" status = [\"ALLOCATABLE\"] flags = [] pe_start = 2048 pe_count = 15 {ofPhysical} }}\n");
        return text.Append($"}}\nlogical_volumes {{\n{volumes}\n}}\n}}\n# Made by a test\ncontents = \"Text Format Volume Group\"\nversion = 1\n").ToString();
    }

    public static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = 0xf597a6cf;
        foreach (byte value in data)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                uint one = (crc ^ ((uint)value >> bit)) & 1;
                crc >>= 1;
                if (one != 0)
                    crc ^= 0xedb88320;
            }
        }

        return crc;
    }

    /// <summary>Puts a text there.</summary>
    public void SetText(ReadOnlySpan<byte> text)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Header[40..], TextAt);
        BinaryPrimitives.WriteUInt64LittleEndian(Header[48..], (ulong)text.Length);
        text.CopyTo(Bytes.AsSpan(AreaAt + TextAt));
    }

    /// <summary>Makes all checksums right, whatever there is.</summary>
    public void Seal()
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(Header[40..]);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(Header[48..]);
        if (offset <= AreaSize && length <= AreaSize - offset)
            BinaryPrimitives.WriteUInt32LittleEndian(Header[56..], Checksum(Bytes.AsSpan(AreaAt + (int)offset, (int)length)));
        BinaryPrimitives.WriteUInt32LittleEndian(Header, Checksum(Header[4..]));
        BinaryPrimitives.WriteUInt32LittleEndian(Label[16..], Checksum(Label[20..]));
    }

    /// <summary>Writes it as a sparse file.</summary>
    public void Save(string path, long size = LvmTools.DeviceSize)
    {
        using FileStream file = File.Create(path);
        file.Write(Bytes.AsSpan().TrimEnd((byte)0));
        file.SetLength(size);
    }
}
