using System.Buffers;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>Feeds a handshake as a connection does, and checks at every step what its contract promises.</summary>
/// <param name="handshake">The handshake.</param>
/// <param name="inTls">What the client sees inside TLS, which begins at once when it is agreed on; null: the handshake is over
/// then.</param>
/// <param name="refusal">Why the client is refused inside TLS; null: it is not.</param>
internal sealed class HandshakeDriver(Handshake handshake, IExportDirectory? inTls = null, string? refusal = null)
{
    private readonly List<byte> _pending = [];

    /// <summary>The handshake; inside TLS another than at first.</summary>
    public Handshake Handshake { get; private set; } = handshake;

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
            bool over = Status is HandshakeStatus.Transmission or HandshakeStatus.Closed or HandshakeStatus.StartTls;
            HandshakeStatus last = Status;
            Status = Handshake.Process(input.AsSpan(at), out int consumed, output);

            int written = output.WrittenCount - before;
            int rest = input.Length - at;
            Assert.True(consumed >= 0 && consumed <= rest, "consumed what is not there");
            Assert.True(Status == HandshakeStatus.Transmission == (Handshake.Export != null), "export without end");
            Assert.True(Status == HandshakeStatus.Closed == (Handshake.CloseReason != CloseReason.None), "no reason");
            Assert.True(!over || (Status == last && consumed == 0 && written == 0), "life after the end");
            Assert.True(Status != HandshakeStatus.Continue || consumed > 0, "progress without consumption");
            Assert.True(Status != HandshakeStatus.StartTls || over || consumed > 0, "TLS without an option");
            bool waits = Status == HandshakeStatus.NeedMore;
            Assert.True(!waits || (consumed == 0 && written == 0), "it waits, yet does something");
            Assert.True(!waits || rest < Protocol.Handshake.MessageBytesMax, "it wants more input than it promised");

            StepOutputMax = Math.Max(StepOutputMax, written);
            at += consumed;
            if (Status == HandshakeStatus.StartTls && (inTls is not null || refusal is not null))
            {
                Handshake = refusal is null ? Handshake.Secured(inTls!) : Handshake.Refused(refusal);
                Status = HandshakeStatus.Continue;
            }

            if (Status != HandshakeStatus.Continue)
                break;
        }

        _pending.RemoveRange(0, at);
    }
}
