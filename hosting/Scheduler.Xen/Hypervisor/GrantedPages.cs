// The pages that a Xen guest grants for a ring.
//
// S1  The ring's pages are mapped; the guest writes to them at any time, and they stay when it is gone. Data are copied by the
//     hypervisor, which checks each grant: what is not the guest's to give is an error of that request.
// S2  The device only ever uses buffers of the service's.
// S4  Bounded by a part of the guest's buffer memory, which the ring has from its beginning to its end.
// S3  The ring's pages go as soon as the ring is over: the domain could not end before. The buffers, and the part of the buffer
//     memory, go when the device has let go of them too.
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Hypervisor;

/// <summary>Granted pages, and buffers in place of those with data.</summary>
internal sealed unsafe class GrantedPages : RingPages
{
    /// <summary>Bytes of buffers beyond which no further request is taken.</summary>
    public const int BufferedMax = 4 << 20;

    /// <summary>What a ring takes of its guest's buffer memory.</summary>
    public const long Reserved = BufferedMax + BlkifAbi.TransferBytesMax;

    private readonly IGrants _grants;
    private readonly GuestBuffers _buffers;
    private readonly ushort _domain;
    private readonly Action _givenBack;
    private readonly GrantCopy[] _pieces = new GrantCopy[BlkifAbi.IndirectSegmentsMax];

    private GrantedPages(IGrants grants, GuestBuffers buffers, ushort domain, nint ring, int entries, Action givenBack)
        : base(ring, entries)
    {
        _grants = grants;
        _buffers = buffers;
        _domain = domain;
        _givenBack = givenBack;
    }

    /// <inheritdoc/>
    public override bool HasRoom => Buffered <= BufferedMax;

    /// <summary>Maps a ring.</summary>
    /// <param name="hypervisor">The hypervisor.</param>
    /// <param name="domain">The guest's domain.</param>
    /// <param name="grants">The ring's pages: 1, 2, 4, 8 or 16.</param>
    /// <param name="buffers">Memory of the guest, of which its buffers are a part.</param>
    /// <param name="givenBack">Called when nobody uses its buffers any more, from any thread.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>The pages, held once; null if there is a problem.</returns>
    public static GrantedPages? TryMap(IHypervisor hypervisor, ushort domain, ReadOnlySpan<uint> grants, GuestBuffers buffers, Action givenBack, out string problem)
    {
        if (!buffers.TryReserve(Reserved))
        {
            problem = $"a ring takes {Reserved} bytes of the guest's buffer-memory, of which {buffers.InUse} of {buffers.BytesMax} are used; raise it, or let the disk have fewer queues";
            return null;
        }

        if (hypervisor.OpenGrants(domain, out problem) is { } opened)
        {
            nint ring = opened.Map(grants, out problem);
            if (ring != 0)
                return new GrantedPages(opened, buffers, domain, ring, BlkifAbi.Entries(int.Log2(grants.Length)), givenBack);
            opened.Close();
        }

        buffers.Release(Reserved);
        return null;
    }

    /// <inheritdoc/>
    public override bool Has(uint grant) => true;

    /// <inheritdoc/>
    public override bool TryCopy(uint grant, Span<byte> destination)
    {
        fixed (byte* start = destination)
        {
            _pieces[0] = Piece(new BlkifSegment(grant, 0, 0), (nint)start, toGuest: false);
            _pieces[0].Length = (ushort)destination.Length;
            return CopyPieces(1);
        }
    }

    /// <inheritdoc/>
    public override void Leave() => _grants.Unmap();

    /// <inheritdoc/>
    protected override bool Copy(ReadOnlySpan<BlkifSegment> segments, nint buffer, bool toGuest)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            _pieces[i] = Piece(segments[i], buffer, toGuest);
            buffer += segments[i].Bytes;
        }

        return CopyPieces(segments.Length);
    }

    /// <inheritdoc/>
    protected override void GiveBack()
    {
        base.GiveBack();
        _grants.Unmap();
        _grants.Close();
        _buffers.Release(Reserved);
        _givenBack();
    }

    private GrantCopy Piece(BlkifSegment segment, nint address, bool toGuest)
    {
        GrantPlace place = new() { Grant = segment.Grant, Offset = (ushort)segment.At, Domain = _domain };
        GrantCopy piece = new() { Length = (ushort)segment.Bytes, Flags = toGuest ? GrantCopy.ToGuest : GrantCopy.FromGuest };
        if (toGuest)
            (piece.SourceAddress, piece.TargetGrant) = (address, place);
        else
            (piece.SourceGrant, piece.TargetAddress) = (place, address);
        return piece;
    }

    private bool CopyPieces(int count)
    {
        Span<GrantCopy> pieces = _pieces.AsSpan(0, count);
        if (!_grants.Copy(pieces))
            return false;
        foreach (ref readonly GrantCopy piece in pieces)
        {
            if (piece.Status != 0)
                return false;
        }

        return true;
    }
}
