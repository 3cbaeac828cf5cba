using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>The pages of a ring's guest: those of the ring, and those of its requests' data, which buffers of the service stand for
/// where the device can't use them (S2).</summary>
/// <param name="ring">The ring's first page; the others follow it.</param>
/// <param name="entries">The ring's entries.</param>
internal abstract unsafe class RingPages(nint ring, int entries) : RingMemory, IGuestPages
{
    /// <summary>The ring's first page.</summary>
    public nint Ring { get; } = ring;

    /// <summary>One for each entry of the ring.</summary>
    public RingSlot[] Slots { get; } = [.. Enumerable.Range(0, entries).Select(_ => new RingSlot())];

    /// <summary>Bytes of the buffers that are used now.</summary>
    public long Buffered { get; private set; }

    /// <summary>Bytes that were copied from the guest for requests so far, also for those that came to nothing.</summary>
    public long Copied { get; private set; }

    /// <summary>Whether another request, of whatever length, may have a buffer (S4).</summary>
    public abstract bool HasRoom { get; }

    /// <inheritdoc/>
    public abstract bool Has(uint grant);

    /// <inheritdoc/>
    public abstract bool TryCopy(uint grant, Span<byte> destination);

    /// <summary>Where the device finds a request's data.</summary>
    /// <param name="slot">The request's.</param>
    /// <param name="segments">The segments, checked.</param>
    /// <param name="length">Their bytes.</param>
    /// <param name="write">Whether the data are written; a buffer has them then.</param>
    /// <returns>Aligned memory; 0 if the guest's pages can't be read.</returns>
    public virtual nint Place(RingSlot slot, ReadOnlySpan<BlkifSegment> segments, int length, bool write)
    {
        int size = (length + BlkifAbi.PageBytes - 1) / BlkifAbi.PageBytes * BlkifAbi.PageBytes;
        slot.Buffer = (nint)NativeMemory.AlignedAlloc((nuint)size, BlkifAbi.PageBytes);
        slot.BufferBytes = size;
        Buffered += size;
        if (!write)
        {
            slot.Segments = segments.ToArray();
            return slot.Buffer;
        }

        Copied += length;
        if (Copy(segments, slot.Buffer, toGuest: false))
            return slot.Buffer;
        Return(slot);
        return 0;
    }

    /// <summary>A read is done: what was read into a buffer goes to the guest.</summary>
    /// <param name="slot">The request's.</param>
    /// <returns>False if the guest's pages can't be written.</returns>
    public bool Deliver(RingSlot slot) => slot.Buffer == 0 || slot.Segments.Length == 0 || Copy(slot.Segments, slot.Buffer, toGuest: true);

    /// <summary>The device does not use a request's memory any more.</summary>
    /// <param name="slot">The request's.</param>
    public void Return(RingSlot slot)
    {
        slot.Segments = [];
        if (slot.Buffer == 0)
            return;
        NativeMemory.AlignedFree((void*)slot.Buffer);
        slot.Buffer = 0;
        Buffered -= slot.BufferBytes;
    }

    /// <summary>The ring is over: its pages are touched no more. Buffers may still be in use by the device.</summary>
    public virtual void Leave()
    {
    }

    /// <inheritdoc/>
    protected override void GiveBack()
    {
        foreach (RingSlot slot in Slots)
            Return(slot);
    }

    /// <summary>Copies a request's data.</summary>
    /// <param name="segments">Where they are in the guest's pages.</param>
    /// <param name="buffer">The buffer.</param>
    /// <param name="toGuest">From the buffer to the guest, or the other way.</param>
    /// <returns>False if one of the pages can't be reached; others may have been copied.</returns>
    protected abstract bool Copy(ReadOnlySpan<BlkifSegment> segments, nint buffer, bool toGuest);
}
