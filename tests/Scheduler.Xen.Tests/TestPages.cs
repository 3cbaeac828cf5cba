using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Tests;

/// <summary>A guest's pages, some of them.</summary>
internal sealed class TestPages(int count) : IGuestPages
{
    public byte[][] Pages { get; } = [.. Enumerable.Range(0, count).Select(_ => new byte[BlkifAbi.PageBytes])];

    /// <summary>How often a page was copied.</summary>
    public int Copies { get; private set; }

    /// <summary>What the guest does as soon as a page was copied.</summary>
    public Action Copied { get; set; } = () => { };

    public bool Has(uint grant) => grant < Pages.Length;

    public bool TryCopy(uint grant, Span<byte> destination)
    {
        Copies++;
        if (!Has(grant))
            return false;
        Pages[grant].AsSpan(0, destination.Length).CopyTo(destination);
        Copied();
        return true;
    }
}
