using System.Globalization;

namespace Scheduler.Core.Tests.Traces;

/// <summary>How numbers are written in traces: bytes with K and M, times in microseconds.</summary>
internal static class TraceText
{
    public static long Bytes(string text) => text[^1] switch
    {
        'K' => Integer(text[..^1]) << 10,
        'M' => Integer(text[..^1]) << 20,
        _ => Integer(text),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        0 => "0",
        _ when bytes % (1 << 20) == 0 => $"{bytes >> 20}M",
        _ when bytes % (1 << 10) == 0 => $"{bytes >> 10}K",
        _ => bytes.ToString(CultureInfo.InvariantCulture),
    };

    public static (long Offset, long Length) Range(string text)
    {
        string[] parts = text.Split('+');
        return (Bytes(parts[0]), Bytes(parts[1]));
    }

    public static long Microseconds(string text) => (long)(decimal.Parse(text, CultureInfo.InvariantCulture) * 1000);

    public static string Microseconds(long ns) => (ns / 1000m).ToString("0.###", CultureInfo.InvariantCulture);

    public static int Integer(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>The number after a one-letter prefix, as in r3, d0 or #7.</summary>
    public static int Index(string text, char prefix) =>
        text[0] == prefix ? Integer(text[1..]) : throw new FormatException($"'{text}' does not begin with '{prefix}'");

    public static (int Ring, int Slot) RingSlot(string text)
    {
        string[] parts = text.Split('.');
        return (Index(parts[0], 'r'), Integer(parts[1]));
    }

    public static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The value of key=value among some words.</summary>
    public static string? Option(string[] words, string key)
    {
        string? found = words.FirstOrDefault(word => word.StartsWith(key + "=", StringComparison.Ordinal));
        return found?[(key.Length + 1)..];
    }
}
