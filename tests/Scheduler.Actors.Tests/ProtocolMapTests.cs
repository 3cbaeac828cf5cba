using System.Text;
using Scheduler.Core;

namespace Scheduler.Actors.Tests;

/// <summary>
/// What each protocol's requests are to the scheduler, in each ordered mode. A column of several modes holds for each of
/// them. The numbers at the left are those on the wire.
/// </summary>
public sealed class ProtocolMapTests
{
    private const uint FeatureFlush = 1u << 9;
    private const uint FeatureConfigWce = 1u << 11;

    private static readonly (string Name, RingOrder[] Modes)[] s_modes =
    [
        ("NONE", [RingOrder.None]),
        ("DRAIN* TAG*", [RingOrder.Drain, RingOrder.DrainFlush, RingOrder.DrainFua, RingOrder.Tag, RingOrder.TagFlush, RingOrder.TagFua]),
        ("FLUSH_FUA", [RingOrder.FlushFua]),
    ];

    [Fact]
    public void The_numbers_and_meanings_of_ring_and_core_modes_agree()
    {
        Assert.Equal(Enum.GetNames<OrderedMode>(), Enum.GetNames<RingOrder>());
        Assert.Equal(Enum.GetValues<OrderedMode>().Select(mode => (int)mode), Enum.GetValues<RingOrder>().Select(mode => (int)mode));
        Assert.Equal(Enum.GetValues<RingOrder>().Order(), s_modes.SelectMany(column => column.Modes).Order());

        // What is offered is what the core carries out, and what the core would refuse never reaches it (O5).
        foreach (OrderedMode mode in Enum.GetValues<OrderedMode>())
        {
            Assert.Equal(mode.TakesBarriers(), ProtocolMap.BlkifNodes((RingOrder)mode, 256).Contains(("feature-barrier", 1)));
            Assert.Equal(mode.TakesBarriers(), (ProtocolMap.VirtioBlkFeatures((RingOrder)mode) & 1) != 0);
            Assert.Equal(mode.TakesBarriers(), ProtocolMap.Blkif((RingOrder)mode, 2, 0, 1).Error == 0);
        }
    }

    [Fact]
    public void O5_Nbd_flags() => AssertTable(
        """
        transmission flag       NONE  DRAIN* TAG*  FLUSH_FUA
        0x004 SEND_FLUSH        -     x            x
        0x008 SEND_FUA          -     x            x
        0x020 SEND_TRIM         x     x            x
        0x040 SEND_WRITE_ZEROES x     x            x
        0x100 CAN_MULTI_CONN    x     x            x
        0x400 SEND_CACHE        x     x            x
        0x800 SEND_FAST_ZERO    x     x            x
        0xf293 all others       -     -            -
        """,
        mask => order => (ProtocolMap.NbdFlags(order) & mask) != 0 ? "x" : "-");

    // Command flags: FUA 0x01, NO_HOLE 0x02, DF 0x04, REQ_ONE 0x08, FAST_ZERO 0x10.
    [Fact]
    public void O5_Nbd_requests() => AssertTable(
        """
        command and its flags             NONE                      DRAIN* TAG*               FLUSH_FUA
        0x00000 READ                      Read                      Read                      Read
        0x00001 READ FUA                  Read                      Read                      Read
        0x00004 READ DF                   Read                      Read                      Read
        0x10000 WRITE                     Write Fua                 Write                     Write
        0x10001 WRITE FUA                 Write Fua                 Write Fua                 Write Fua
        0x20000 DISC                      EINVAL                    EINVAL                    EINVAL
        0x30000 FLUSH                     Flush                     Flush                     Flush
        0x30001 FLUSH FUA                 Flush                     Flush                     Flush
        0x40000 TRIM                      Discard Fua               Discard                   Discard
        0x40001 TRIM FUA                  Discard Fua               Discard Fua               Discard Fua
        0x50000 CACHE                     Prefetch                  Prefetch                  Prefetch
        0x50001 CACHE FUA                 Prefetch                  Prefetch                  Prefetch
        0x60000 WRITE_ZEROES              Zero Fua                  Zero                      Zero
        0x60001 WRITE_ZEROES FUA          Zero Fua                  Zero Fua                  Zero Fua
        0x60002 WRITE_ZEROES NO_HOLE      Zero Fua NoHole           Zero NoHole               Zero NoHole
        0x60010 WRITE_ZEROES FAST_ZERO    Zero Fua FastZero         Zero FastZero             Zero FastZero
        0x60013 WRITE_ZEROES, all three   Zero Fua NoHole FastZero  Zero Fua NoHole FastZero  Zero Fua NoHole FastZero
        0x70000 BLOCK_STATUS              Status                    Status                    Status
        0x70009 BLOCK_STATUS FUA REQ_ONE  Status                    Status                    Status
        0x80000 (no command)              EINVAL                    EINVAL                    EINVAL
        0xffff0000 (no command)           EINVAL                    EINVAL                    EINVAL
        """,
        request => order => Text(ProtocolMap.Nbd(order, (ushort)(request >> 16), (ushort)request), error => error == 22 ? "EINVAL" : "?"));

    [Fact]
    public void O5_Virtio_blk_features() => AssertTable(
        """
        feature bit             NONE  DRAIN* TAG*  FLUSH_FUA
        0x0001 BARRIER          -     x            -
        0x0200 FLUSH            -     x            x
        0x0800 CONFIG_WCE       -     x            x
        0x2000 DISCARD          x     x            x
        0x4000 WRITE_ZEROES     x     x            x
        0xffff95fe all others   -     -            -
        """,
        mask => order => (ProtocolMap.VirtioBlkFeatures(order) & mask) != 0 ? "x" : "-");

    // The driver takes all that is offered. The segment's unmap flag is written as +.
    [Fact]
    public void O5_Virtio_blk_requests_of_a_write_back_disk() => AssertTable(
        """
        type                        NONE             DRAIN* TAG*   FLUSH_FUA
        0x00 IN                     Read             Read          Read
        0x80000000 IN BARRIER       UNSUPP           UNSUPP        UNSUPP
        0x01 OUT                    Write Fua        Write         Write
        0x80000001 OUT BARRIER      UNSUPP           BarrierWrite  UNSUPP
        0x02 SCSI_CMD               UNSUPP           UNSUPP        UNSUPP
        0x03 SCSI_CMD_OUT           UNSUPP           UNSUPP        UNSUPP
        0x04 FLUSH                  Flush            Flush         Flush
        0x80000004 FLUSH BARRIER    UNSUPP           EmptyBarrier  UNSUPP
        0x05 FLUSH_OUT              Flush            Flush         Flush
        0x80000005 F_OUT BARRIER    UNSUPP           EmptyBarrier  UNSUPP
        0x08 GET_ID                 UNSUPP           UNSUPP        UNSUPP
        0x0a GET_LIFETIME           UNSUPP           UNSUPP        UNSUPP
        0x0b DISCARD                Discard Fua      Discard       Discard
        0x0b+ DISCARD unmap         UNSUPP           UNSUPP        UNSUPP
        0x8000000b DISCARD BARRIER  UNSUPP           UNSUPP        UNSUPP
        0x0d WRITE_ZEROES           Zero Fua NoHole  Zero NoHole   Zero NoHole
        0x0d+ WRITE_ZEROES unmap    Zero Fua         Zero          Zero
        0x8000000d W_Z BARRIER      UNSUPP           UNSUPP        UNSUPP
        0x0e SECURE_ERASE           UNSUPP           UNSUPP        UNSUPP
        0x0f ZONE_APPEND            UNSUPP           UNSUPP        UNSUPP
        """,
        Virtio(ProtocolMap.VirtioBlkFeatures, writeback: true));

    private const string WriteThrough =
        """
        type                        NONE             DRAIN* TAG*      FLUSH_FUA
        0x00 IN                     Read             Read             Read
        0x01 OUT                    Write Fua        Write Fua        Write Fua
        0x80000001 OUT BARRIER      UNSUPP           BarrierWrite     UNSUPP
        0x04 FLUSH                  Flush            Flush            Flush
        0x80000004 FLUSH BARRIER    UNSUPP           EmptyBarrier     UNSUPP
        0x0b DISCARD                Discard Fua      Discard Fua      Discard Fua
        0x0d WRITE_ZEROES           Zero Fua NoHole  Zero Fua NoHole  Zero Fua NoHole
        0x0d+ WRITE_ZEROES unmap    Zero Fua         Zero Fua         Zero Fua
        """;

    [Fact]
    public void O5_Virtio_blk_requests_of_a_driver_that_has_set_write_through() =>
        AssertTable(WriteThrough, Virtio(ProtocolMap.VirtioBlkFeatures, writeback: false));

    [Theory]
    [InlineData(FeatureFlush | FeatureConfigWce, false)]
    [InlineData(FeatureFlush | FeatureConfigWce, true)]
    [InlineData(FeatureFlush, false)]
    [InlineData(FeatureFlush, true)]
    public void O5_Virtio_blk_requests_of_a_driver_without_flush(uint declined, bool writeback) =>
        AssertTable(WriteThrough, Virtio(order => ProtocolMap.VirtioBlkFeatures(order) & ~declined, writeback));

    [Fact]
    public void O5_Virtio_blk_requests_of_a_driver_that_declined_what_it_may() => AssertTable(
        """
        type                        NONE             DRAIN* TAG*   FLUSH_FUA
        0x01 OUT                    Write Fua        Write         Write
        0x80000001 OUT BARRIER      UNSUPP           UNSUPP        UNSUPP
        0x80000004 FLUSH BARRIER    UNSUPP           UNSUPP        UNSUPP
        """,
        Virtio(order => ProtocolMap.VirtioBlkFeatures(order) & FeatureFlush, writeback: false));

    [Fact]
    public void Virtio_blk_segments_with_unknown_flags_are_not_supported()
    {
        foreach (uint type in (uint[])[11, 13])
            Assert.Equal(2, ProtocolMap.VirtioBlk(uint.MaxValue, true, type, 2).Error);
    }

    [Fact]
    public void O5_Blkif_nodes() => AssertTable(
        """
        node                             NONE  DRAIN* TAG*  FLUSH_FUA
        0 feature-barrier                0     1            0
        1 feature-flush-cache            0     0            1
        2 feature-discard                1     1            1
        3 feature-max-indirect-segments  256   0            256
        """,
        index => order => ProtocolMap.BlkifNodes(order, 256)[(int)index].Value.ToString(null, null));

    [Fact]
    public void Blkif_nodes_have_their_names() => Assert.Equal(
        ["feature-barrier", "feature-flush-cache", "feature-discard", "feature-max-indirect-segments"],
        ProtocolMap.BlkifNodes(RingOrder.None, 256).Select(node => node.Node));

    // Operation, indirect operation, segments.
    [Fact]
    public void O5_Blkif_requests() => AssertTable(
        """
        operation, segments                   NONE                   DRAIN* TAG*        FLUSH_FUA
        0x0_00_01 READ, 1                     Read                   Read               Read
        0x1_00_01 WRITE, 1                    Write Fua              Write              Write
        0x2_00_00 WRITE_BARRIER, 0            EOPNOTSUPP             EmptyBarrier       EOPNOTSUPP
        0x2_00_01 WRITE_BARRIER, 1            EOPNOTSUPP             BarrierWrite       EOPNOTSUPP
        0x2_00_0b WRITE_BARRIER, 11           EOPNOTSUPP             BarrierWrite       EOPNOTSUPP
        0x3_00_00 FLUSH_DISKCACHE, 0          Flush                  Flush              Flush
        0x3_00_01 FLUSH_DISKCACHE, 1          Flush, then Write Fua  Flush, then Write  Flush, then Write
        0x4_00_00 (reserved)                  EOPNOTSUPP             EOPNOTSUPP         EOPNOTSUPP
        0x5_00_00 DISCARD                     Discard Fua            Discard            Discard
        0x6_00_20 INDIRECT READ, 32           Read                   Read               Read
        0x6_01_20 INDIRECT WRITE, 32          Write Fua              Write              Write
        0x6_02_20 INDIRECT WRITE_BARRIER, 32  ERROR                  ERROR              ERROR
        0x6_02_00 INDIRECT WRITE_BARRIER, 0   ERROR                  ERROR              ERROR
        0x6_03_20 INDIRECT FLUSH_DISKCACHE    ERROR                  ERROR              ERROR
        0x6_05_00 INDIRECT DISCARD            ERROR                  ERROR              ERROR
        0x6_06_20 INDIRECT INDIRECT           ERROR                  ERROR              ERROR
        0x7_00_00 (no operation)              EOPNOTSUPP             EOPNOTSUPP         EOPNOTSUPP
        0xff_00_00 (no operation)             EOPNOTSUPP             EOPNOTSUPP         EOPNOTSUPP
        """,
        request => order => Text(
            ProtocolMap.Blkif(order, (byte)(request >> 16), (byte)(request >> 8), (byte)request),
            error => error switch { -1 => "ERROR", -2 => "EOPNOTSUPP", _ => "?" }));

    private static Func<ulong, Func<RingOrder, string>> Virtio(Func<RingOrder, uint> taken, bool writeback) => request => order =>
        Text(
            ProtocolMap.VirtioBlk(taken(order), writeback, (uint)request, (uint)(request >> 32)),
            error => error == 2 ? "UNSUPP" : "?");

    private static string Text(MappedRequest mapped, Func<int, string> errorName)
    {
        if (mapped.Error != 0)
            return errorName(mapped.Error);
        string flags = mapped.Flags == RingFlags.None ? "" : " " + mapped.Flags.ToString().Replace(",", "", StringComparison.Ordinal);
        return (mapped.FlushFirst ? "Flush, then " : "") + mapped.Op + flags;
    }

    // Each row begins with the request; its cells are replaced by what the map says, and the whole is compared.
    private static void AssertTable(string expected, Func<ulong, Func<RingOrder, string>> cell)
    {
        StringBuilder table = new();
        string[] lines = expected.Split('\n');
        int[] columns = [.. s_modes.Select(column => lines[0].IndexOf(column.Name, StringComparison.Ordinal))];
        table.Append(lines[0]);
        foreach (string line in lines.Skip(1))
        {
            string row = line[..columns[0]];
            Func<RingOrder, string> says = cell(Request(row));
            for (int i = 0; i < columns.Length; i++)
            {
                string[] texts = [.. s_modes[i].Modes.Select(says).Distinct()];
                Assert.True(texts.Length == 1, $"{row.Trim()}: the modes of {s_modes[i].Name} differ: {string.Join(" | ", texts)}");
                row = row.PadRight(columns[i]) + texts[0];
            }

            table.Append('\n').Append(row);
        }

        Assert.Equal(expected, table.ToString());
    }

    private static ulong Request(string row)
    {
        string number = row.Split(' ')[0].Replace("_", "", StringComparison.Ordinal);
        ulong flags = number.EndsWith('+') ? 1ul << 32 : 0;
        number = number.TrimEnd('+');
        return flags | (number.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToUInt64(number[2..], 16) : Convert.ToUInt64(number, 10));
    }
}
