// How a ring without Xen is agreed on: one message from the guest and one back, over a Unix socket of packets. Both are lines of
// `node=value`, with the names that they have in xenstore:
//
//   guest     disk=d0                     which disk; needed
//             protocol=x86_64-abi         the ring's layout; the only one, and what it is if left out
//             ring-page-order=2           logarithm of the ring's pages, 0 to 4; 0 if left out
//             data-pages=1024             pages for data, 256 to 262,144; 256 if left out
//
//   service   the backend's nodes: sectors, sector-size, feature-barrier, feature-flush-cache and so on. With them comes, as
//             SCM_RIGHTS, a memfd: the ring's pages, all zero, and then the data pages, which a segment's grant names, from 0 on.
//   or        error=why not; then it closes.
//
// From then on each side rings the other's bell with a packet of one byte. When one closes the socket the ring is over.
using System.Globalization;
using System.Text;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Server;

/// <summary>What a guest asks for.</summary>
/// <param name="Disk">Name of the disk.</param>
/// <param name="RingOrder">Logarithm of the ring's pages.</param>
/// <param name="DataPages">Data pages.</param>
internal sealed record Hello(string Disk, int RingOrder, int DataPages)
{
    /// <summary>Longest message in bytes.</summary>
    public const int BytesMax = 512;

    /// <summary>Fewest data pages: as many as the longest request has.</summary>
    public const int DataPagesMin = BlkifAbi.IndirectSegmentsMax;

    /// <summary>Most data pages: 1 GiB.</summary>
    public const int DataPagesMax = 1 << 18;

    private const string Protocol = "x86_64-abi";

    /// <summary>Reads a guest's message.</summary>
    /// <param name="message">Its bytes.</param>
    /// <param name="hello">What it asks for.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? TryRead(ReadOnlySpan<byte> message, out Hello hello)
    {
        hello = new Hello("", 0, DataPagesMin);
        if (message.Length > BytesMax || message.ContainsAnyExceptInRange((byte)'\n', (byte)'~') || message.ContainsAnyInRange((byte)('\n' + 1), (byte)(' ' - 1)))
            return $"the message is not text of {BytesMax} bytes at most";
        foreach (string line in Encoding.ASCII.GetString(message).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string value = line[(equals + 1)..];
            switch (equals < 0 ? "" : line[..equals])
            {
                case "disk":
                    hello = hello with { Disk = value };
                    break;
                case "protocol" when value == Protocol:
                    break;
                case "protocol":
                    return $"protocol={value} is not known; the ring has the layout {Protocol}";
                case "ring-page-order" when Number(value, 0, BlkifAbi.RingOrderMax) is { } order:
                    hello = hello with { RingOrder = order };
                    break;
                case "ring-page-order":
                    return $"ring-page-order={value} is not a number from 0 to {BlkifAbi.RingOrderMax}";
                case "data-pages" when Number(value, DataPagesMin, DataPagesMax) is { } pages:
                    hello = hello with { DataPages = pages };
                    break;
                case "data-pages":
                    return $"data-pages={value} is not a number from {DataPagesMin} to {DataPagesMax}";
                default:
                    return $"'{line}' is not known; there are disk, protocol, ring-page-order and data-pages";
            }
        }

        return hello.Disk.Length > 0 ? null : "it does not name a disk; write disk=NAME";
    }

    /// <summary>The answer to a guest that gets its ring.</summary>
    /// <param name="disk">Its disk.</param>
    /// <returns>The message.</returns>
    public static byte[] Accepted(BlkifDisk disk) =>
        Encoding.ASCII.GetBytes(string.Concat(disk.Nodes().Prepend(("protocol", Protocol)).Select(node => $"{node.Item1}={node.Item2}\n")));

    /// <summary>The answer to a guest that gets none.</summary>
    /// <param name="reason">Why.</param>
    /// <returns>The message.</returns>
    public static byte[] Refused(string reason) => Encoding.ASCII.GetBytes($"error={reason.ReplaceLineEndings(" ")}\n");

    private static int? Number(string text, int low, int high) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= low && number <= high ? number : null;
}
