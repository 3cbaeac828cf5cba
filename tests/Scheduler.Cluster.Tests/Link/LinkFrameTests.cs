using FsCheck;
using FsCheck.Fluent;
using Scheduler.Actors;
using Scheduler.Host.Cluster.Link;

namespace Scheduler.Cluster.Tests.Link;

/// <summary>Frames and hellos as bytes: what is written is read again, and any bytes at all are either a frame that is safe to look at or refused.</summary>
public sealed class LinkFrameTests
{
    private static readonly Gen<long> Number =
        from border in Gen.Elements(0L, 4096, LinkFrame.DataBytesMax, int.MaxValue, long.MaxValue)
        from delta in Gen.Elements(-4096L, -1, 0, 1, 4096)
        select unchecked(border + delta);

    private static readonly Gen<LinkFrame> Frames =
        from type in Gen.Choose(0, 10)
        from op in Gen.Choose(0, 10)
        from flags in Gen.Choose(0, 9)
        from slot in Gen.Choose(int.MinValue, int.MaxValue)
        from ticket in Number
        from epoch in Number
        from offset in Number
        from length in Number
        from heard in Number
        from error in Gen.Elements(-1, 0, 5, 4095, 4096)
        from payload in Gen.Elements(-1, 0, 1, 1024, 1025, 4096, LinkFrame.DataBytesMax, LinkFrame.DataBytesMax + 1, (int)length)
        select new LinkFrame
        {
            Type = (LinkFrameType)type,
            Op = type == (int)LinkFrameType.Closed ? default : (RingOp)op,
            Close = type == (int)LinkFrameType.Closed ? (LinkClose)op : default,
            Flags = (RingFlags)flags,
            Stream = (byte)slot,
            Slot = slot,
            Ticket = (ulong)ticket,
            RequestId = (ulong)~ticket,
            Epoch = epoch,
            Offset = offset,
            Length = length,
            AnswersHeard = type == (int)LinkFrameType.Cleared ? 0 : heard,
            Clearings = type == (int)LinkFrameType.Cleared ? heard : 0,
            Error = error,
            PayloadBytes = payload,
            Trace = new LinkTrace(new UInt128((ulong)epoch, (ulong)offset), (ulong)heard, (byte)flags),
        };

    [Fact]
    public void A_frame_is_read_as_it_was_written() =>
        Prop.ForAll(Frames.ToArbitrary(), frame =>
        {
            byte[] bytes = new byte[LinkFrame.Bytes];
            frame.Encode(bytes);
            string? problem = LinkFrame.Decode(bytes, out LinkFrame read);
            return read == frame && (problem is not null || IsSafe(read));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000).WithQuietOnSuccess(true));

    [Fact]
    public void Every_good_frame_is_taken()
    {
        byte[] bytes = new byte[LinkFrame.Bytes];
        LinkFrame[] good =
        [
            new() { Type = LinkFrameType.Ping },
            new() { Type = LinkFrameType.Open, Ticket = 1, Epoch = 2 },
            new() { Type = LinkFrameType.Request, Op = RingOp.Read, Slot = 1023, Offset = 1L << 50, Length = LinkFrame.DataBytesMax },
            new() { Type = LinkFrameType.Request, Op = RingOp.Write, Flags = RingFlags.Fua, Length = LinkFrame.DataBytesMax, PayloadBytes = LinkFrame.DataBytesMax },
            new() { Type = LinkFrameType.Request, Op = RingOp.BarrierWrite, Stream = 254, Length = 512, PayloadBytes = 512 },
            new() { Type = LinkFrameType.Request, Op = RingOp.Flush },
            new() { Type = LinkFrameType.Request, Op = RingOp.EmptyBarrier },
            new() { Type = LinkFrameType.Request, Op = RingOp.Zero, Flags = RingFlags.NoHole | RingFlags.FastZero, Length = 1L << 40 },
            new() { Type = LinkFrameType.Request, Op = RingOp.Discard, Length = 1L << 40 },
            new() { Type = LinkFrameType.Request, Op = RingOp.Prefetch, Length = 4096 },
            new() { Type = LinkFrameType.Request, Op = RingOp.Status, Length = 1L << 40 },
            new() { Type = LinkFrameType.Reply, Slot = 3, Error = 4095 },
            new() { Type = LinkFrameType.Reply, PayloadBytes = LinkFrame.DataBytesMax },
            new() { Type = LinkFrameType.Detach, Ticket = ulong.MaxValue },
            new() { Type = LinkFrameType.Closed, Close = LinkClose.Silent, PayloadBytes = LinkFrame.TextBytesMax },
            new() { Type = LinkFrameType.Released },
            new() { Type = LinkFrameType.Failed, PayloadBytes = 5 },
            new() { Type = LinkFrameType.Cleared, Ticket = 1, Epoch = 2, Clearings = long.MaxValue },
        ];
        Assert.All(good, frame =>
        {
            frame.Encode(bytes);
            Assert.Null(LinkFrame.Decode(bytes, out LinkFrame read));
            Assert.Equal(frame, read);
        });
    }

    [Fact]
    public void S1_Any_bytes_are_a_safe_frame_or_refused()
    {
        System.Random random = new(1);
        byte[] bytes = new byte[LinkFrame.Bytes];
        int taken = 0;
        for (int i = 0; i < 200_000; i++)
        {
            // Mostly zeroes, as good frames are, so that many of them pass.
            Array.Clear(bytes);
            for (int n = random.Next(1, 12); n > 0; n--)
                bytes[random.Next(random.Next(1, 97))] = (byte)random.Next(random.Next(1, 257));
            if (LinkFrame.Decode(bytes, out LinkFrame frame) is not null)
                continue;
            taken++;
            Assert.True(IsSafe(frame), $"{frame}");
        }

        Assert.InRange(taken, 1_000, 190_000);
    }

    [Fact]
    public void Hellos_are_read_however_they_are_cut()
    {
        byte[] hello = LinkHello.Encode("knoten-ä");
        for (int length = 0; length < hello.Length; length++)
        {
            Assert.Null(LinkHello.Decode(hello.AsSpan(0, length), out string? early));
            Assert.Null(early);
        }

        Assert.Null(LinkHello.Decode([.. hello, 1, 2, 3], out string? node));
        Assert.Equal("knoten-ä", node);
        Assert.Equal(hello.Length, LinkHello.BytesOf("knoten-ä"));
    }

    [Theory]
    [InlineData(0, (byte)'S', "does not speak this protocol")]
    [InlineData(8, 1, "version 1")]
    [InlineData(12, 0, "name has 0 bytes")]
    [InlineData(13, 1, "name has 258 bytes")]
    [InlineData(15, 0x80, "name has -")]
    [InlineData(16, 0xff, "not UTF-8")]
    public void A_wrong_hello_is_refused(int at, byte value, string problem)
    {
        byte[] hello = LinkHello.Encode("n1");
        hello[at] = value;
        Assert.Contains(problem, LinkHello.Decode(hello, out string? node), StringComparison.Ordinal);
        Assert.Null(node);
    }

    // What those who take a frame rely on.
    private static bool IsSafe(in LinkFrame frame) => frame.Type switch
    {
        LinkFrameType.Request => frame.BufferBytes is >= 0 and <= LinkFrame.DataBytesMax
            && frame.Offset >= 0 && frame.Length >= 0 && (Int128)frame.Offset + frame.Length <= long.MaxValue
            && frame.PayloadBytes == (frame.Op is RingOp.Write or RingOp.BarrierWrite ? frame.Length : 0)
            && (frame.Length > 0) == (frame.Op is not (RingOp.Flush or RingOp.EmptyBarrier))
            && Enum.IsDefined(frame.Op) && (byte)frame.Flags < 8,
        LinkFrameType.Reply => frame.Error is >= 0 and < 4096 && frame.PayloadBytes is >= 0 and <= LinkFrame.DataBytesMax,
        LinkFrameType.Closed or LinkFrameType.Failed => Enum.IsDefined(frame.Close) && frame.PayloadBytes is >= 0 and <= LinkFrame.TextBytesMax,
        LinkFrameType.Cleared => frame.Clearings > 0 && frame.PayloadBytes == 0,
        _ => Enum.IsDefined(frame.Type) && frame.PayloadBytes == 0,
    };
}
