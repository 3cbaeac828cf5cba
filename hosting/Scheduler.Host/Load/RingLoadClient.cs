using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;

namespace Scheduler.Host.Load;

/// <summary>A guest with a ring in shared memory.</summary>
internal sealed class RingLoadClient : ILoadClient
{
    // Longer than any flush; who hears nothing for so long hears nothing any more.
    private const int WaitMsMax = 60_000;

    private readonly RingClient _ring;
    private readonly int _pages;
    private readonly int _pagesPerSlot;

    public RingLoadClient(string path, string disk, int depth, int blockBytes)
    {
        _pages = blockBytes / BlkifAbi.PageBytes;

        // One more for a list of segments.
        _pagesPerSlot = _pages + (_pages > BlkifAbi.DirectSegmentsMax ? 1 : 0);
        int order = 0;
        while (BlkifAbi.Entries(order) < depth)
            order++;
        try
        {
            _ring = RingClient.Connect(path, disk, order, Math.Max(256, depth * _pagesPerSlot));
        }
        catch (IOException e)
        {
            throw new LoadException(e.Message);
        }

        new Random(1).NextBytes(_ring.Data(0, depth * _pagesPerSlot * BlkifAbi.PageBytes));
    }

    public long Size => _ring.Size;

    // An indirect request can't be one.
    public bool TakesBarriers => _ring.Nodes.GetValueOrDefault("feature-barrier") == "1" && _pages <= BlkifAbi.DirectSegmentsMax;

    public int? ServicePid => _ring.ServicePid;

    public void Add(int slot, LoadOp op, long offset)
    {
        byte operation = op switch
        {
            LoadOp.Read => BlkifAbi.Read,
            LoadOp.Write => BlkifAbi.Write,
            LoadOp.Barrier => BlkifAbi.WriteBarrier,
            _ => BlkifAbi.FlushDiskcache,
        };
        int page = slot * _pagesPerSlot;
        _ring.Add(operation, (ulong)slot, offset, page, op == LoadOp.Flush ? 0 : _pages, page + _pages);
    }

    public void Send() => _ring.Send();

    public int Wait(Span<int> slots)
    {
        if (!_ring.Wait(WaitMsMax))
            throw new LoadException(_ring.IsClosed ? "the service has closed a ring" : $"the service has answered nothing for {WaitMsMax / 1000} s");
        int count = 0;
        while (count < slots.Length && _ring.TryTake(out RingResponse response))
            slots[count++] = response.Status == 0 ? (int)response.Id : ~(int)response.Id;
        return count;
    }

    public void Dispose() => _ring.Dispose();
}
