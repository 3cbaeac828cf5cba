using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>What sizes and durations share: a number, perhaps a blank, and a unit.</summary>
internal static class Quantity
{
    /// <summary>Longer numbers would overflow the decimal type that keeps fractions exact.</summary>
    private const int DigitsMax = 20;

    /// <summary>Splits a text.</summary>
    /// <param name="text">E.g. <c>1.5 MiB</c>.</param>
    /// <param name="number">0 or more.</param>
    /// <param name="unit">The letters after the number, perhaps none.</param>
    /// <returns>Whether the text has that form.</returns>
    public static bool TrySplit(string text, out decimal number, out string unit)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        int end = 0;
        while (end < trimmed.Length && (char.IsAsciiDigit(trimmed[end]) || trimmed[end] == '.'))
            end++;
        unit = trimmed[end..].TrimStart().ToString();
        number = 0;
        if (end is 0 or > DigitsMax)
            return false;
        ReadOnlySpan<char> digits = trimmed[..end];
        return decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
