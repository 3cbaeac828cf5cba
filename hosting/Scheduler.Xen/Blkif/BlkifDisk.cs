using System.Globalization;
using Scheduler.Actors;

namespace Scheduler.Xen.Blkif;

/// <summary>What a guest is told of its disk, and what its requests are checked against.</summary>
/// <param name="Size">Bytes; a multiple of <paramref name="Block"/>.</param>
/// <param name="Block">Granularity of offsets and lengths in bytes: 512 or 4096.</param>
/// <param name="Order">The disk's ordered mode.</param>
public sealed record BlkifDisk(long Size, int Block, RingOrder Order)
{
    private const int ReadOnlyInfo = 4;

    /// <summary>Whether the guest may only read.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether the guest may send barriers.</summary>
    public bool HasBarriers => ProtocolMap.TakesBarriers(Order);

    /// <summary>The backend's nodes. Sectors are counted in 512 bytes, as Linux does, also where a block has 4096.</summary>
    /// <returns>Names and values.</returns>
    public IReadOnlyList<(string Node, string Value)> Nodes() =>
    [
        ("sectors", Text(Size / BlkifAbi.SectorBytes)),
        ("sector-size", Text(Block)),
        ("physical-sector-size", Text(BlkifAbi.PageBytes)),
        ("info", Text(IsReadOnly ? ReadOnlyInfo : 0)),
        ("max-ring-page-order", Text(BlkifAbi.RingOrderMax)),
        ("discard-granularity", Text(BlkifAbi.PageBytes)),
        ("discard-alignment", "0"),
        ("discard-secure", "0"),
        .. ProtocolMap.BlkifNodes(Order, BlkifAbi.IndirectSegmentsMax).Select(node => (node.Node, Text(node.Value))),
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
