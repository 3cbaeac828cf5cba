using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>Every reply, byte by byte. The cookie is always 0102030405060708.</summary>
public class ReplyWriterTests
{
    private const ulong Cookie = 0x0102030405060708;
    private static readonly Negotiated Simple = new(false, false);
    private static readonly Negotiated Structured = new(true, true);

    private delegate int Writer(Span<byte> destination);

    [Theory]
    [InlineData(NbdCommand.Write, NbdError.None, "SIMPLE 00000000 COOKIE")]
    [InlineData(NbdCommand.Flush, NbdError.EIO, "SIMPLE 00000005 COOKIE")]
    [InlineData(NbdCommand.Read, NbdError.EINVAL, "SIMPLE 00000016 COOKIE")]
    [InlineData(NbdCommand.Trim, NbdError.ESHUTDOWN, "SIMPLE 0000006c COOKIE")]
    public void Results_in_simple_replies(NbdCommand command, NbdError error, string wire) =>
        Expect(wire, d => ReplyWriter.Result(d, Request(command), Simple, error, "ignored"u8));

    [Theory]
    [InlineData(NbdCommand.Write, NbdError.None, "SIMPLE 00000000 COOKIE")]
    [InlineData(NbdCommand.Read, NbdError.EIO, "CHUNK 0001 8001 COOKIE 00000009 00000005 0003 'why'")]
    [InlineData(NbdCommand.BlockStatus, NbdError.EINVAL, "CHUNK 0001 8001 COOKIE 00000009 00000016 0003 'why'")]
    [InlineData(NbdCommand.WriteZeroes, NbdError.ENOTSUP, "CHUNK 0001 8001 COOKIE 00000009 0000005f 0003 'why'")]
    public void Results_once_structured_replies_are_negotiated(NbdCommand command, NbdError error, string wire) =>
        Expect(wire, d => ReplyWriter.Result(d, Request(command), Structured, error, "why"u8));

    [Fact]
    public void An_error_without_a_message() =>
        Expect(
            "CHUNK 0001 8001 COOKIE 00000006 0000001c 0000",
            d => ReplyWriter.Error(d, Cookie, NbdError.ENOSPC, default));

    [Fact]
    public void A_success_without_data_as_a_chunk() =>
        Expect("CHUNK 0001 0000 COOKIE 00000000", d => ReplyWriter.None(d, Cookie));

    [Fact]
    public void The_header_of_a_read()
    {
        RequestHeader request = Request(NbdCommand.Read, offset: 0x123456000, length: 0x2000000);
        Expect("SIMPLE 00000000 COOKIE", d => ReplyWriter.ReadHeader(d, request, Simple));
        Expect(
            "CHUNK 0001 0001 COOKIE 02000008 0000000123456000",
            d => ReplyWriter.ReadHeader(d, request, Structured));
    }

    [Fact]
    public void A_long_message_is_cut_between_characters()
    {
        // 255 bytes and a character of two: it would end at 257.
        byte[] message = Wire.Bytes("'a'*255 c3a4 'b'");
        Expect(
            "CHUNK 0001 8001 COOKIE 00000105 00000005 00ff 'a'*255",
            d => ReplyWriter.Error(d, Cookie, NbdError.EIO, message));
        Expect(
            "CHUNK 0001 8001 COOKIE 00000106 00000005 0100 'a'*256",
            d => ReplyWriter.Error(d, Cookie, NbdError.EIO, Wire.Bytes("'a'*400")));
    }

    /// <summary>
    /// Rows: flags, length of the request, room in extents; the extents offered as length and state; those written.
    /// </summary>
    [Theory]
    [InlineData("0 1000 9", "1000:0", "00001000 00000000")]
    [InlineData("0 1000 9", "200:0 e00:3", "00000200 00000000 00000e00 00000003")]
    [InlineData("0 1000 9", "200:0 ffff00000000:3", "00000200 00000000 00000e00 00000003")] // cut to the request
    [InlineData("0 1000 9", "1000:3 1000:0", "00001000 00000003")] // what follows the request is left out
    [InlineData("0 1000 9", "200:3", "00000200 00000003")] // less than the request is enough
    [InlineData("0 1000 9", "200:3 200:3 400:1 800:1", "00000400 00000003 00000c00 00000001")] // neighbours are joined
    [InlineData("0 1000 9", "7fffffffffffffff:0 7fffffffffffffff:0", "00001000 00000000")]
    [InlineData("0 ffffffff 9", "100000000:2", "ffffffff 00000002")]
    [InlineData("0 1000 2", "200:0 200:1 200:2 200:3", "00000200 00000000 00000200 00000001")] // no more room
    [InlineData("8 1000 9", "200:0 200:1", "00000200 00000000")] // REQ_ONE
    [InlineData("8 1000 9", "200:0 200:0 200:1", "00000400 00000000")]
    [InlineData("8 1000 9", "2000:3", "00001000 00000003")]
    [InlineData("0 1000 9", "", "00001000 00000000")] // nothing known: data
    [InlineData("8 1000 9", "", "00001000 00000000")]
    public void Block_status(string query, string offered, string written)
    {
        string[] cells = query.Split(' ');
        RequestHeader request = Request(
            NbdCommand.BlockStatus, (NbdCommandFlags)int.Parse(cells[0]), length: Convert.ToUInt32(cells[1], 16));
        StatusExtent[] extents = [.. offered.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Extent)];
        int payload = 4 + Wire.Bytes(written).Length;

        byte[] buffer = new byte[ReplyWriter.BlockStatusBytes(int.Parse(cells[2]))];
        int bytes = ReplyWriter.BlockStatus(buffer, request, extents);
        Assert.Equal(
            Wire.Hex(Wire.Bytes($"CHUNK 0001 0005 COOKIE {payload:x8} 00000001 {written}")),
            Wire.Hex(buffer.AsSpan(0, bytes)));
    }

    [Theory]
    [InlineData("0:0")]
    [InlineData("200:0 0:1")]
    public void An_empty_extent_is_a_mistake_of_the_caller(string offered)
    {
        StatusExtent[] extents = [.. offered.Split(' ').Select(Extent)];
        Assert.ThrowsAny<ArgumentException>(
            () => ReplyWriter.BlockStatus(new byte[64], Request(NbdCommand.BlockStatus, length: 4096), extents));
    }

    [Fact]
    public void Short_buffers_and_impossible_replies_are_mistakes_of_the_caller()
    {
        RequestHeader request = Request(NbdCommand.BlockStatus, length: 4096);
        Assert.Throws<ArgumentException>(() => ReplyWriter.Simple(new byte[15], Cookie, NbdError.None));
        Assert.Throws<ArgumentException>(() => ReplyWriter.OffsetData(new byte[27], Cookie, 0, 512));
        Assert.Throws<ArgumentException>(() => ReplyWriter.None(new byte[19], Cookie));
        Assert.Throws<ArgumentException>(
            () => ReplyWriter.Error(new byte[ReplyWriter.ErrorBytesMax - 1], Cookie, NbdError.EIO, default));
        Assert.Throws<ArgumentException>(() => ReplyWriter.BlockStatus(new byte[31], request, default));
        Assert.ThrowsAny<ArgumentException>(() => ReplyWriter.Error(new byte[512], Cookie, NbdError.None, default));
        Assert.ThrowsAny<ArgumentException>(() => ReplyWriter.OffsetData(new byte[28], Cookie, 0, 0));
        Assert.Throws<ArgumentException>(
            () => ReplyWriter.Result(new byte[512], Request(NbdCommand.Read), Structured, NbdError.None));
        Assert.Throws<ArgumentException>(
            () => ReplyWriter.Result(new byte[512], Request(NbdCommand.BlockStatus), Structured, NbdError.None));
        Assert.ThrowsAny<ArgumentException>(() => ReplyWriter.OffsetData(new byte[28], Cookie, 0, 0x2000001));
    }

    [Fact]
    public void Writing_replies_allocates_nothing()
    {
        byte[] buffer = new byte[512];
        StatusExtent[] extents = [new(512, BlockState.Data), new(512, BlockState.Hole | BlockState.Zero)];
        Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            RequestHeader request = Request(NbdCommand.BlockStatus, length: 4096);
            RequestCheck.Check(request, TestExports.D0, Structured);
            ReplyWriter.ReadHeader(buffer, request, Structured);
            ReplyWriter.Result(buffer, request, Structured, NbdError.EIO, "device error"u8);
            ReplyWriter.Result(buffer, Request(NbdCommand.Write), Simple, NbdError.None);
            ReplyWriter.BlockStatus(buffer, request, extents);
        }
    }

    private static StatusExtent Extent(string text)
    {
        string[] parts = text.Split(':');
        return new StatusExtent(Convert.ToInt64(parts[0], 16), (BlockState)int.Parse(parts[1]));
    }

    private static RequestHeader Request(
        NbdCommand command, NbdCommandFlags flags = NbdCommandFlags.None, ulong offset = 0, uint length = 512) =>
        new(NbdConstants.RequestMagic, flags, command, Cookie, offset, length);

    private static void Expect(string wire, Writer write)
    {
        byte[] buffer = new byte[512];
        buffer.AsSpan().Fill(0xee);
        int bytes = write(buffer);
        Assert.Equal(Wire.Hex(Wire.Bytes(wire)), Wire.Hex(buffer.AsSpan(0, bytes)));
        Assert.All(buffer[bytes..], b => Assert.Equal(0xee, b));
    }
}
