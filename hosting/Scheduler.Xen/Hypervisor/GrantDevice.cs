using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Hypervisor;

/// <summary>A guest's granted pages, through an open /dev/xen/gntdev of their own.</summary>
/// <param name="file">The open device.</param>
/// <param name="domain">The guest's domain.</param>
internal sealed unsafe class GrantDevice(int file, ushort domain) : IGrants
{
    private const int GrantsMax = 1 << BlkifAbi.RingOrderMax;

    private nint _start;
    private int _pages;
    private ulong _index;

    /// <inheritdoc/>
    public nint Map(ReadOnlySpan<uint> grants, out string problem)
    {
        if (_start != 0 || grants.Length is 0 or > GrantsMax)
            throw new InvalidOperationException($"{grants.Length} grants can't be mapped: there are 1 to {GrantsMax}, once");

        // struct ioctl_gntdev_map_grant_ref: count u32, padding, index u64, then domain and grant of each, u32.
        uint* map = stackalloc uint[4 + (2 * GrantsMax)];
        map[0] = (uint)grants.Length;
        for (int i = 0; i < grants.Length; i++)
        {
            map[4 + (2 * i)] = domain;
            map[5 + (2 * i)] = grants[i];
        }

        if (DeviceCalls.Control(file, DeviceCalls.MapGrants, map) != 0)
        {
            problem = $"the ring's pages can't be mapped: {DeviceCalls.LastError}";
            return 0;
        }

        _index = *(ulong*)(map + 2);
        nint start = MemoryCalls.Map(0, (nuint)(grants.Length * BlkifAbi.PageBytes), MemoryCalls.ReadWrite, MemoryCalls.Shared, file, (long)_index);
        if (start == MemoryCalls.MapFailed)
        {
            problem = $"the ring's pages, which ring-ref names, can't be mapped: {DeviceCalls.LastError}";
            Forget(grants.Length);
            return 0;
        }

        problem = "";
        _pages = grants.Length;
        return _start = start;
    }

    /// <inheritdoc/>
    public void Unmap()
    {
        if (_start == 0)
            return;
        _ = MemoryCalls.Unmap(_start, (nuint)(_pages * BlkifAbi.PageBytes));
        _start = 0;
        Forget(_pages);
    }

    /// <inheritdoc/>
    public bool Copy(Span<GrantCopy> pieces)
    {
        fixed (GrantCopy* first = pieces)
        {
            // struct ioctl_gntdev_grant_copy: count u32, padding, address.
            nint* copy = stackalloc nint[2];
            copy[0] = pieces.Length;
            copy[1] = (nint)first;
            return DeviceCalls.Control(file, DeviceCalls.CopyGrants, copy) == 0;
        }
    }

    /// <inheritdoc/>
    public void Close() => _ = SocketCalls.close(file);

    // struct ioctl_gntdev_unmap_grant_ref: index u64, count u32, padding.
    private void Forget(int pages)
    {
        ulong* unmap = stackalloc ulong[2];
        unmap[0] = _index;
        unmap[1] = (uint)pages;
        _ = DeviceCalls.Control(file, DeviceCalls.UnmapGrants, unmap);
    }
}
