// Layout: LVM2's lib/misc/crc.c.
namespace Scheduler.Storage.Lvm.Disk;

/// <summary>
/// LVM2's checksum: the common CRC-32 (reflected, 0xedb88320), but from a value of its own and without the final inversion.
/// </summary>
internal static class LvmChecksum
{
    private const uint Initial = 0xf597a6cf;
    private const uint Polynomial = 0xedb88320;

    private static readonly uint[] s_table = MakeTable();

    public static uint Of(ReadOnlySpan<byte> data)
    {
        uint crc = Initial;
        foreach (byte value in data)
            crc = s_table[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            table[i] = crc;
        }

        return table;
    }
}
