using System.Buffers.Binary;
using System.Text;
using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary><c>scheduler lvm show</c>: what it prints, and its exit codes.</summary>
public sealed class LvmCommandTests : IDisposable
{
    private const string Text = """
        vg { id = "gggggg-gggg-gggg-gggg-gggg-gggg-gggggg" seqno = 3 status = ["READ", "WRITE"] extent_size = 8192
          physical_volumes {
            pv0 { id = "pppppp-pppp-pppp-pppp-pppp-pppp-pppppp" device = "/dev/sda" status = [] pe_start = 2048 pe_count = 15 }
            pv1 { id = "qqqqqq-qqqq-qqqq-qqqq-qqqq-qqqq-qqqqqq" device = "/dev/sdb" status = [] pe_start = 2048 pe_count = 15 } }
          logical_volumes {
            root { id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaaa" status = ["READ", "WRITE", "VISIBLE"] segment_count = 1
              segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 1 stripes = ["pv0", 3] } }
            fast { id = "bbbbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbbb" status = ["READ", "WRITE", "VISIBLE"] segment_count = 1
              segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 2 stripe_size = 128 stripes = ["pv0", 6, "pv0", 8] } }
            away { id = "cccccc-cccc-cccc-cccc-cccc-cccc-cccccc" status = ["READ", "WRITE", "VISIBLE"] segment_count = 1
              segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv1", 0] } } } }
        contents = "Text Format Volume Group"
        version = 1
        """;

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task It_prints_the_group_and_where_its_volumes_are()
    {
        Save(Text);

        (int code, string text) = await RunAsync("show", _file);

        Assert.Equal(
            $"""
            group vg gggggg-gggg-gggg-gggg-gggg-gggg-gggggg, change 3, extents of 4MiB
            physical volumes
              {_file} pppppp-pppp-pppp-pppp-pppp-pppp-pppppp, 60MiB from 1MiB
              missing (last seen as /dev/sdb) qqqqqq-qqqq-qqqq-qqqq-qqqq-qqqq-qqqqqq, 60MiB from 1MiB
            logical volumes
              root aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaaa, 8MiB
                0 + 8388608: {_file} 13631488
              fast bbbbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbbb, 8MiB
                0 + 8388608 in chunks of 64KiB: {_file} 26214400, {_file} 34603008
              away cccccc-cccc-cccc-cccc-cccc-cccc-cccccc, 4MiB
                not served: it needs the physical volume qqqqqq-qqqq-qqqq-qqqq-qqqq-qqqq-qqqqqq, last seen as /dev/sdb, which is missing; name it too

            """,
            text);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task A_group_of_another_host_is_said_once()
    {
        Save(Text.Replace("seqno", "system_id = \"other\" seqno", StringComparison.Ordinal));

        (int code, string text) = await RunAsync("show", _file);

        Assert.Equal(0, code);
        Assert.Single(text.Split('\n'), line => line.Contains("not served: group vg belongs to the host with system id other", StringComparison.Ordinal));
        (_, text) = await RunAsync("show", "--system-id", "other", _file);
        Assert.DoesNotContain("other", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_is_one_line_and_exit_code_1()
    {
        Save(Text.Replace("gggggg-gggg", "gggggg-gg", StringComparison.Ordinal));
        Assert.Equal(
            (LvmCommand.ExitFailed, $"Volume {_file}: its metadata is not understood, though its checksum is right: 'gggggg-gg-gggg-gggg-gggg-gggg-gggggg' is no identity; see vgck and vgcfgrestore.\n"),
            await RunAsync("show", _file));
    }

    [Fact]
    public async Task Without_a_path_it_is_a_usage_error() => Assert.Equal(SchedulerCommandLine.ExitUsage, (await RunAsync("show")).Code);

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        using StringWriter text = new();
        int code = await SchedulerCommandLine.RunAsync(["lvm", .. arguments], text, text, (_, _) => Task.FromResult(0), CancellationToken.None);
        return (code, text.ToString());
    }

    // A physical volume as LVM2 lays it out: label, header, metadata area, text.
    private void Save(string metadata)
    {
        byte[] bytes = new byte[1 << 20];
        Span<byte> label = bytes.AsSpan(512, 512);
        "LABELONE"u8.CopyTo(label);
        label[8] = 1;
        label[20] = 32;
        "LVM2 001"u8.CopyTo(label[24..]);
        label.Slice(32, 32).Fill((byte)'p');
        BinaryPrimitives.WriteUInt64LittleEndian(label[72..], 1 << 20);
        BinaryPrimitives.WriteUInt64LittleEndian(label[104..], 4096);
        BinaryPrimitives.WriteUInt64LittleEndian(label[112..], (1 << 20) - 4096);
        BinaryPrimitives.WriteUInt32LittleEndian(label[16..], Checksum(label[20..]));

        byte[] text = Encoding.ASCII.GetBytes(metadata);
        Span<byte> area = bytes.AsSpan(4096);
        " LVM2 x[5A%r0N*>"u8.CopyTo(area[4..]);
        area[20] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(area[24..], 4096);
        BinaryPrimitives.WriteUInt64LittleEndian(area[32..], (ulong)area.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(area[40..], 512);
        BinaryPrimitives.WriteUInt64LittleEndian(area[48..], (ulong)text.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(area[56..], Checksum(text));
        text.CopyTo(area[512..]);
        BinaryPrimitives.WriteUInt32LittleEndian(area, Checksum(area[4..512]));

        using FileStream file = File.Create(_file);
        file.Write(bytes);
        file.SetLength(64 << 20);
    }

    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = 0xf597a6cf;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
        }

        return crc;
    }
}
