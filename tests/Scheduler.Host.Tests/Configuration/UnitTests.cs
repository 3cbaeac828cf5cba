using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

public class UnitTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("1B", 1)]
    [InlineData("2 bytes", 2)]
    [InlineData("64k", 65536)]
    [InlineData("64K", 65536)]
    [InlineData("64KiB", 65536)]
    [InlineData("64Ki", 65536)]
    [InlineData("1kB", 1000)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("1m", 1 << 20)]
    [InlineData("1MB", 1_000_000)]
    [InlineData("1G", 1L << 30)]
    [InlineData("4GiB", 4L << 30)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData("0.5k", 512)]
    [InlineData("1TB", 1_000_000_000_000)]
    [InlineData("1P", 1L << 50)]
    [InlineData("7E", 7L << 60)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Size(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text));

    [Theory]
    [InlineData("", "'' is not a size; write e.g. 4GiB")]
    [InlineData("4GX", "'4GX' is not a size; write e.g. 4GiB")]
    [InlineData("4gb", "'4gb' is not a size; write e.g. 4GiB")]
    [InlineData("4gib", "'4gib' is not a size; write e.g. 4GiB")]
    [InlineData("KB", "'KB' is not a size; write e.g. 4GiB")]
    [InlineData("1KB", "'1KB' is not a size; write e.g. 4GiB")]
    [InlineData("-1", "'-1' is not a size; write e.g. 4GiB")]
    [InlineData("1.2.3", "'1.2.3' is not a size; write e.g. 4GiB")]
    [InlineData(".", "'.' is not a size; write e.g. 4GiB")]
    [InlineData("1e3", "'1e3' is not a size; write e.g. 4GiB")]
    [InlineData("99999999999999999999999999999999999", "'99999999999999999999999999999999999' is not a size; write e.g. 4GiB")]
    [InlineData("8E", "'8E' is too large for a size")]
    [InlineData("9223372036854775808", "'9223372036854775808' is too large for a size")]
    [InlineData("0.3k", "'0.3k' is not a whole number of bytes")]
    public void Not_a_size(string text, string problem) =>
        Assert.Equal(problem, Assert.Throws<FormatException>(() => ByteSize.Parse(text)).Message);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("500ns", 5)]
    [InlineData("10us", 100)]
    [InlineData("10\u00b5s", 100)]
    [InlineData("1ms", 10_000)]
    [InlineData("1.5ms", 15_000)]
    [InlineData("2s", 20_000_000)]
    [InlineData("2 seconds", 20_000_000)]
    [InlineData("1m", 600_000_000)]
    [InlineData("1h", 36_000_000_000)]
    [InlineData("1d", 864_000_000_000)]
    public void Duration(string text, long ticks) => Assert.Equal(ticks, DurationText.Parse(text).Ticks);

    [Theory]
    [InlineData("10", "'10' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("", "'' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("10 parsecs", "'10 parsecs' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("-1s", "'-1s' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("150ns", "'150ns' is finer than 100ns, the smallest step")]
    [InlineData("1001d", "'1001d' is too long; at most 1000d")]
    [InlineData("99999999999999999999d", "'99999999999999999999d' is too long; at most 1000d")]
    public void Not_a_duration(string text, string problem) =>
        Assert.Equal(problem, Assert.Throws<FormatException>(() => DurationText.Parse(text)).Message);

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1000, "1000B")]
    [InlineData(1024, "1KiB")]
    [InlineData(4L << 30, "4GiB")]
    [InlineData(5L << 50, "5PiB")]
    [InlineData((4L << 30) + 4096, "4194308KiB")]
    public void A_size_is_written_so_that_it_reads_back(long bytes, string text)
    {
        Assert.Equal(text, ByteSize.Format(bytes));
        Assert.Equal(bytes, ByteSize.Parse(text));
    }

    [Theory]
    [InlineData("0s")]
    [InlineData("100ns")]
    [InlineData("20us")]
    [InlineData("1500ms")]
    [InlineData("59s")]
    [InlineData("1m")]
    [InlineData("36h")]
    [InlineData("1000d")]
    public void A_duration_is_written_so_that_it_reads_back(string text) =>
        Assert.Equal(text, DurationText.Format(DurationText.Parse(text)));
}
