namespace Scheduler.Storage.Tests;

/// <summary>A device on a file, whichever way the requests take.</summary>
public abstract class FileDeviceTests(IoMethod io) : IDisposable
{
    private const long Size = 16 << 20;
    private const int Block = 4096;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    [SkippableFact]
    public void Reads_of_cached_data_complete_within_the_submission()
    {
        using DeviceDriver driver = Open();
        using NativeBuffer data = new NativeBuffer(64 * Block).FillRandom(1);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, data.Length, data.Address));
        Assert.Equal(0, driver.Run(DeviceOp.Read, 0, data.Length, data.Address));
        int calls = driver.ReadyCalls;
        int[] errors = new int[1];

        for (int i = 0; i < 64; i++)
        {
            driver.Submit([new(0, DeviceOp.Read, 0, i * Block, Block, data.Address + (i * Block))]);
            Requires.That(i > 0 || driver.ReapInto(errors) == 1, "this file system has no RWF_NOWAIT for reads");
            if (i > 0)
                Assert.Equal(1, driver.ReapInto(errors));
        }

        Assert.Equal(calls, driver.ReadyCalls);
    }

    [Fact]
    public void A_flush_does_not_queue_behind_writes()
    {
        const int Writes = 500;
        using DeviceDriver driver = new(DeviceFactory.Open(new VolumeOptions
        {
            Path = _directory.File("volume"),
            Size = Size,
            Cache = CacheMode.Buffered,
            Io = io,
            Workers = 1,
        }));
        using NativeBuffer data = new NativeBuffer(Block).FillRandom(5);
        DeviceRequest[] batch = new DeviceRequest[Writes + 1];
        for (int i = 0; i < Writes; i++)
            batch[i] = new(0, DeviceOp.Write, DeviceFlags.Dsync, i * Block, Block, data.Address);
        batch[Writes] = new(0, DeviceOp.Flush, DeviceFlags.None, 0, 0, 0);
        int[] errors = new int[Writes + 1];
        Array.Fill(errors, -1);

        driver.Submit(batch);
        int collected = 0;
        while (errors[Writes] < 0)
        {
            Assert.True(driver.WaitReady(TimeSpan.FromSeconds(60)));
            for (int reaped = -1; reaped != 0; collected += reaped)
                reaped = driver.ReapInto(errors);
        }

        Assert.InRange(collected, 1, Writes / 2);
        driver.Collect(batch.Length - collected, errors);
        Assert.All(errors, error => Assert.Equal(0, error));
    }

    [Theory]
    [InlineData(CacheMode.Buffered)]
    [InlineData(CacheMode.Direct)]
    public void A_file_that_was_cut_short_gives_an_error_not_a_short_read(CacheMode cache)
    {
        using DeviceDriver driver = Open(cache: cache);
        using NativeBuffer data = new(4 * Block);
        using (FileStream file = new(_directory.File("volume"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(2 * Block);

        Assert.Equal(0, driver.Run(DeviceOp.Read, 0, 2 * Block, data.Address));
        Assert.Equal(Errno.EIO, driver.Run(DeviceOp.Read, 0, 4 * Block, data.Address));
    }

    [Fact]
    public void A_hole_shows_in_the_map()
    {
        using DeviceDriver driver = Open();
        using NativeBuffer data = new NativeBuffer(1 << 20).FillRandom(2);
        using NativeBuffer map = new(AllocationMap.BufferBytes);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 1 << 20, data.Length, data.Address));
        Assert.Equal(0, driver.Run(DeviceOp.Status, 0, Size, map.Address));

        Assert.Equal(3, AllocationMap.Count(map.Address));
        Assert.Equal((1 << 20, true), AllocationMap.Run(map.Address, 0));
        Assert.Equal((1 << 20, false), AllocationMap.Run(map.Address, 1));
        Assert.Equal((Size - (2 << 20), true), AllocationMap.Run(map.Address, 2));

        Assert.Equal(0, driver.Run(DeviceOp.Discard, 1 << 20, 1 << 20));
        Assert.Equal(0, driver.Run(DeviceOp.Status, 0, Size, map.Address));
        Assert.Equal(1, AllocationMap.Count(map.Address));
    }

    [SkippableTheory]
    [InlineData(CacheMode.Buffered, DeviceFlags.None)]
    [InlineData(CacheMode.Buffered, DeviceFlags.Dsync)]
    [InlineData(CacheMode.Dsync, DeviceFlags.None)]
    public void A_full_file_system_fails_the_write_with_no_space(CacheMode cache, DeviceFlags flags)
    {
        using TemporaryFileSystem small = new(1 << 20);
        using DeviceDriver driver = Open(small.File("volume"), cache);
        using NativeBuffer data = new NativeBuffer(1 << 20).FillRandom(3);
        using NativeBuffer read = new(64 << 10);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, 64 << 10, data.Address, flags));

        Assert.Equal(Errno.ENOSPC, driver.Run(DeviceOp.Write, 2 << 20, 1 << 20, data.Address, flags));
        Assert.Equal(Errno.ENOSPC, driver.Run(DeviceOp.Zero, 4 << 20, 4 << 20, flags: DeviceFlags.NoHole));

        Assert.Equal(0, driver.Run(DeviceOp.Flush));
        Assert.Equal(0, driver.Run(DeviceOp.Read, 0, read.Length, read.Address));
        Assert.True(data.Bytes[..(64 << 10)].SequenceEqual(read.Bytes));
    }

    [SkippableFact]
    public void Fast_zeroing_is_refused_where_only_writing_zeroes_is_left()
    {
        using TemporaryFileSystem memory = new(4 << 20);
        using DeviceDriver driver = Open(memory.File("volume"));
        using NativeBuffer map = new(AllocationMap.BufferBytes);

        Assert.Equal(0, driver.Run(DeviceOp.Zero, 0, 1 << 20, flags: DeviceFlags.FastZero));
        Assert.Equal(
            Errno.EOPNOTSUPP, driver.Run(DeviceOp.Zero, 0, 1 << 20, flags: DeviceFlags.FastZero | DeviceFlags.NoHole));
        Assert.Equal(0, driver.Run(DeviceOp.Zero, 0, (1 << 20) + Block, flags: DeviceFlags.NoHole));

        Assert.Equal(0, driver.Run(DeviceOp.Status, 0, (1 << 20) + Block, map.Address));
        Assert.Equal(((1 << 20) + Block, false), AllocationMap.Run(map.Address, 0));
    }

    [Theory]
    [InlineData(CacheMode.Buffered, false)]
    [InlineData(CacheMode.Direct, false)]
    [InlineData(CacheMode.Dsync, true)]
    public void The_cache_mode_decides_what_is_durable(CacheMode cache, bool durableWrites)
    {
        using DeviceDriver driver = Open(cache: cache);

        Assert.Equal(durableWrites, driver.Device.Info.DurableWrites);
        Assert.True(driver.Device.Info.VolatileCache);
    }

    [SkippableFact]
    public void A_sync_that_fails_for_want_of_space_is_told_from_a_write_that_does()
    {
        // A file system on a thin volume: it believes that it has space, and learns better when it writes back.
        Requires.Tool("mkfs.ext4");
        using TemporaryFileSystem small = new(4 << 20);
        using LoopDevice thin = new(64 << 20, small.Path);
        const string Format = "-q -O ^has_journal -E lazy_itable_init=0,nodiscard -N 16 -m 0";
        Assert.Equal(0, Command.Run("mkfs.ext4", [.. Format.Split(' '), thin.Path]).Status);
        using TemporaryFileSystem mounted = TemporaryFileSystem.On(thin);
        using DeviceDriver driver = Open(mounted.File("volume"));
        using NativeBuffer data = new NativeBuffer(8 << 20).FillRandom(4);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, Block, data.Address, DeviceFlags.Dsync));

        Assert.Equal(Errno.EIO, driver.Run(DeviceOp.Write, 0, data.Length, data.Address, DeviceFlags.Dsync));
        Assert.NotEqual(0, driver.Run(DeviceOp.Flush));
    }

    private DeviceDriver Open(string? path = null, CacheMode cache = CacheMode.Buffered, long size = Size) =>
        new(DeviceFactory.Open(new VolumeOptions { Path = path ?? _directory.File("volume"), Size = size, Cache = cache, Io = io }));
}

public sealed class ThreadsFileDeviceTests() : FileDeviceTests(IoMethod.Threads);

public sealed class UringFileDeviceTests() : FileDeviceTests(IoMethod.IoUring);
