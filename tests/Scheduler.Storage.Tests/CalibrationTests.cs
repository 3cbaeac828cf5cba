// A calibration finds what is there before it writes, leaves an empty file empty, and fits what a device was made to take.
using Scheduler.Storage.Calibration;

namespace Scheduler.Storage.Tests;

public sealed class CalibrationTests : IDisposable
{
    private const long Size = 4 << 20;

    private static readonly CalibrationTarget s_file = new(IsFile: true, IsAllocated: false);
    private static readonly CalibrationOptions s_tiny = new() { Time = TimeSpan.FromMilliseconds(30), DepthMax = 4, AreaBytesMax = 2 << 20 };

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("calibration");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_line_goes_through_its_points()
    {
        LineFit line = LineFit.Through([(4096, 100_000 + 2048), (65_536, 100_000 + 32_768), (262_144, 100_000 + 131_072)]);
        Assert.Equal(100_000, line.Base, 1e-3);
        Assert.Equal(0.5, line.Slope, 1e-6);
    }

    [Fact]
    public void A_line_is_never_below_zero()
    {
        Assert.Equal(new LineFit(5, 0), LineFit.Through([(1, 5)]));
        Assert.Equal(0, LineFit.Through([(1, 10), (10, 5)]).Slope);
        Assert.Equal(0, LineFit.Through([(10, 1), (20, 100)]).Base);
    }

    [Fact]
    public void Service_times_are_what_a_saturated_device_takes_times_its_channels()
    {
        DeviceProfile profile = DeviceProfile.Fit(
            [
                Load(DeviceOp.Read, 4096, 1, latency: 80_000, period: 80_000),
                Load(DeviceOp.Read, 4096, 32, latency: 320_000, period: 10_000),
                Load(DeviceOp.Read, 65_536, 32, latency: 0, period: 16_000),
                Load(DeviceOp.Write, 4096, 1, latency: 20_000, period: 20_000),
                Load(DeviceOp.Write, 4096, 32, latency: 0, period: 15_000),
                new LoadResult(new LoadPoint(DeviceOp.Write, 4096, 1, Durable: true), 1, 500_000, 500_000),
            ],
            [new FlushResult(0, 1, 1e6), new FlushResult(1 << 20, 1, 2e6)]);
        Assert.Equal(8, profile.Channels);
        Assert.Equal(80_000, profile.Read.At(4096), 1e-3);
        Assert.Equal(128_000, profile.Read.At(65_536), 1e-3);
        Assert.Equal(120_000, profile.Write!.Value.At(4096), 1e-3);
        Assert.Equal(380_000, profile.DurableWriteNs!.Value, 1e-3);
        Assert.Equal(1e6, profile.Flush!.Value.Base, 1e-3);
        Assert.Equal(1e6 / (1 << 20), profile.Flush!.Value.Slope, 1e-6);
        Assert.Null(profile.Discard);
    }

    // 4 ms with 4 at once, and flushes of 12 ms. The machine may be busy with other things: the bounds are wide.
    [Fact]
    public void The_delays_of_a_slow_device_are_found()
    {
        FaultyDevice device = new(new MemoryDevice(Size), new FaultyOptions
        {
            ServiceTime = TimeSpan.FromMilliseconds(4),
            FlushTime = TimeSpan.FromMilliseconds(12),
            Parallel = 4,
        });
        CalibrationOptions options = s_tiny with { Time = TimeSpan.FromSeconds(1.5), DepthMax = 16, Writes = CalibrationWrites.Always };
        DeviceProfile profile = Run(device, default, options).Profile;
        Assert.InRange(profile.Channels, 3, 6);
        Assert.InRange(profile.Read.At(4096), 3e6, 8e6);
        Assert.InRange(profile.Write!.Value.At(4096), 3e6, 8e6);
        Assert.InRange(profile.Flush!.Value.Base, 9e6, 24e6);
        Assert.InRange(profile.Discard!.Value.At(65_536), 3e6, 8e6);
        Assert.InRange(profile.DurableWriteNs!.Value, 0, 4e6);
    }

    [Fact]
    public void An_empty_file_is_empty_again_afterwards()
    {
        string path = NewFile();
        CalibrationResult result = Run(Open(path), s_file, s_tiny);
        Assert.Null(result.Refusal);
        Assert.Equal([0, 1 << 20], result.Flushes.Select(flush => flush.DirtyBytes));
        Assert.Contains(result.Loads, load => load.Point is { Op: DeviceOp.Write, Durable: true });
        Assert.True(File.ReadAllBytes(path).AsSpan().IndexOfAnyExcept((byte)0) < 0);
        Assert.False(CalibrationTarget.At(path)!.Value.IsAllocated);
    }

    [Theory]
    [InlineData(0, "it holds data, at byte 0")]
    [InlineData(1 << 19, "it holds data, at byte 524288")]
    [InlineData(3 << 20, "it holds allocated data, the first at byte 3145728")]
    public void A_file_with_data_is_only_read(int offset, string reason)
    {
        string path = NewFile();
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = offset;
            file.Write("payload"u8);
        }

        byte[] before = File.ReadAllBytes(path);
        CalibrationResult result = Run(Open(path), s_file, s_tiny);
        Assert.Equal(new WriteRefusal(reason, CalibrationWrites.Always), result.Refusal);
        Assert.Empty(result.Flushes);
        Assert.All(result.Loads, load => Assert.Equal(DeviceOp.Read, load.Point.Op));
        Assert.Null(result.Profile.Write);
        Assert.Equal(before, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(510, new byte[] { 0x55, 0xaa }, "it holds an MBR partition table, or a FAT file system")]
    [InlineData(512, new byte[] { 0x45, 0x46, 0x49, 0x20, 0x50, 0x41, 0x52, 0x54 }, "it holds a GPT partition table")]
    [InlineData(1080, new byte[] { 0x53, 0xef }, "it holds an ext file system")]
    [InlineData(3_000_000, new byte[] { 1 }, "it holds data, at byte 3000000")]
    [InlineData((4 << 20) - 1, new byte[] { 1 }, "it holds data, at byte 4194303")]
    public void What_is_on_a_block_device_is_found(int offset, byte[] content, string reason)
    {
        string path = NewFile();
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = offset;
            file.Write(content);
        }

        CalibrationResult result = Run(Open(path), new CalibrationTarget(IsFile: false, IsAllocated: false), s_tiny with { Writes = CalibrationWrites.IfEmpty });
        Assert.Equal(new WriteRefusal(reason, CalibrationWrites.Always), result.Refusal);
    }

    [Fact]
    public void A_block_device_that_looks_empty_is_written_to_when_asked()
    {
        CalibrationTarget device = new(IsFile: false, IsAllocated: false);
        Assert.Equal(CalibrationWrites.IfEmpty, Run(new MemoryDevice(Size), device, s_tiny).Refusal!.Needed);
        Assert.Null(Run(new MemoryDevice(Size), device, s_tiny with { Writes = CalibrationWrites.IfEmpty }).Refusal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void What_is_written_is_never_zeroes(int depth)
    {
        WatchedDevice device = new(new MemoryDevice(Size));
        CalibrationOptions options = s_tiny with { Writes = CalibrationWrites.IfEmpty, DepthMax = depth };
        Assert.Null(Run(device, default, options).Refusal);
        Assert.True(device.Count > 0);
        Assert.Equal(0, device.Zeroes);
    }

    [Fact]
    public void A_file_is_empty_again_also_where_nothing_is_discarded()
    {
        string path = NewFile();
        Assert.Null(Run(new WatchedDevice(Open(path)), s_file, s_tiny).Refusal);
        Assert.True(File.ReadAllBytes(path).AsSpan().IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void A_request_that_fails_ends_it()
    {
        FaultyDevice device = new(new MemoryDevice(Size), new FaultyOptions { Mode = FaultMode.Write, ErrorAfter = 20 });
        CalibrationException error = Assert.Throws<CalibrationException>(() => Run(device, default, s_tiny with { Writes = CalibrationWrites.Always }));
        Assert.Equal("a write failed: errno 5", error.Message);
    }

    [Fact]
    public void It_is_cut_short_and_the_file_is_empty_again()
    {
        string path = NewFile();
        using CancellationTokenSource cut = new();
        Assert.Throws<OperationCanceledException>(() => DeviceCalibration.Run(
            Open(path), s_file, s_tiny, CutAtWrites, cut.Token));
        Assert.False(CalibrationTarget.At(path)!.Value.IsAllocated);

        void CutAtWrites(string step)
        {
            if (step.StartsWith("write", StringComparison.Ordinal))
                cut.Cancel();
        }
    }

    private static LoadResult Load(DeviceOp op, int bytes, int depth, double latency, double period) =>
        new(new LoadPoint(op, bytes, depth), 1, latency, period);

    private static CalibrationResult Run(IBlockDevice device, CalibrationTarget target, CalibrationOptions options) =>
        DeviceCalibration.Run(device, target, options, _ => { }, CancellationToken.None);

    private static IBlockDevice Open(string path) =>
        DeviceFactory.Open(new VolumeOptions { Path = path, Cache = CacheMode.Buffered });

    private string NewFile()
    {
        string path = Path.Combine(_directory.FullName, "disk.img");
        using FileStream file = File.Create(path);
        file.SetLength(Size);
        return path;
    }

    // Counts the blocks that are written, and those among them that are nothing but zeroes. It takes no advice to discard.
    private sealed unsafe class WatchedDevice(IBlockDevice inner) : IBlockDevice
    {
        private const int Block = 4096;

        public DeviceInfo Info => inner.Info;

        public Action CompletionsReady
        {
            set => inner.CompletionsReady = value;
        }

        public long Count { get; private set; }

        public long Zeroes { get; private set; }

        public void Submit(ReadOnlySpan<DeviceRequest> requests)
        {
            DeviceRequest[] taken = requests.ToArray();
            foreach (ref DeviceRequest request in taken.AsSpan())
            {
                if (request.Op == DeviceOp.Discard)
                    request = request with { Op = DeviceOp.Prefetch };
                for (long at = 0; request.Op == DeviceOp.Write && at < request.Length; at += Block)
                {
                    Count++;
                    Zeroes += new ReadOnlySpan<byte>((byte*)request.Buffer + at, Block).ContainsAnyExcept((byte)0) ? 0 : 1;
                }
            }

            inner.Submit(taken);
        }

        public int Reap(Span<DeviceCompletion> completions) => inner.Reap(completions);

        public void Dispose() => inner.Dispose();
    }
}
