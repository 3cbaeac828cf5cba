using System.Buffers;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>Feeds a handshake as a connection does, and checks at every step what its contract promises.</summary>
internal sealed class HandshakeDriver(Handshake handshake)
{
    private readonly List<byte> _pending = [];

    public HandshakeStatus Status { get; private set; } = HandshakeStatus.NeedMore;

    public int Unconsumed => _pending.Count;

    /// <summary>The most bytes that one step wrote.</summary>
    public int StepOutputMax { get; private set; }

    public void Feed(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> output)
    {
        _pending.AddRange(bytes);
        byte[] input = [.. _pending];
        int at = 0;
        while (true)
        {
            int before = output.WrittenCount;
            bool over = Status is HandshakeStatus.Transmission or HandshakeStatus.Closed;
            HandshakeStatus last = Status;
            Status = handshake.Process(input.AsSpan(at), out int consumed, output);

            int written = output.WrittenCount - before;
            int rest = input.Length - at;
            Assert.True(consumed >= 0 && consumed <= rest, "consumed what is not there");
            Assert.True(Status == HandshakeStatus.Transmission == (handshake.Export != null), "export without end");
            Assert.True(Status == HandshakeStatus.Closed == (handshake.CloseReason != CloseReason.None), "no reason");
            Assert.True(!over || (Status == last && consumed == 0 && written == 0), "life after the end");
            Assert.True(Status != HandshakeStatus.Continue || consumed > 0, "progress without consumption");
            bool waits = Status == HandshakeStatus.NeedMore;
            Assert.True(!waits || (consumed == 0 && written == 0), "it waits, yet does something");
            Assert.True(!waits || rest < Handshake.MessageBytesMax, "it wants more input than it promised");

            StepOutputMax = Math.Max(StepOutputMax, written);
            at += consumed;
            if (Status != HandshakeStatus.Continue)
                break;
        }

        _pending.RemoveRange(0, at);
    }
}
