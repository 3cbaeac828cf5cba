using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// Every rule as a row: command, flags, offset, length, verdict; numbers are hexadecimal. The export has 64 MiB
/// (4000000) in blocks of 512 and takes payloads to 32 MiB (2000000). Structured replies and base:allocation are
/// negotiated unless the test's name says otherwise.
/// </summary>
public class RequestCheckTests
{
    private static readonly ExportInfo Export = new("d0", 0x4000000);
    private static readonly ExportInfo ReadOnly = new("ro", 0x4000000, readOnly: true);
    private static readonly ExportInfo Blocks4K = new("d4", 0x4000000, minBlock: 4096);
    private static readonly ExportInfo Huge = new("dh", long.MaxValue & ~0xfffL, minBlock: 1, maxPayload: 0x10000);

    [Theory]
    [InlineData("Read            0  0          200  accept")]
    [InlineData("Read            0  0      2000000  accept")]
    [InlineData("Read            0  3fffe00    200  accept")]
    [InlineData("Write           0  0          200  accept 200")]
    [InlineData("Write           0  2000000 2000000 accept 2000000")]
    [InlineData("Flush           0  0            0  accept")]
    [InlineData("Trim            0  0      4000000  accept")]
    [InlineData("Cache           0  0      4000000  accept")]
    [InlineData("WriteZeroes     0  0      4000000  accept")]
    [InlineData("BlockStatus     0  0      4000000  accept")]
    [InlineData("Disconnect      0  0            0  close ClientDisconnected")]
    [InlineData("Disconnect   ffff  1            1  close ClientDisconnected")]
    public void Well_formed_requests_are_accepted(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Read            0  4000000    200  refuse EINVAL")]
    [InlineData("Read            0  3fffe00    400  refuse EINVAL")]
    [InlineData("Cache           0  3fffe00    400  refuse EINVAL")]
    [InlineData("Trim            0  3fffe00    400  refuse EINVAL")]
    [InlineData("BlockStatus     0  3fffe00    400  refuse EINVAL")]
    [InlineData("Write           0  3fffe00    400  refuse ENOSPC 400")]
    [InlineData("WriteZeroes     0  3fffe00    400  refuse ENOSPC")]
    [InlineData("WriteZeroes     0  0     fffffe00  refuse ENOSPC")]
    [InlineData("Read  0  fffffffffffffe00      200  refuse EINVAL")]
    [InlineData("Write 0  fffffffffffffe00      200  refuse ENOSPC 200")]
    [InlineData("Trim  0  ffffffffffffffff ffffffff  refuse EINVAL")]
    [InlineData("Read  0  8000000000000000      200  refuse EINVAL")]
    public void What_passes_the_end_is_refused(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Read            0  1          200  refuse EINVAL")]
    [InlineData("Read            0  0            1  refuse EINVAL")]
    [InlineData("Write           0  100        200  refuse EINVAL 200")]
    [InlineData("Write           0  0          201  refuse EINVAL 201")]
    [InlineData("Trim            0  0          2ff  refuse EINVAL")]
    [InlineData("Cache           0  0          2ff  refuse EINVAL")]
    [InlineData("WriteZeroes     0  10         200  refuse EINVAL")]
    [InlineData("BlockStatus     0  10         200  refuse EINVAL")]
    public void What_is_not_aligned_is_refused(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Read            0  0         1000  accept")]
    [InlineData("Read            0  0          200  refuse EINVAL")]
    [InlineData("Write           0  200       1000  refuse EINVAL 1000")]
    public void Alignment_is_the_export_s(string row) => Expect(row, Blocks4K, true, true);

    [Theory]
    [InlineData("Read            0  0            0  refuse EINVAL")]
    [InlineData("Write           0  0            0  refuse EINVAL")]
    [InlineData("Trim            0  0            0  refuse EINVAL")]
    [InlineData("Cache           0  0            0  refuse EINVAL")]
    [InlineData("WriteZeroes     0  0            0  refuse EINVAL")]
    [InlineData("BlockStatus     0  0            0  refuse EINVAL")]
    [InlineData("Flush           0  0          200  refuse EINVAL")]
    [InlineData("Flush           0  200          0  refuse EINVAL")]
    public void Length_zero_is_for_flush_alone_and_flush_has_no_range(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Read            0  0      2000200  refuse EOVERFLOW")]
    [InlineData("Write           0  0      2000200  refuse EINVAL 2000200")]
    [InlineData("Write           0  0      4000000  refuse EINVAL 4000000")]
    [InlineData("Write           0  0      4000001  close PayloadTooLong")]
    [InlineData("Write           0  0     ffffffff  close PayloadTooLong")]
    [InlineData("Write           4  0     ffffffff  close PayloadTooLong")]
    public void What_is_too_long_is_refused_or_closes(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Read            0  0      2000200  refuse EINVAL")]
    [InlineData("Read            4  0          200  refuse EINVAL")]
    [InlineData("BlockStatus     0  0          200  refuse EINVAL")]
    [InlineData("Read            0  0          200  accept")]
    public void Without_structured_replies_no_overflow_no_DF_no_block_status(string row) =>
        Expect(row, Export, false, false);

    [Theory]
    [InlineData("BlockStatus     0  0          200  refuse EINVAL")]
    [InlineData("Read            4  0          200  accept")]
    public void Block_status_needs_its_context(string row) => Expect(row, Export, true, false);

    [Theory] // FUA 1, NO_HOLE 2, DF 4, REQ_ONE 8, FAST_ZERO 10
    [InlineData("Read            1  0          200  accept")]
    [InlineData("Write           1  0          200  accept 200")]
    [InlineData("Flush           1  0            0  accept")]
    [InlineData("Trim            1  0          200  accept")]
    [InlineData("Cache           1  0          200  accept")]
    [InlineData("WriteZeroes     1  0          200  accept")]
    [InlineData("BlockStatus     1  0          200  accept")]
    [InlineData("WriteZeroes     2  0          200  accept")]
    [InlineData("WriteZeroes    10  0          200  accept")]
    [InlineData("WriteZeroes    13  0          200  accept")]
    [InlineData("Read            5  0          200  accept")]
    [InlineData("BlockStatus     9  0          200  accept")]
    [InlineData("Read            2  0          200  refuse EINVAL")]
    [InlineData("Write           2  0          200  refuse EINVAL 200")]
    [InlineData("Trim            2  0          200  refuse EINVAL")]
    [InlineData("Flush           2  0            0  refuse EINVAL")]
    [InlineData("Write           4  0          200  refuse EINVAL 200")]
    [InlineData("WriteZeroes     4  0          200  refuse EINVAL")]
    [InlineData("BlockStatus     4  0          200  refuse EINVAL")]
    [InlineData("Read            8  0          200  refuse EINVAL")]
    [InlineData("Cache           8  0          200  refuse EINVAL")]
    [InlineData("WriteZeroes     8  0          200  refuse EINVAL")]
    [InlineData("Trim           10  0          200  refuse EINVAL")]
    [InlineData("Write          10  0          200  refuse EINVAL 200")]
    [InlineData("Write          20  0          200  refuse EINVAL 200")]
    [InlineData("Flush        8000  0            0  refuse EINVAL")]
    public void Flags_go_with_their_commands(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("8               0  0          200  refuse EINVAL")] // RESIZE of an extension
    [InlineData("9               0  0            0  refuse EINVAL")]
    [InlineData("65535        ffff  0     ffffffff  refuse EINVAL")]
    public void Unknown_commands_are_refused_and_have_no_payload(string row) => Expect(row, Export, true, true);

    [Theory]
    [InlineData("Write           0  0          200  refuse EPERM 200")]
    [InlineData("Trim            0  0          200  refuse EPERM")]
    [InlineData("WriteZeroes     0  0          200  refuse EPERM")]
    [InlineData("Write           0  4000000    200  refuse EPERM 200")]
    [InlineData("Read            1  0          200  accept")]
    [InlineData("Flush           0  0            0  accept")]
    [InlineData("Cache           0  0          200  accept")]
    [InlineData("BlockStatus     0  0          200  accept")]
    public void A_read_only_export_refuses_writes(string row) => Expect(row, ReadOnly, true, true);

    [Theory]
    [InlineData("Trim            0  0     ffffffff  accept")]
    [InlineData("WriteZeroes     0  0     ffffffff  accept")]
    [InlineData("Cache           0  0     ffffffff  accept")]
    [InlineData("BlockStatus     0  0     ffffffff  accept")]
    [InlineData("Read            0  1        10000  accept")]
    [InlineData("Read            0  1        10001  refuse EOVERFLOW")]
    [InlineData("Write           0  1        10001  refuse EINVAL 10001")]
    [InlineData("Write  0  7ffffffffffff000    1  refuse ENOSPC 1")]
    [InlineData("Write  0  7fffffffffffefff    1  accept 1")]
    public void Commands_without_payload_go_to_4_GiB_and_payloads_to_the_export_s_bound(string row) =>
        Expect(row, Huge, true, true);

    [Fact]
    public void A_wrong_magic_closes_whatever_else_is_there()
    {
        RequestHeader request = new(0x12560953, 0, NbdCommand.Read, 1, 0, 512);
        Assert.Equal(
            RequestVerdict.Close(CloseReason.BadMagic),
            RequestCheck.Check(request, Export, new Negotiated(true, true)));
    }

    [Theory]
    [InlineData("REQUEST 0000 0000 0102030405060708 0000000000001000 00000200", NbdCommand.Read)]
    [InlineData("REQUEST 0000 0001 0102030405060708 0000000000001000 00000200", NbdCommand.Write)]
    [InlineData("REQUEST 0000 0002 0102030405060708 0000000000001000 00000200", NbdCommand.Disconnect)]
    [InlineData("REQUEST 0000 0003 0102030405060708 0000000000001000 00000200", NbdCommand.Flush)]
    [InlineData("REQUEST 0000 0004 0102030405060708 0000000000001000 00000200", NbdCommand.Trim)]
    [InlineData("REQUEST 0000 0005 0102030405060708 0000000000001000 00000200", NbdCommand.Cache)]
    [InlineData("REQUEST 0000 0006 0102030405060708 0000000000001000 00000200", NbdCommand.WriteZeroes)]
    [InlineData("REQUEST 0000 0007 0102030405060708 0000000000001000 00000200", NbdCommand.BlockStatus)]
    public void Commands_on_the_wire(string wire, NbdCommand command)
    {
        Assert.True(RequestHeader.TryRead(Wire.Bytes(wire), out RequestHeader header));
        Assert.Equal(new RequestHeader(0x25609513, 0, command, 0x0102030405060708, 0x1000, 0x200), header);
    }

    [Theory]
    [InlineData("0001", NbdCommandFlags.Fua)]
    [InlineData("0002", NbdCommandFlags.NoHole)]
    [InlineData("0004", NbdCommandFlags.DontFragment)]
    [InlineData("0008", NbdCommandFlags.RequestOne)]
    [InlineData("0010", NbdCommandFlags.FastZero)]
    [InlineData("ffff", (NbdCommandFlags)0xffff)]
    public void Flags_on_the_wire(string wire, NbdCommandFlags flags)
    {
        Assert.True(RequestHeader.TryRead(Wire.Bytes($"REQUEST {wire} 0006 ff*8 ff*8 ff*4"), out RequestHeader header));
        Assert.Equal(
            new RequestHeader(0x25609513, flags, NbdCommand.WriteZeroes, ulong.MaxValue, ulong.MaxValue, uint.MaxValue),
            header);
    }

    [Fact]
    public void A_short_header_is_no_header()
    {
        byte[] wire = Wire.Bytes("REQUEST 0000 0000 00*8 00*8 00*4 ff*9");
        Assert.Equal(RequestHeader.Bytes + 9, wire.Length);
        for (int length = 0; length <= wire.Length; length++)
            Assert.Equal(length >= 28, RequestHeader.TryRead(wire.AsSpan(0, length), out _));
    }

    private static void Expect(string row, ExportInfo export, bool structured, bool allocation)
    {
        string[] cells = row.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        RequestHeader request = new(
            NbdConstants.RequestMagic,
            (NbdCommandFlags)Convert.ToUInt16(cells[1], 16),
            Enum.Parse<NbdCommand>(cells[0]),
            7,
            Convert.ToUInt64(cells[2], 16),
            Convert.ToUInt32(cells[3], 16));
        RequestVerdict verdict = RequestCheck.Check(request, export, new Negotiated(structured, allocation));
        Assert.Equal(string.Join(' ', cells[4..]), Describe(verdict));
    }

    private static string Describe(RequestVerdict verdict)
    {
        string payload = verdict.PayloadBytes == 0 ? "" : $" {verdict.PayloadBytes:x}";
        return verdict.Fate switch
        {
            RequestFate.Accept => $"accept{payload}",
            RequestFate.Refuse => $"refuse {verdict.Error}{payload}",
            _ => $"close {verdict.Reason}{payload}",
        };
    }
}
