using System.Text;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// The data of LIST_ and SET_META_CONTEXT, as far as this server knows contexts (section "Metadata querying").
/// </summary>
/// <param name="ExportName">The export, by the client's name for it.</param>
/// <param name="BaseAllocation">Whether the queries find <c>base:allocation</c>.</param>
internal readonly record struct MetaContextRequest(string ExportName, bool BaseAllocation)
{
    /// <summary>The one context there is.</summary>
    public static ReadOnlySpan<byte> BaseAllocationName => "base:allocation"u8;

    /// <summary>In a listing: all contexts of the namespace. In a choice it selects nothing.</summary>
    private static ReadOnlySpan<byte> BaseWildcard => "base:"u8;

    /// <summary>Reads and understands the data.</summary>
    /// <param name="data">The option's data.</param>
    /// <param name="set">Whether it is a choice; else it is a listing, where no query at all asks for
    /// everything.</param>
    /// <param name="request">The result.</param>
    /// <returns>False if the data is malformed. A query that finds nothing is not: unknown ones must be
    /// ignored.</returns>
    public static bool TryRead(ReadOnlySpan<byte> data, bool set, out MetaContextRequest request)
    {
        request = default;
        OptionReader reader = new(data);
        if (!reader.TryString(out ReadOnlySpan<byte> name) || !reader.TryUInt32(out uint queries))
            return false;

        bool found = !set && queries == 0;
        for (uint i = 0; i < queries; i++)
        {
            // Each takes at least the four bytes of its length, so that the data bounds the loop.
            if (!reader.TryString(out ReadOnlySpan<byte> query))
                return false;
            found |= query.SequenceEqual(BaseAllocationName) || (!set && query.SequenceEqual(BaseWildcard));
        }

        if (!reader.AtEnd)
            return false;
        request = new MetaContextRequest(Encoding.UTF8.GetString(name), found);
        return true;
    }
}
