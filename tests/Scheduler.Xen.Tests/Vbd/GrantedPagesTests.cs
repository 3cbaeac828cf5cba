using Scheduler.FrontEnd;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Hypervisor;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>Data that go between a guest's granted pages and the service's buffers.</summary>
public sealed class GrantedPagesTests : IDisposable
{
    private readonly TestHypervisor _hypervisor = new();
    private readonly TestGuest _guest = new(7, 1, 1);
    private readonly GuestBuffers _buffers = new(64 << 20);
    private readonly GrantedPages _pages;
    private int _givenBack;

    public GrantedPagesTests()
    {
        _hypervisor.Add(_guest);
        GrantedPages? pages = Map(out string problem);
        Assert.True(pages is not null, problem);
        _pages = pages;
    }

    public void Dispose()
    {
        _pages.LetGo();
        Assert.Equal((1, 0, 0L), (_givenBack, _hypervisor.Maps, _buffers.InUse));
        _guest.Dispose();
    }

    [Fact]
    public unsafe void Data_are_copied_piece_by_piece()
    {
        new Random(1).NextBytes(_guest.Ring.Data(0, 5 * 4096));
        BlkifSegment[] segments = [new(3, 1, 7), new(1, 0, 7), new(4, 5, 5)];
        RingSlot slot = _pages.Slots[0];
        nint place = _pages.Place(slot, segments, (7 + 8 + 1) * 512, write: true);
        byte[] expected = [.. _guest.Ring.Data(3, 4096)[512..], .. _guest.Ring.Data(1, 4096), .. _guest.Ring.Data(4, 4096)[2560..3072]];
        Assert.Equal(expected, new ReadOnlySpan<byte>((void*)place, expected.Length).ToArray());
        _pages.Return(slot);

        place = _pages.Place(slot, segments, expected.Length, write: false);
        expected.CopyTo(new Span<byte>((void*)place, expected.Length));
        _guest.Ring.Data(0, 5 * 4096).Clear();
        Assert.True(_pages.Deliver(slot));
        byte[] delivered = [.. _guest.Ring.Data(3, 4096)[512..], .. _guest.Ring.Data(1, 4096), .. _guest.Ring.Data(4, 4096)[2560..3072]];
        Assert.Equal(expected, delivered);
        Assert.Equal(0, _guest.Ring.Data(3, 512)[0]);
        _pages.Return(slot);
        Assert.Equal(0, _pages.Buffered);
    }

    [Fact]
    public void S1_What_is_not_granted_is_an_error_of_that_request()
    {
        RingSlot slot = _pages.Slots[0];
        Assert.Equal(0, _pages.Place(slot, [new(0, 0, 7), new(uint.MaxValue, 0, 7)], 8192, write: true));
        Assert.Equal((0L, (nint)0), (_pages.Buffered, slot.Buffer));
        Assert.NotEqual(0, _pages.Place(slot, [new(0, 0, 7), new(999, 0, 7)], 8192, write: false));
        Assert.False(_pages.Deliver(slot));
        _pages.Return(slot);
        Assert.False(_pages.TryCopy(uint.MaxValue, new byte[8]));
        Assert.True(_pages.TryCopy(0, new byte[4096]));
    }

    [Fact]
    public void A_ring_that_is_not_granted_is_not_mapped()
    {
        Assert.Null(GrantedPages.TryMap(_hypervisor, 7, [1, 2], _buffers, () => { }, out string problem));
        Assert.Contains("not granted", problem, StringComparison.Ordinal);
        Assert.Equal(GrantedPages.Reserved, _buffers.InUse);
    }

    [Fact]
    public void S4_Rings_are_bounded_by_their_guests_memory()
    {
        List<GrantedPages> all = [];
        while (Map(out string problem) is { } more)
            all.Add(more);
        Assert.Equal(11, all.Count);
        _ = Map(out string full);
        Assert.Contains("buffer-memory", full, StringComparison.Ordinal);
        all.ForEach(pages => pages.LetGo());
        _givenBack -= all.Count;
    }

    [Fact]
    public void S3_The_rings_pages_go_when_the_ring_does_and_buffers_when_the_device_has_let_go()
    {
        _ = _pages.Place(_pages.Slots[0], [new(0, 0, 7)], 4096, write: true);
        _pages.Hold();
        _pages.Leave();
        Assert.Equal((0, 0), (_hypervisor.Maps, _givenBack));
        _pages.LetGo();
        Assert.Equal((0, GrantedPages.Reserved), (_givenBack, _buffers.InUse));
    }

    private GrantedPages? Map(out string problem) =>
        GrantedPages.TryMap(_hypervisor, 7, [_guest.RingGrant, _guest.RingGrant + 1], _buffers, () => Interlocked.Increment(ref _givenBack), out problem);
}
