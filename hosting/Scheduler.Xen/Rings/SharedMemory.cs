// The memory of one ring that the guest shares: the ring's pages, then its data pages.
//
// S1  The guest writes to it at any time. The service made it and sealed its length, so that no access faults; all of it is
//     the guest's own, and what it does there while a request runs can only change what that request reads or writes: its own
//     blocks, or its own pages.
// S2  Data lie on whole pages that follow each other, or they go through a buffer of the service's: the device wants memory
//     that is aligned and in one piece. The buffers of a ring are bounded, and so is all of it: by the guest's buffer memory.
// S3  Given back when connection, ring, volume and device have let go.
using System.Runtime.InteropServices;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>A memfd that a guest shares with the service, and buffers beside it.</summary>
internal sealed unsafe class SharedMemory : RingPages
{
    private readonly GuestBuffers _buffers;
    private readonly int _ringBytes;
    private readonly int _dataPages;
    private readonly nint _start;

    private SharedMemory(GuestBuffers buffers, int ringOrder, int dataPages, int file, nint start)
        : base(start, BlkifAbi.Entries(ringOrder))
    {
        _buffers = buffers;
        _ringBytes = BlkifAbi.PageBytes << ringOrder;
        _dataPages = dataPages;
        File = file;
        _start = start;
    }

    /// <summary>The memfd; the guest gets it once.</summary>
    public int File { get; private set; }

    /// <inheritdoc/>
    /// <remarks>A guest that uses each of its pages for one request at a time always finds room.</remarks>
    public override bool HasRoom => Buffered <= DataBytes;

    private long DataBytes => (long)_dataPages * BlkifAbi.PageBytes;

    private long Reserved => BytesFor(_ringBytes, _dataPages);

    /// <summary>Makes it.</summary>
    /// <param name="buffers">Memory of the guest, of which it is a part.</param>
    /// <param name="ringOrder">Logarithm of the ring's pages.</param>
    /// <param name="dataPages">Data pages.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>The memory, held once; null if there is a problem.</returns>
    public static SharedMemory? TryMake(GuestBuffers buffers, int ringOrder, int dataPages, out string problem)
    {
        int ringBytes = BlkifAbi.PageBytes << ringOrder;
        long reserved = BytesFor(ringBytes, dataPages);
        if (!buffers.TryReserve(reserved))
        {
            problem = $"it takes {reserved} bytes of the guest's buffer-memory, of which {buffers.InUse} of {buffers.BytesMax} are used, and half of which one ring may have; ask for fewer data pages";
            return null;
        }

        problem = "";
        int file = MemoryCalls.MemoryFile("scheduler-ring", MemoryCalls.CloseOnExec | MemoryCalls.AllowSealing);
        nint length = ringBytes + ((nint)dataPages * BlkifAbi.PageBytes);
        nint start = MemoryCalls.MapFailed;
        if (file >= 0
            && MemoryCalls.SetLength(file, length) == 0
            && MemoryCalls.Control(file, MemoryCalls.AddSeals, MemoryCalls.SealShrink | MemoryCalls.SealGrow | MemoryCalls.SealSeal) == 0)
        {
            start = MemoryCalls.Map(0, (nuint)length, MemoryCalls.ReadWrite, MemoryCalls.Shared, file, 0);
        }

        if (start != MemoryCalls.MapFailed)
            return new SharedMemory(buffers, ringOrder, dataPages, file, start);
        problem = $"no memory can be shared: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}";
        if (file >= 0)
            _ = SocketCalls.close(file);
        buffers.Release(reserved);
        return null;
    }

    /// <inheritdoc/>
    public override bool Has(uint grant) => grant < _dataPages;

    /// <inheritdoc/>
    public override bool TryCopy(uint grant, Span<byte> destination)
    {
        if (!Has(grant))
            return false;
        new ReadOnlySpan<byte>(PageOf(grant), destination.Length).CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Data on whole pages that follow each other are used where they are.</remarks>
    public override nint Place(RingSlot slot, ReadOnlySpan<BlkifSegment> segments, int length, bool write) =>
        IsInOnePiece(segments) ? (nint)PageOf(segments[0].Grant) : base.Place(slot, segments, length, write);

    /// <summary>The guest has the memfd.</summary>
    public void CloseFile()
    {
        if (File >= 0)
            _ = SocketCalls.close(File);
        File = -1;
    }

    protected override void GiveBack()
    {
        base.GiveBack();
        CloseFile();
        _ = MemoryCalls.Unmap(_start, (nuint)(_ringBytes + DataBytes));
        _buffers.Release(Reserved);
    }

    /// <inheritdoc/>
    protected override bool Copy(ReadOnlySpan<BlkifSegment> segments, nint buffer, bool toGuest)
    {
        byte* at = (byte*)buffer;
        foreach (BlkifSegment segment in segments)
        {
            byte* guest = PageOf(segment.Grant) + segment.At;
            int bytes = segment.Bytes;
            System.Buffer.MemoryCopy(toGuest ? at : guest, toGuest ? guest : at, bytes, bytes);
            at += bytes;
        }

        return true;
    }

    // The data pages, as many bytes again of buffers, and one of the longest requests.
    private static long BytesFor(int ringBytes, int dataPages) =>
        ringBytes + (2L * dataPages * BlkifAbi.PageBytes) + BlkifAbi.TransferBytesMax;

    private static bool IsInOnePiece(ReadOnlySpan<BlkifSegment> segments)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i].First != 0
                || segments[i].Grant != segments[0].Grant + i
                || (i < segments.Length - 1 && segments[i].Last != BlkifAbi.SectorsPerPage - 1))
                return false;
        }

        return true;
    }

    private byte* PageOf(uint grant) => (byte*)_start + _ringBytes + ((long)grant * BlkifAbi.PageBytes);
}
