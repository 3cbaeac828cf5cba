using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Durations as text: a number and one of the units ns, us, ms, s, m (minutes), h, d, or their long names from the
/// HOCON specification. A number without a unit is refused, except 0: the specification reads it as milliseconds, which
/// few expect.
/// </summary>
public static class DurationText
{
    /// <summary>The longest duration that is read.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromDays(1000);

    /// <summary>Reads a duration.</summary>
    /// <param name="text">E.g. <c>100ms</c>, <c>1.5 s</c>, <c>20us</c>.</param>
    /// <returns>0 to <see cref="Max"/>, exact to 100 ns.</returns>
    /// <exception cref="FormatException">The text is no such duration; the message is fit for an operator.</exception>
    public static TimeSpan Parse(string text) =>
        TryParse(text, out TimeSpan duration, out string? problem) ? duration : throw new FormatException(problem);

    /// <summary>Reads a duration.</summary>
    /// <param name="text">As for <see cref="Parse"/>.</param>
    /// <param name="duration">0 to <see cref="Max"/>.</param>
    /// <param name="problem">On failure, what is wrong and what to write.</param>
    /// <returns>Whether the text is a duration.</returns>
    public static bool TryParse(string text, out TimeSpan duration, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        duration = TimeSpan.Zero;
        if (!Quantity.TrySplit(text, out decimal number, out string unit)
            || TicksOf(unit) is not { } scale
            || (unit.Length == 0 && number != 0))
        {
            problem = $"'{text}' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms";
            return false;
        }

        if (number > Max.Ticks / scale)
        {
            problem = $"'{text}' is too long; at most {Format(Max)}";
            return false;
        }

        decimal ticks = number * scale;
        problem = ticks == decimal.Truncate(ticks) ? null : $"'{text}' is finer than 100ns, the smallest step";
        if (problem is not null)
            return false;
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>Writes a duration with the largest unit that divides it.</summary>
    /// <param name="duration">0 or more.</param>
    /// <returns>E.g. <c>100ms</c>; <see cref="Parse"/> reads it back.</returns>
    public static string Format(TimeSpan duration)
    {
        (long ticks, string unit) = duration.Ticks switch
        {
            0 => (1, "s"),
            long t when t % TimeSpan.TicksPerDay == 0 => (TimeSpan.TicksPerDay, "d"),
            long t when t % TimeSpan.TicksPerHour == 0 => (TimeSpan.TicksPerHour, "h"),
            long t when t % TimeSpan.TicksPerMinute == 0 => (TimeSpan.TicksPerMinute, "m"),
            long t when t % TimeSpan.TicksPerSecond == 0 => (TimeSpan.TicksPerSecond, "s"),
            long t when t % TimeSpan.TicksPerMillisecond == 0 => (TimeSpan.TicksPerMillisecond, "ms"),
            long t when t % TimeSpan.TicksPerMicrosecond == 0 => (TimeSpan.TicksPerMicrosecond, "us"),
            _ => (0, "ns"),
        };
        long count = ticks == 0 ? duration.Ticks * TimeSpan.NanosecondsPerTick : duration.Ticks / ticks;
        return count.ToString(CultureInfo.InvariantCulture) + unit;
    }

    private static decimal? TicksOf(string unit) => unit switch
    {
        "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => 1m / TimeSpan.NanosecondsPerTick,
        "us" or "\u00b5s" or "micro" or "micros" or "microsecond" or "microseconds" => TimeSpan.TicksPerMicrosecond,
        "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => TimeSpan.TicksPerMillisecond,
        "s" or "second" or "seconds" => TimeSpan.TicksPerSecond,
        "m" or "minute" or "minutes" => TimeSpan.TicksPerMinute,
        "h" or "hour" or "hours" => TimeSpan.TicksPerHour,
        "d" or "day" or "days" => TimeSpan.TicksPerDay,
        _ => null,
    };
}
