using System.Buffers.Binary;
using Scheduler.Storage.Lvm;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>Groups that no tool would write, and those that it could not write here.</summary>
public sealed class LvmGroupReaderTests : IDisposable
{
    private static readonly string s_linear = VolumeTexts.Visible("lv", 1, VolumeTexts.Linear(2, "pv0", 3));

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_linear_volume_is_one_extent()
    {
        VolumeGroup group = Read(PvImage.Group(s_linear));

        Assert.Equal([new LvmExtent(0, 0, (1 << 20) + (2 << 22), 3 << 22)], group.Require("lv").Extents());
        Assert.Equal(7, group.SequenceNumber);
        Assert.Equal(_directory.File("pv1"), group.PhysicalVolumes[1].Path);
        Assert.Equal("/dev/sdb", group.PhysicalVolumes[1].DeviceHint);
    }

    [Theory]
    [InlineData("lock_type = \"sanlock\" lock_args = \"1.0.0:lvmlock\"", "\"READ\", \"WRITE\"", "shared between hosts by sanlock")]
    [InlineData("lock_type = \"dlm\"", "\"READ\", \"WRITE\"", "shared between hosts by dlm")]
    [InlineData("", "\"READ\", \"WRITE\", \"CLUSTERED\"", "shared between hosts")]
    [InlineData("", "\"READ\", \"WRITE\", \"EXPORTED\"", "exported")]
    [InlineData("", "\"READ\"", "read-only")]
    [InlineData("system_id = \"away\u001b[31m\"", "\"READ\", \"WRITE\"", "system id away?[31m")]
    public void A_group_that_is_not_to_be_used_is_refused_with_its_volumes(string extra, string status, string problem)
    {
        VolumeGroup group = Read(PvImage.Group(s_linear, extra: extra, status: status));

        Assert.Contains(problem, group.Refusal?.Problem, StringComparison.Ordinal);
        Assert.Same(group.Refusal, group.LogicalVolumes[0].Refusal);
        Assert.Empty(group.LogicalVolumes[0].Segments);
    }

    [Theory]
    [InlineData("extent_count = 1 type = \"vdo\" vdo_pool = \"x\"", "it is a VDO volume")]
    [InlineData("extent_count = 1 type = \"writecache\" origin = \"x\"", "it has a write cache")]
    [InlineData("extent_count = 1 type = \"mirror\" mirror_count = 2 mirrors = [\"pv0\", 0, \"pv1\", 0]", "it is a mirror")]
    [InlineData("extent_count = 1 type = \"raid6_zr\"", "it is raid6_zr")]
    [InlineData("extent_count = 1 type = \"striped+RESHAPE\"", "it has a segment of type striped+RESHAPE")]
    [InlineData("extent_count = 1 type = \"new\\n\"", "it has a segment of type new\\n")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pvmove0\", 0]", "it lies on another logical volume")]
    [InlineData("extent_count = 2 type = \"striped\" stripe_count = 2 stripe_size = 4 stripes = [\"pv0\", 0, \"pv1\", 0]", "are not multiples of 4096 bytes")]
    [InlineData("extent_count = 2 type = \"striped\" stripe_count = 2 stripe_size = 24 stripes = [\"pv0\", 0, \"pv1\", 0]", "its stripes are not whole in chunks")]
    public void A_volume_that_is_not_served_says_why(string segment, string problem) =>
        Assert.Contains(problem, Read(PvImage.Group(VolumeTexts.Visible("lv", 1, segment))).LogicalVolumes[0].Refusal?.Problem, StringComparison.Ordinal);

    [Fact]
    public void What_an_unknown_kind_of_volume_is_built_on_is_not_served()
    {
        string user = VolumeTexts.Visible("user", 2, "extent_count = 1 type = \"future\" settings { underneath = [\"lv\"] }");

        Assert.Equal("it is a part of user", Read(PvImage.Group(s_linear + user)).LogicalVolumes[0].Refusal?.Problem);
    }

    [Fact]
    public void A_volume_that_a_pvmove_moves_is_not_served()
    {
        string moving = VolumeTexts.Volume("lv", 1, "\"READ\", \"WRITE\", \"VISIBLE\", \"LOCKED\"", "extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pvmove0\", 0]");

        Assert.Equal("a pvmove of it is under way", Read(PvImage.Group(moving)).LogicalVolumes[0].Refusal?.Problem);
    }

    [Fact]
    public void A_device_that_has_shrunk_is_noticed()
    {
        new PvImage(0, PvImage.Group(s_linear, physical: 1)).Save(_directory.File("pv0"), 8 << 20);

        LogicalVolume volume = LvmGroupReader.Read([_directory.File("pv0")]).LogicalVolumes[0];

        Assert.StartsWith("it reaches beyond the 8388608 bytes", volume.Refusal?.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Extents_that_are_not_multiples_of_4096_are_not_served()
    {
        string text = PvImage.Group(s_linear).Replace("pe_start = 2048", "pe_start = 2049", StringComparison.Ordinal);

        Assert.Contains("not multiples of 4096", Read(text).LogicalVolumes[0].Refusal?.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pv0\", 15]", "reaches beyond the 15 extents")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pv0\", 3]", "belongs to both")]
    [InlineData("extent_count = 1 type = \"mirror\" mirrors = [\"pv0\", 3]", "belongs to both")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 2 stripes = [\"pv0\", 9]", "1 stripes and says otherwise")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pv0\", -1]", "no area")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = [\"pv0\"]", "no area")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 1 stripes = \"pv0\"", "is not an array")]
    [InlineData("extent_count = 1 type = \"striped\" stripe_count = 2 stripe_size = 8 stripes = [\"pv0\", 9, \"pv1\", 9]", "not whole in stripes")]
    [InlineData("extent_count = 0 type = \"striped\" stripe_count = 1 stripes = [\"pv0\", 9]", "extent_count is 0")]
    [InlineData("extent_count = 5000000000 type = \"error\"", "extent_count is 5000000000")]
    [InlineData("extent_count = 1 type = \"error\" start_extent = 0", "start_extent once")]
    [InlineData("extent_count = \"1\" type = \"error\"", "extent_count is not a number")]
    [InlineData("extent_count = 010 type = \"error\"", "a whole number")]
    [InlineData("extent_count = 99999999999999999999 type = \"error\"", "a whole number")]
    public void Contradictions_are_refused(string segment, string problem) =>
        Assert.Contains(problem, Refused(PvImage.Group(s_linear + VolumeTexts.Visible("other", 2, segment))), StringComparison.Ordinal);

    [Theory]
    [InlineData("seqno = 7", "", "seqno is missing")]
    [InlineData("seqno = 7", "seqno = -7", "seqno is -7")]
    [InlineData("pe_start = 2048", "pe_start = 1024", "overlap what LVM2 keeps there")]
    [InlineData("pe_start = 2048", "pe_start = 0", "overlap what LVM2 keeps there")]
    [InlineData("pe_start = 2048", "pe_start = 2048 ba_start = 4096 ba_size = 8", "overlap what LVM2 keeps there")]
    [InlineData("pe_start = 2048", "pe_start = 9223372036854775807", "not from 0 to")]
    [InlineData("extent_size = 8192", "extent_size = 0", "extent_size is 0")]
    [InlineData("pv1 {", "pv1/../x {", "is no name")]
    [InlineData("vg {", "\"v g\" {", "'v g' is no name")]
    [InlineData("lv {", "\"-lv\" {", "'-lv' is no name")]
    [InlineData("lv {", "\"\\\"\\\\\" {", "'\"\\' is no name")]
    [InlineData("\"VISIBLE\"", "\"FUTURE\"", "unknown status flag FUTURE")]
    [InlineData("000001-pppp", "000000-pppp", "two physical volumes are")]
    [InlineData("000001-aaaa", "000001_aaaa", "is no identity")]
    [InlineData("version = 1", "version = 2", "not of the kind")]
    [InlineData("version = 1", "version = 1 more {}", "not of one group")]
    [InlineData("version = 1", "version", "expected '{' or '='")]
    [InlineData("version = 1", "version = [1", "expected ',' or ']'")]
    [InlineData("version = 1", "version = \"1", "expected the end of a string")]
    [InlineData("version = 1", "= 1", "expected a name")]
    [InlineData("physical_volumes {", "physical {", "physical_volumes is missing")]
    [InlineData("segment_count = 1", "segment_count = 2", "1 segments and says otherwise")]
    [InlineData("start_extent = 0", "start_extent = 1", "leave a gap or overlap")]
    public void A_text_that_is_not_understood_is_refused(string right, string wrong, string problem)
    {
        string text = PvImage.Group(s_linear);
        Assert.Contains(right, text, StringComparison.Ordinal);

        Assert.Contains(problem, Refused(text.Replace(right, wrong, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_grammar_is_LVM2s()
    {
        string text = PvImage.Group(s_linear)
            .Replace("flags = []\n", "flags=[ \"NOAUTOACTIVATE\" , ]#]\n", StringComparison.Ordinal)
            .Replace("seqno = 7", "# }\n\tseqno=+7\n description = \"a \\\"b\\\" \\\\ { # }\" 'other' = 'x\\' bare = word float = bare.5", StringComparison.Ordinal);

        Assert.Equal(7, Read(text).SequenceNumber);
        Assert.NotEmpty(Read(text + "\0}}}").Require("lv").Segments);
    }

    [Fact]
    public void Two_texts_of_the_same_change_are_refused()
    {
        new PvImage(0, PvImage.Group(s_linear)).Save(_directory.File("pv0"));
        new PvImage(1, PvImage.Group("")).Save(_directory.File("pv1"));

        Assert.Contains("both are change 7 of the group", Message(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_text_that_is_not_understood_is_not_passed_over()
    {
        new PvImage(0, PvImage.Group(s_linear)).Save(_directory.File("pv0"));
        new PvImage(1, PvImage.Group(s_linear, sequence: 8, status: "\"FUTURE\"")).Save(_directory.File("pv1"));

        Assert.Contains("unknown status flag FUTURE", Message(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PvImage.LabelAt + 20, 500u, "a header that does not fit it")]
    [InlineData(PvImage.LabelAt + 24, 0x20202020u, "is not of type LVM2 001")]
    [InlineData(PvImage.LabelAt + 8, 2u, "another sector")]
    [InlineData(PvImage.HeaderAt, 0u, "an identity that is none")]
    [InlineData(PvImage.AreaAt + 4, 0u, "not that of this area")]
    [InlineData(PvImage.AreaAt + 20, 2u, "not that of this area")]
    [InlineData(PvImage.AreaAt + 24, 512u, "not that of this area")]
    [InlineData(PvImage.AreaAt + 32, 511u, "another size than the label")]
    [InlineData(PvImage.AreaAt + 36, 1u, "another size than the label")]
    [InlineData(PvImage.AreaAt + 40, 0u, "points out of it")]
    [InlineData(PvImage.AreaAt + 44, 0xffffffffu, "points out of it")]
    [InlineData(PvImage.AreaAt + 52, 0x7fffffffu, "points out of it")]
    [InlineData(PvImage.HeaderAt + 76, 0x7fffffffu, "does not lie on the device")]
    public void A_field_that_is_out_of_range_is_refused_though_its_checksum_is_right(int offset, uint value, string problem)
    {
        PvImage image = new(0, PvImage.Group(s_linear, physical: 1));
        BinaryPrimitives.WriteUInt32LittleEndian(image.Bytes.AsSpan(offset), value);
        image.Seal();
        image.Save(_directory.File("pv0"));

        Assert.Contains(problem, Message(physical: 1), StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_are_refused_before_anything_is_allocated()
    {
        PvImage image = new(0, PvImage.Group(s_linear, physical: 1));
        const long Huge = 1L << 40;
        BinaryPrimitives.WriteInt64LittleEndian(image.Label[112..], Huge);
        BinaryPrimitives.WriteInt64LittleEndian(image.Header[32..], Huge);
        BinaryPrimitives.WriteInt64LittleEndian(image.Header[48..], Huge / 2);
        image.Seal();
        image.Save(_directory.File("pv0"), 2 * Huge);

        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Message(physical: 1);

        Assert.Contains("is larger than", message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("x{", 200_000, "sections in each other")]
    [InlineData("x=[", 200_000, "expected ',' or ']'")]
    [InlineData("[", 200_000, "expected a name")]
    public void Depth_is_bounded(string repeated, int times, string problem) =>
        Assert.Contains(problem, Refused(string.Concat(Enumerable.Repeat(repeated, times))), StringComparison.Ordinal);

    [Theory]
    [InlineData("x = [", "1,", 510_000)]
    [InlineData("", "x", 1_000_000)]
    public void The_number_of_values_is_bounded(string start, string repeated, int times)
    {
        string text = start + string.Concat(Enumerable.Repeat(repeated, times));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<VolumeOpenException>(() => Read(text[..Math.Min(text.Length, PvImage.AreaSize - 1024)]));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void What_is_no_physical_volume_is_refused()
    {
        File.WriteAllBytes(_directory.File("pv0"), new byte[1 << 20]);
        Assert.Contains("it has no LVM2 label", Message(physical: 1), StringComparison.Ordinal);
        File.WriteAllBytes(_directory.File("pv0"), new byte[2047]);
        Assert.Contains("too small", Message(physical: 1), StringComparison.Ordinal);
        File.Delete(_directory.File("pv0"));
        Assert.Contains("No such file", Message(physical: 1), StringComparison.Ordinal);
        Assert.Contains("neither a file nor a block device", Assert.Throws<VolumeOpenException>(() => LvmGroupReader.Read(["/dev/null"])).Message, StringComparison.Ordinal);
        Assert.Contains("no physical volume is given", Message(physical: 0), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_not_there_is_refused()
    {
        VolumeOpenException e = Assert.Throws<VolumeOpenException>(() => Read(PvImage.Group(s_linear)).Require("other"));
        Assert.Equal("Volume vg/other: the group has no such logical volume; see scheduler lvm show.", e.Message);
    }

    private VolumeGroup Read(string text)
    {
        new PvImage(0, text).Save(_directory.File("pv0"));
        new PvImage(1, text).Save(_directory.File("pv1"));
        return LvmGroupReader.Read([_directory.File("pv0"), _directory.File("pv1")]);
    }

    private string Refused(string text)
    {
        string message = Assert.Throws<VolumeOpenException>(() => Read(text)).Message;
        Assert.StartsWith($"Volume {_directory.File("pv0")}: its metadata is not understood, though its checksum is right: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
        return message;
    }

    private string Message(int physical = 2) => Assert.Throws<VolumeOpenException>(
        () => LvmGroupReader.Read(Enumerable.Range(0, physical).Select(i => _directory.File($"pv{i}")))).Message;
}
