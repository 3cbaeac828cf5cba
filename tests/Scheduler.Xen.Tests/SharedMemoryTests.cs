using System.Runtime.InteropServices;
using Scheduler.FrontEnd;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Tests;

/// <summary>What a guest can't do to memory that it shares with the service, and what of it a request takes.</summary>
public sealed partial class SharedMemoryTests : IDisposable
{
    private const int DataPages = 256;
    private static readonly BlkifSegment s_whole = new(0, 0, 7);

    private readonly GuestBuffers _buffers = new(64 << 20);
    private readonly SharedMemory _memory;

    public SharedMemoryTests()
    {
        SharedMemory? memory = SharedMemory.TryMake(_buffers, 0, DataPages, out string problem);
        Assert.True(memory is not null, problem);
        _memory = memory;
    }

    public void Dispose() => _memory.LetGo();

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(1 << 30)]
    public void It_can_be_made_neither_shorter_nor_longer(long length)
    {
        Assert.Equal(-1, ftruncate(_memory.File, length));
        Assert.Equal(1, Marshal.GetLastPInvokeError());
    }

    [Fact]
    public void Pages_that_are_not_the_guests_are_not_there()
    {
        Assert.True(_memory.Has(DataPages - 1));
        Assert.False(_memory.Has(DataPages));
        Assert.False(_memory.TryCopy(uint.MaxValue, new byte[8]));
    }

    [Fact]
    public void Whole_pages_that_follow_each_other_are_used_where_they_are()
    {
        RingSlot slot = _memory.Slots[0];
        nint place = _memory.Place(slot, [new(3, 0, 7), new(4, 0, 7), new(5, 0, 2)], 8192 + 1536, write: true);
        Assert.Equal(_memory.Ring + 4096 + (3 * 4096), place);
        Assert.Equal((0L, (nint)0), (_memory.Buffered, slot.Buffer));
    }

    [Fact]
    public unsafe void What_is_scattered_goes_through_a_buffer()
    {
        BlkifSegment[][] scattered = [[new(3, 1, 7)], [new(3, 0, 6), s_whole], [new(4, 0, 7), new(3, 0, 7)], [new(3, 0, 7), new(3, 0, 7)]];
        foreach (BlkifSegment[] segments in scattered)
        {
            RingSlot slot = _memory.Slots[0];
            int length = segments.Sum(segment => segment.Bytes);
            nint place = _memory.Place(slot, segments, length, write: false);
            Assert.Equal(place, slot.Buffer);
            Assert.Equal(0, place % 4096);
            Assert.InRange(_memory.Buffered, length, length + 4095);
            new Span<byte>((void*)place, length).Fill(7);
            _memory.Deliver(slot);
            byte[] page = new byte[4096];
            Assert.True(_memory.TryCopy(segments[^1].Grant, page));
            Assert.Equal(7, page[segments[^1].At]);
            _memory.Return(slot);
            Assert.Equal(0, _memory.Buffered);
        }
    }

    [Fact]
    public void S4_Buffers_are_bounded_and_the_longest_request_has_room_in_the_end()
    {
        BlkifSegment[] backwards = [.. Enumerable.Range(0, 256).Select(i => new BlkifSegment((uint)(255 - i), 0, 7))];
        int placed = 0;
        for (; _memory.HasRoom; placed++)
            _ = _memory.Place(_memory.Slots[placed], backwards, 1 << 20, write: false);
        Assert.Equal(2, placed);
        _memory.Return(_memory.Slots[0]);
        Assert.True(_memory.HasRoom);
        _memory.Return(_memory.Slots[1]);
    }

    [Fact]
    public void It_counts_for_the_guest_until_it_is_given_back()
    {
        long taken = 4096 + (2 * (1 << 20)) + (1 << 20);
        Assert.Equal(taken, _buffers.InUse);
        List<SharedMemory> all = [];
        while (SharedMemory.TryMake(_buffers, 4, 2048, out string problem) is { } more)
        {
            all.Add(more);
            Assert.Equal("", problem);
        }

        Assert.Equal(3, all.Count);
        Assert.Null(SharedMemory.TryMake(_buffers, 0, 1 << 18, out string tooMuch));
        Assert.Contains("buffer-memory", tooMuch, StringComparison.Ordinal);
        all.ForEach(memory => memory.LetGo());
        Assert.Equal(taken, _buffers.InUse);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int fd, long length);
}
