using System.Buffers.Binary;
using Scheduler.Actors;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Tests;

/// <summary>What a request is, and what it is refused with (S1). What each operation is to the scheduler, ProtocolMapTests say.</summary>
public class BlkifRequestTests
{
    private const short Error = -1;
    private const short NotSupported = -2;

    private static readonly BlkifDisk s_disk = new(1 << 20, 512, RingOrder.TagFlush);
    private static readonly BlkifDisk s_blocks = new(1 << 20, 4096, RingOrder.TagFlush);
    private readonly TestPages _pages = new(8);

    [Fact]
    public void A_read_names_where_its_data_go()
    {
        BlkifRequest request = Entry.Parse(Entry.Plain(0, 16, (3, 0, 7), (1, 2, 2)), s_disk, _pages, out BlkifSegment[] segments);

        Assert.Equal(new BlkifRequest(0x1122334455667788, 0, 0, new MappedRequest(RingOp.Read), 8192, 4096 + 512, 2), request);
        Assert.Equal([new BlkifSegment(3, 0, 7), new BlkifSegment(1, 2, 2)], segments);
        Assert.Equal((1024, 512), (segments[1].At, segments[1].Bytes));
    }

    [Theory]
    [InlineData(0, RingOp.Read)]
    [InlineData(1, RingOp.Write)]
    public void An_indirect_request_has_its_segments_in_a_page_and_echoes_what_it_carries(byte operation, RingOp op)
    {
        for (int i = 0; i < 256; i++)
            Entry.Segment(_pages.Pages[5].AsSpan(i * 8), ((uint)(i % 8), 0, 7));

        BlkifRequest request = Entry.Parse(Entry.Indirect(operation, 0, 256, 5), s_disk, _pages, out BlkifSegment[] segments);

        Assert.Equal((operation, (short)0, op, 1L << 20, 256), (request.Operation, request.Status, request.Mapped.Op, request.Length, request.Segments));
        Assert.Equal(7u, segments[255].Grant);
    }

    [Fact]
    public void A_page_of_segments_is_copied_once_so_that_what_the_guest_changes_later_changes_nothing()
    {
        Entry.Segment(_pages.Pages[5], (1, 0, 7));
        _pages.Copied = () => Entry.Segment(_pages.Pages[5], (4_000_000, 9, 200));

        BlkifRequest request = Entry.Parse(Entry.Indirect(1, 8, 1, 5), s_disk, _pages, out BlkifSegment[] segments);

        Assert.Equal((1, (short)0, 4096L), (_pages.Copies, request.Status, request.Length));
        Assert.Equal([new BlkifSegment(1, 0, 7)], segments);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_flush_and_an_empty_barrier_have_no_place_whatever_their_sector_says(byte operation)
    {
        BlkifRequest request = Entry.Parse(Entry.Plain(operation, ulong.MaxValue), s_disk, _pages);

        Assert.Equal((0, 0L, 0L, 0), (request.Status, request.Offset, request.Length, request.Segments));
        Assert.Equal(operation == 2 ? RingOp.EmptyBarrier : RingOp.Flush, request.Mapped.Op);
    }

    [Fact]
    public void A_barrier_with_data_is_a_barrier_write()
    {
        BlkifRequest request = Entry.Parse(Entry.Plain(2, 8, (0, 0, 7)), s_disk, _pages);
        Assert.Equal((0, RingOp.BarrierWrite, 4096L), (request.Status, request.Mapped.Op, request.Length));
    }

    [Fact]
    public void A_flush_with_data_goes_first()
    {
        BlkifRequest request = Entry.Parse(Entry.Plain(3, 8, (0, 0, 7)), s_disk, _pages);
        Assert.Equal((0, RingOp.Write, true, 4096L), (request.Status, request.Mapped.Op, request.Mapped.FlushFirst, request.Length));
    }

    [Theory]
    [InlineData(0, 2048, 0)]
    [InlineData(2047, 1, 0)]
    [InlineData(2047, 2, Error)]
    [InlineData(2048, 1, Error)]
    [InlineData(0, 0, Error)]
    [InlineData(ulong.MaxValue, 2, Error)]
    [InlineData(2, ulong.MaxValue, Error)]
    public void A_discard_lies_on_the_disk(ulong sector, ulong sectors, short status)
    {
        BlkifRequest request = Entry.Parse(Entry.Discard(sector, sectors), s_disk, _pages);

        Assert.Equal((status, RingOp.Discard, false), (request.Status, request.Mapped.Op, request.HasData));
        if (status == 0)
            Assert.Equal(((long)sector * 512, (long)sectors * 512), (request.Offset, request.Length));
    }

    [Fact]
    public void A_secure_discard_is_not_offered() =>
        Assert.Equal(NotSupported, Entry.Parse(Entry.Discard(0, 8, flag: 1), s_disk, _pages).Status);

    // 0xffffffffffffffff sectors are no place for a write.
    [Theory]
    [InlineData(0, 2047, 0)]
    [InlineData(0, 2048, Error)]
    [InlineData(1, 2048, Error)]
    [InlineData(1, ulong.MaxValue, Error)]
    [InlineData(2, ulong.MaxValue, Error)]
    [InlineData(1, 1UL << 55, Error)]
    public void What_lies_beyond_the_end_is_refused(byte operation, ulong sector, short status) =>
        Assert.Equal(status, Entry.Parse(Entry.Plain(operation, sector, (0, 0, 0)), s_disk, _pages).Status);

    [Theory]
    [InlineData(8, 0, 7, 0)]
    [InlineData(1, 0, 7, Error)]
    [InlineData(8, 0, 6, Error)]
    [InlineData(8, 0, 0, Error)]
    public void A_block_of_4096_bytes_is_read_and_written_whole(ulong sector, byte first, byte last, short status)
    {
        foreach (byte operation in (byte[])[0, 1])
            Assert.Equal(status, Entry.Parse(Entry.Plain(operation, sector, (0, first, last)), s_blocks, _pages).Status);
    }

    [Fact]
    public void Two_halves_of_a_block_may_come_from_two_pages() =>
        Assert.Equal(0, Entry.Parse(Entry.Plain(1, 8, (0, 4, 7), (1, 0, 3)), s_blocks, _pages).Status);

    [Theory]
    [InlineData(0, 8)]
    [InlineData(5, 4)]
    [InlineData(0, 255)]
    [InlineData(255, 255)]
    public void Sectors_that_are_none_of_a_page_are_refused(byte first, byte last) =>
        Assert.Equal(Error, Entry.Parse(Entry.Plain(0, 0, (0, first, last)), s_disk, _pages).Status);

    [Theory]
    [InlineData(8u)]
    [InlineData(uint.MaxValue)]
    public void Grants_that_are_not_there_are_refused(uint grant)
    {
        Assert.Equal(Error, Entry.Parse(Entry.Plain(0, 0, (0, 0, 7), (grant, 0, 7)), s_disk, _pages).Status);
        Assert.Equal(Error, Entry.Parse(Entry.Indirect(0, 0, 2, grant), s_disk, _pages).Status);
        Entry.Segment(_pages.Pages[0], (grant, 0, 7));
        Assert.Equal(Error, Entry.Parse(Entry.Indirect(0, 0, 1, 0), s_disk, _pages).Status);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 12)]
    [InlineData(1, 255)]
    [InlineData(2, 12)]
    [InlineData(3, 12)]
    public void A_request_has_1_to_11_segments(byte operation, byte segments)
    {
        byte[] entry = Entry.Plain(operation, 0, (0, 0, 7));
        entry[1] = segments;
        Assert.Equal(Error, Entry.Parse(entry, s_disk, _pages).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    [InlineData(ushort.MaxValue)]
    public void An_indirect_request_has_1_to_256_segments(ushort segments) =>
        Assert.Equal(Error, Entry.Parse(Entry.Indirect(1, 0, segments, 0), s_disk, _pages).Status);

    [Fact]
    public void O5_A_barrier_that_was_not_offered_is_not_supported() =>
        Assert.Equal(NotSupported, Entry.Parse(Entry.Plain(2, 0, (0, 0, 7)), s_disk with { Order = RingOrder.FlushFua }, _pages).Status);

    [Fact]
    public void The_nodes_say_sectors_of_512_bytes_and_the_blocks_size()
    {
        Dictionary<string, string> nodes = s_blocks.Nodes().ToDictionary(node => node.Node, node => node.Value);
        Assert.Equal(("2048", "4096", "1", "0"), (nodes["sectors"], nodes["sector-size"], nodes["feature-barrier"], nodes["feature-flush-cache"]));
        Assert.Equal("0", nodes["feature-max-indirect-segments"]);
        nodes = (s_disk with { Order = RingOrder.FlushFua }).Nodes().ToDictionary(node => node.Node, node => node.Value);
        Assert.Equal(("1", "256"), (nodes["feature-flush-cache"], nodes["feature-max-indirect-segments"]));
    }

    /// <summary>Field by field at the offsets of the header for 64-bit guests, so that no constant is checked against itself.</summary>
    [Fact]
    public void The_layout_is_that_of_64_bit_guests()
    {
        byte[] entry = Convert.FromHexString(
            "01020000" + "00000000" + "efcdab8967452301" + "1000000000000000" // write, 2 segments, id, sector 16
            + "02000000" + "00070000" + "07000000" + "03050000" + new string('0', 9 * 16));
        BlkifRequest request = Entry.Parse(entry, s_disk, _pages, out BlkifSegment[] segments);
        Assert.Equal(0x0123456789abcdefUL, request.Id);
        Assert.Equal((8192L, 4096L + 1536), (request.Offset, request.Length));
        Assert.Equal([new BlkifSegment(2, 0, 7), new BlkifSegment(7, 3, 5)], segments);
        Assert.Equal(16UL, BinaryPrimitives.ReadUInt64LittleEndian(entry.AsSpan(16)));
        Assert.Equal([32, 64, 128, 256, 512], Enumerable.Range(0, 5).Select(BlkifAbi.Entries));
        Assert.All(Enumerable.Range(0, 5), order => Assert.True(64 + (BlkifAbi.Entries(order) * 112) <= 4096 << order));
    }
}
