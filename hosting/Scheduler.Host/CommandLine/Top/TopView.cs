using System.Globalization;
using Spectre.Console;

namespace Scheduler.Host.CommandLine;

/// <summary>What <c>scheduler top</c> shows, and in which order.</summary>
internal sealed class TopView
{
    private static readonly string[] s_volumeHeadings =
        ["volume", "state", "policy", "IOPS", "MB/s", "flush/s", "device flush/s", "served by one", "queued", "in flight", "depth"];

    /// <summary>The column that guests are sorted by.</summary>
    public TopColumn Sort { get; private set; } = TopColumn.Default;

    /// <summary>Whether the order is the other way round.</summary>
    public bool IsReversed { get; private set; }

    /// <summary>Sorts by a column.</summary>
    /// <param name="name">Its name.</param>
    public void SortBy(string name) => Sort = TopColumn.All.First(column => column.Name == name);

    /// <summary>Sorts by another column.</summary>
    /// <param name="step">So many to the right; negative: to the left. It stops at the last one.</param>
    public void Move(int step)
    {
        int index = TopColumn.All.ToList().IndexOf(Sort) + step;
        Sort = TopColumn.All[Math.Clamp(index, 0, TopColumn.All.Count - 1)];
    }

    /// <summary>Turns the order round.</summary>
    public void Reverse() => IsReversed = !IsReversed;

    /// <summary>Lines that say it; a line with a table's headings begins with <see cref="HeadingMark"/>.</summary>
    /// <param name="rates">What to show.</param>
    /// <param name="linesMax">Most lines, from 1; what does not fit is counted.</param>
    public IReadOnlyList<string> Lines(TopRates rates, int linesMax)
    {
        // Guests are what people look for: volumes leave them at least half of the place.
        IReadOnlyList<string> volumes = Table(
            s_volumeHeadings, rates.Volumes.Select(VolumeCells), Math.Max(1, (linesMax / 2) - 1), "volumes");
        IEnumerable<string> headings = TopColumn.All.Select(column => column == Sort ? column.Heading + (IsReversed ? " ^" : " v") : column.Heading);
        IEnumerable<IEnumerable<string>> guests = Sort.Sort(rates.Guests, IsReversed).Select(guest => TopColumn.All.Select(column => column.Text(guest)));
        string[] lines = [.. volumes, "", .. Table([.. headings], guests, Math.Max(1, linesMax - volumes.Count - 1), "guests")];
        return lines.Length <= linesMax ? lines : lines[..linesMax];
    }

    /// <summary>What a line with headings begins with; it is not to be shown.</summary>
    public const char HeadingMark = '\u0001';

    private static IEnumerable<string> VolumeCells(VolumeRates volume) =>
    [
        volume.Volume,
        volume.State,
        volume.Policy,
        TopColumn.Number(volume.Iops),
        TopColumn.Number(volume.BytesPerSecond / 1e6, "N1"),
        TopColumn.Number(volume.FlushesPerSecond),
        TopColumn.Number(volume.DeviceFlushesPerSecond),
        volume.ServedPerFlush is { } served ? TopColumn.Number(served, "N1") : MetricText.None,
        TopColumn.Number(volume.Queued),
        TopColumn.Number(volume.InFlight),
        TopColumn.Number(volume.Depth),
    ];

    private static IReadOnlyList<string> Table(string[] headings, IEnumerable<IEnumerable<string>> rows, int linesMax, string what)
    {
        using StringWriter text = new();
        IAnsiConsole console = Terminal.ForTables(text);
        Table table = Terminal.Table(console, headings);
        int hidden = 0;
        IEnumerable<string>[] all = [.. rows];

        // The headings take a line, and so does what is said of those that don't fit.
        int shown = all.Length < linesMax ? all.Length : Math.Max(0, linesMax - 2);
        hidden = all.Length - shown;
        foreach (IEnumerable<string> row in all[..shown])
            Terminal.AddRow(table, row);
        console.Write(table);
        List<string> lines = [.. text.ToString().TrimEnd().Split('\n').Select(line => line.TrimEnd())];
        lines[0] = HeadingMark + lines[0];
        if (hidden > 0)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"and {hidden} more {what}"));
        return lines;
    }
}
