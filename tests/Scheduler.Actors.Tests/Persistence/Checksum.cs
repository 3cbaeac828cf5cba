using System.Text;

namespace Scheduler.Actors.Tests;

/// <summary>The checksum of what is stored, bit by bit.</summary>
internal static class Checksum
{
    private const string Before = ",\"crc32c\":\"";

    public static string Added(string manifest, string json) => $"{json[..^1]}{Before}{Crc32C(Encoding.UTF8.GetBytes(manifest + json)):x8}\"}}";

    public static string Removed(string text) => text[..text.LastIndexOf(Before, StringComparison.Ordinal)] + "}";

    private static uint Crc32C(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78);
        }

        return ~crc;
    }
}
