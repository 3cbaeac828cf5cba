using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Sizes as text: a number and a unit of the HOCON specification. B, or nothing, is bytes; K, Ki and KiB (M, G, T, P, E
/// alike) are powers of 1024; kB (MB, GB, ...) are powers of 1000; a single small letter is as its capital. A fraction
/// is taken if whole bytes come out.
/// </summary>
public static class ByteSize
{
    private const string Units = "KMGTPE";

    /// <summary>Reads a size.</summary>
    /// <param name="text">E.g. <c>4GiB</c>, <c>64k</c>, <c>1.5 MiB</c>, <c>4096</c>.</param>
    /// <returns>Bytes, 0 to 2^63-1.</returns>
    /// <exception cref="FormatException">The text is no such size; the message is fit for an operator.</exception>
    public static long Parse(string text) =>
        TryParse(text, out long bytes, out string? problem) ? bytes : throw new FormatException(problem);

    /// <summary>Reads a size.</summary>
    /// <param name="text">As for <see cref="Parse"/>.</param>
    /// <param name="bytes">0 to 2^63-1.</param>
    /// <param name="problem">On failure, what is wrong and what to write.</param>
    /// <returns>Whether the text is a size.</returns>
    public static bool TryParse(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes = 0;
        if (!Quantity.TrySplit(text, out decimal number, out string unit) || !TryScale(unit, out decimal scale))
        {
            problem = $"'{text}' is not a size; write e.g. 4GiB";
            return false;
        }

        if (number > long.MaxValue / scale)
        {
            problem = $"'{text}' is too large for a size";
            return false;
        }

        decimal value = number * scale;
        problem = value == decimal.Truncate(value) ? null : $"'{text}' is not a whole number of bytes";
        if (problem is not null)
            return false;
        bytes = (long)value;
        return true;
    }

    /// <summary>Writes a size with the largest binary unit that divides it.</summary>
    /// <param name="bytes">0 or more.</param>
    /// <returns>E.g. <c>4GiB</c>, <c>1000B</c>; <see cref="Parse"/> reads it back.</returns>
    public static string Format(long bytes)
    {
        int power = 0;
        while (power < Units.Length && bytes > 0 && bytes % 1024 == 0)
        {
            bytes /= 1024;
            power++;
        }

        string unit = power == 0 ? "B" : $"{Units[power - 1]}iB";
        return bytes.ToString(CultureInfo.InvariantCulture) + unit;
    }

    private static bool TryScale(string unit, out decimal scale)
    {
        scale = 1;
        if (unit is "" or "B" or "b" or "byte" or "bytes")
            return true;
        int power = Units.IndexOf(unit[0], StringComparison.OrdinalIgnoreCase) + 1;
        if (power == 0)
            return false;
        string rest = unit[1..];
        bool small = char.IsAsciiLetterLower(unit[0]);
        bool thousands = rest == "B" && (small ? unit[0] == 'k' : unit[0] != 'K');
        bool binary = rest.Length == 0 || (!small && rest is "i" or "iB");
        if (!thousands && !binary)
            return false;
        for (int i = 0; i < power; i++)
            scale *= binary ? 1024 : 1000;
        return true;
    }
}
