using Scheduler.Actors;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

public class ExportInfoTests
{
    [Theory]
    [InlineData("", 4096, 512, 4096, 65536)] // no name
    [InlineData("a\0b", 4096, 512, 4096, 65536)] // NUL
    [InlineData("d0", -512, 512, 4096, 65536)] // negative size
    [InlineData("d0", 4097, 512, 4096, 65536)] // bytes that no request reaches
    [InlineData("d0", 4096, 0, 4096, 65536)] // minimum block not a power of two
    [InlineData("d0", 4096, 520, 4096, 65536)]
    [InlineData("d0", 131072, 131072, 131072, 131072)] // minimum block above 64 KiB
    [InlineData("d0", 4096, 4096, 512, 65536)] // preferred below minimum
    [InlineData("d0", 4096, 1, 256, 65536)] // preferred below 512
    [InlineData("d0", 4096, 512, 4096, 2048)] // payload below preferred
    [InlineData("d0", 4096, 512, 4096, NbdConstants.PayloadBytesMax + 1)]
    public void Refuses_what_the_specification_forbids(string name, long size, int min, int preferred, int payload) =>
        Assert.Throws<ArgumentException>(() => new ExportInfo(name, size, min, preferred, payload));

    [Fact]
    public void Names_and_descriptions_are_measured_in_bytes_of_utf8()
    {
        _ = new ExportInfo(new string('\u00e4', 2048), 0, description: new string('\u00e4', 2048));
        Assert.Throws<ArgumentException>(() => new ExportInfo(new string('\u00e4', 2049), 0));
        Assert.Throws<ArgumentException>(() => new ExportInfo("d0", 0, description: new string('\u00e4', 2049)));
    }

    [Theory]
    [InlineData(false, false, "SendTrim, SendWriteZeroes, SendFastZero")]
    [InlineData(false, true, "SendTrim, SendWriteZeroes, SendDontFragment, SendFastZero")]
    [InlineData(true, false, "ReadOnly")]
    [InlineData(true, true, "ReadOnly, SendDontFragment")]
    public void Transmission_flags_beside_those_that_are_always_set(bool readOnly, bool structured, string flags)
    {
        const TransmissionFlags Always = TransmissionFlags.HasFlags | TransmissionFlags.SendFlush
            | TransmissionFlags.SendFua | TransmissionFlags.SendCache | TransmissionFlags.CanMultiConn;
        ExportInfo export = new("d0", 4096, readOnly: readOnly);
        TransmissionFlags actual = export.FlagsFor(new Negotiated(structured, false));
        Assert.Equal(Always, actual & Always);
        Assert.Equal(flags, (actual & ~Always).ToString());
    }

    [Fact]
    public void A_disk_without_order_offers_no_flush_and_no_fua()
    {
        TransmissionFlags flags = new ExportInfo("d0", 4096, order: RingOrder.None).FlagsFor(default);
        Assert.Equal("HasFlags, SendTrim, SendWriteZeroes, CanMultiConn, SendCache, SendFastZero", flags.ToString());
    }

    // The map takes the numbers on the wire; here they meet the names.
    [Theory]
    [InlineData(NbdCommand.Read, RingOp.Read)]
    [InlineData(NbdCommand.Write, RingOp.Write)]
    [InlineData(NbdCommand.Flush, RingOp.Flush)]
    [InlineData(NbdCommand.Trim, RingOp.Discard)]
    [InlineData(NbdCommand.Cache, RingOp.Prefetch)]
    [InlineData(NbdCommand.WriteZeroes, RingOp.Zero)]
    [InlineData(NbdCommand.BlockStatus, RingOp.Status)]
    public void What_the_check_accepts_the_map_knows(NbdCommand command, RingOp op)
    {
        bool isFlush = command == NbdCommand.Flush;
        RequestHeader request = new(NbdConstants.RequestMagic, NbdCommandFlags.Fua, command, 1, 0, isFlush ? 0u : 4096u);
        Negotiated negotiated = new(true, true);
        Assert.Equal(RequestFate.Accept, RequestCheck.Check(request, TestExports.D0, negotiated).Fate);
        MappedRequest mapped = ProtocolMap.Nbd(RingOrder.FlushFua, (ushort)command, (ushort)request.Flags);
        Assert.Equal((op, 0), (mapped.Op, mapped.Error));
        Assert.Equal(op is RingOp.Write or RingOp.Discard or RingOp.Zero, mapped.Flags == RingFlags.Fua);
    }
}
