// A JSON object with a checksum of itself: its last member is ,"crc32c":"XXXXXXXX", eight hexadecimal digits in small letters. It
// is the CRC-32C (Castagnoli) of the manifest and of the object without that member, both as bytes of UTF-8.
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Scheduler.Actors;

/// <summary>Adds the checksum of what is stored, and takes it off.</summary>
internal static class Checksummed
{
    private const int DigitCount = 2 * sizeof(uint);

    private static ReadOnlySpan<byte> Before => ",\"crc32c\":\""u8;

    private static ReadOnlySpan<byte> After => "\"}"u8;

    /// <summary>Adds it.</summary>
    /// <param name="manifest">What the object is.</param>
    /// <param name="json">The object, which has a member, without white space.</param>
    /// <returns>The object with the checksum.</returns>
    public static byte[] Write(string manifest, ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> members = json[..^1];
        return [.. members, .. Before, .. Encoding.UTF8.GetBytes(Of(manifest, members)), .. After];
    }

    /// <summary>Holds it against the object, and takes it off.</summary>
    /// <param name="manifest">What the object is.</param>
    /// <param name="text">The object with the checksum.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <returns>The object without it; null: it is not as it was written.</returns>
    public static byte[]? Read(string manifest, ReadOnlySpan<byte> text, out string? problem)
    {
        problem = "it does not end with a checksum";
        int length = text.Length - Before.Length - DigitCount - After.Length;
        if (length < 1 || !text[length..].StartsWith(Before) || !text.EndsWith(After))
            return null;
        string found = Encoding.Latin1.GetString(text.Slice(length + Before.Length, DigitCount));
        string expected = Of(manifest, text[..length]);
        problem = found == expected ? null : $"its checksum is not that of its content, {expected}";
        return problem is null ? [.. text[..length], (byte)'}'] : null;
    }

    // Of the object whose members these are, without its closing brace.
    private static string Of(string manifest, ReadOnlySpan<byte> members)
    {
        uint crc = Add(Add(Add(uint.MaxValue, Encoding.UTF8.GetBytes(manifest)), members), "}"u8);
        return (~crc).ToString("x8", CultureInfo.InvariantCulture);
    }

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return crc;
    }
}
