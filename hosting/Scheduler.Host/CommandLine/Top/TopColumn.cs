using System.Globalization;

namespace Scheduler.Host.CommandLine;

/// <summary>A column of the guests in <c>scheduler top</c>.</summary>
/// <param name="Name">What <c>--sort</c> calls it.</param>
/// <param name="Heading">With its unit.</param>
/// <param name="Text">What is in it.</param>
/// <param name="Figure">What it is sorted by, the largest first; null: by its text, the first first.</param>
internal sealed record TopColumn(string Name, string Heading, Func<GuestRates, string> Text, Func<GuestRates, double>? Figure)
{
    /// <summary>All of them, from the left.</summary>
    public static readonly IReadOnlyList<TopColumn> All =
    [
        new("guest", "guest", guest => guest.Guest, null),
        new("volume", "volume", guest => guest.Volume, null),
        Of("weight", "weight", guest => guest.Weight),
        Of("share", "share %", guest => guest.Share * 100, "F1"),
        Of("iops", "IOPS", guest => guest.Iops),
        Of("bytes", "MB/s", guest => guest.BytesPerSecond / 1e6, "N1"),
        new("latency", "latency ms", guest => Milliseconds(guest.LatencySeconds), guest => guest.LatencySeconds ?? 0),
        Of("flushes", "flush/s", guest => guest.FlushesPerSecond),
        Of("drain", "drain ms/s", guest => guest.DrainSecondsPerSecond * 1e3, "N1"),
        Of("rings", "rings", guest => guest.Rings),
        Of("queued", "queued", guest => guest.Queued),
        Of("in-flight", "in flight", guest => guest.InFlight),
    ];

    /// <summary>The one to sort by if none is named.</summary>
    public static readonly TopColumn Default = All.First(column => column.Name == "share");

    /// <summary>A figure.</summary>
    /// <param name="value">It.</param>
    /// <param name="format">How: as many places in every line, so that they can be compared at a glance.</param>
    public static string Number(double value, string format = "N0") => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Guests in the order of this column; those that are alike in it by name.</summary>
    /// <param name="guests">The guests.</param>
    /// <param name="isReversed">The other way round.</param>
    public IReadOnlyList<GuestRates> Sort(IEnumerable<GuestRates> guests, bool isReversed)
    {
        IEnumerable<GuestRates> byName = guests.OrderBy(guest => guest.Guest, StringComparer.Ordinal).ThenBy(guest => guest.Volume, StringComparer.Ordinal);
        return (Figure, isReversed) switch
        {
            (null, false) => [.. byName.OrderBy(Text, StringComparer.Ordinal)],
            (null, true) => [.. byName.OrderByDescending(Text, StringComparer.Ordinal)],
            (_, false) => [.. byName.OrderByDescending(Figure)],
            (_, true) => [.. byName.OrderBy(Figure)],
        };
    }

    private static TopColumn Of(string name, string heading, Func<GuestRates, double> figure, string format = "N0") =>
        new(name, heading, guest => Number(figure(guest), format), figure);

    private static string Milliseconds(double? seconds) => seconds is { } mean ? Number(mean * 1e3, "N2") : MetricText.None;
}
