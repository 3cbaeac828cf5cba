using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Interop.Tests.Durability;

internal enum DiskEventKind
{
    WriteBegins,
    WriteEnds,
    FlushBegins,
    FlushEnds,
}

/// <param name="Kind">What.</param>
/// <param name="Request">Names the request; the same for its begin and its end.</param>
/// <param name="Offset">First byte of a write that begins.</param>
/// <param name="Count">Bytes of a write that begins.</param>
internal sealed record DiskEvent(DiskEventKind Kind, string Request, long Offset, long Count);

/// <summary>
/// The log of nbdkit's log filter. A line is in the file before what it tells of goes on: whoever has got a reply finds
/// all that led to it.
/// </summary>
internal sealed partial class DiskLog(string path)
{
    public string Path { get; } = path;

    /// <summary>Where the log ends now.</summary>
    public long Position => new FileInfo(Path).Length;

    /// <summary>What was logged after a position, in order.</summary>
    public List<DiskEvent> Since(long position)
    {
        using FileStream file = new(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = position;
        using StreamReader reader = new(file);
        List<DiskEvent> events = [];
        foreach (Match line in Line().Matches(reader.ReadToEnd()))
        {
            string request = $"{line.Groups["connection"]}/{line.Groups["id"]}";
            bool ends = line.Groups["ends"].Success;
            bool write = line.Groups["op"].Value == "Write";
            if (ends && line.Groups["return"].Value != "0")
                continue;
            DiskEventKind kind = write
                ? ends ? DiskEventKind.WriteEnds : DiskEventKind.WriteBegins
                : ends ? DiskEventKind.FlushEnds : DiskEventKind.FlushBegins;
            events.Add(new DiskEvent(kind, request, Hex(line.Groups["offset"]), Hex(line.Groups["count"])));
        }

        return events;
    }

    /// <summary>Whether a flush began after the event with an index (-1: at all), and has ended well.</summary>
    public static bool HasFlushAfter(List<DiskEvent> events, int index)
    {
        for (int begin = index + 1; begin < events.Count; begin++)
        {
            DiskEvent ended = new(DiskEventKind.FlushEnds, events[begin].Request, -1, -1);
            if (events[begin].Kind == DiskEventKind.FlushBegins && events.IndexOf(ended, begin) > 0)
                return true;
        }

        return false;
    }

    private static long Hex(Group group) =>
        group.Success ? long.Parse(group.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : -1;

    [GeneratedRegex(
        @"connection=(?<connection>\d+) (?<ends>\.\.\.)?(?<op>Write|Flush) id=(?<id>\d+)"
        + @"( offset=0x(?<offset>[0-9a-f]+))?( count=0x(?<count>[0-9a-f]+))?"
        + @"[^\n]*?( return=(?<return>-?\d+))?[^\n]*\n")]
    private static partial Regex Line();
}
