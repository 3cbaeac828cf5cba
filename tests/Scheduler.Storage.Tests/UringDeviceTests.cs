using System.Globalization;
using Scheduler.Storage.Loop;
using Scheduler.Storage.Uring;

namespace Scheduler.Storage.Tests;

public sealed class UringDeviceTests : IDisposable
{
    private const long Size = 16 << 20;
    private const int Block = 4096;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(CacheMode.Direct)]
    [InlineData(CacheMode.Buffered)]
    public void Completions_that_overflow_their_queue_are_not_lost(CacheMode cache)
    {
        const int Count = 1000;
        using DeviceDriver driver = new(Open(cache, entries: 4));
        using NativeBuffer data = new NativeBuffer(Count * Block).FillRandom(1);
        using NativeBuffer read = new(Count * Block);
        int[] errors = new int[Count];
        driver.RunAll(Batch(Count, DeviceOp.Write, data), errors);
        driver.Run(DeviceOp.Flush);
        Command.Run("dd", $"if={_directory.File("volume")}", "iflag=nocache", "count=0");

        // There is room for eight completions; all others find it taken.
        Array.Fill(errors, -1);
        driver.Submit(Batch(Count, DeviceOp.Read, read));
        Thread.Sleep(200);
        driver.Collect(Count, errors);

        Assert.All(errors, error => Assert.Equal(0, error));
        Assert.True(data.Bytes.SequenceEqual(read.Bytes));
    }

    [SkippableTheory]
    [InlineData(CacheMode.Direct)]
    [InlineData(CacheMode.Buffered)]
    public void A_disk_that_fails_fails_the_requests(CacheMode cache)
    {
        // A disk on a file system without space for it.
        using TemporaryFileSystem small = new(4 << 20);
        using LoopDevice thin = new(64 << 20, small.Path);
        using DeviceDriver driver = new(DeviceFactory.Open(
            new VolumeOptions { Path = thin.Path, Cache = cache, Io = IoMethod.IoUring }));
        using NativeBuffer data = new NativeBuffer(8 << 20).FillRandom(2);

        int written = driver.Run(DeviceOp.Write, 0, data.Length, data.Address);
        int flushed = driver.Run(DeviceOp.Flush);

        // Past the page cache the write fails, else its flush.
        Assert.NotEqual(0, cache == CacheMode.Direct ? written : flushed);
        Assert.Equal(0, driver.Run(DeviceOp.Read, 32 << 20, Block, data.Address));
    }

    [SkippableTheory]
    [InlineData(DeviceFlags.None)]
    [InlineData(DeviceFlags.Dsync)]
    public void A_full_file_system_fails_the_write_with_no_space(DeviceFlags flags)
    {
        Requires.Tool("mkfs.ext4");
        using LoopDevice small = new(16 << 20);
        Assert.Equal(0, Command.Run("mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", small.Path).Status);
        using TemporaryFileSystem mounted = TemporaryFileSystem.On(small);
        VolumeOptions options = new() { Path = mounted.File("volume"), Size = 64 << 20, Io = IoMethod.IoUring };
        using DeviceDriver driver = new(DeviceFactory.Open(options));
        using NativeBuffer data = new NativeBuffer(3 << 20).FillRandom(3);
        using NativeBuffer read = new(3 << 20);

        // The last one is cut short first.
        int error = 0;
        for (long offset = 0; error == 0; offset += data.Length)
            error = driver.Run(DeviceOp.Write, offset, data.Length, data.Address, flags);

        Assert.Equal(Errno.ENOSPC, error);
        Assert.Equal(0, driver.Run(DeviceOp.Flush));
        Assert.Equal(0, driver.Run(DeviceOp.Read, 0, read.Length, read.Address));
        Assert.True(data.Bytes.SequenceEqual(read.Bytes));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_durable_write_has_the_disk_flush(bool onFileSystem)
    {
        const int Writes = 10;
        Requires.Tool("mkfs.ext4");
        using LoopDevice disk = new(16 << 20);
        Assert.Equal(0, Command.Run("mkfs.ext4", "-q", "-O", "^has_journal", disk.Path).Status);
        using TemporaryFileSystem? mounted = onFileSystem ? TemporaryFileSystem.On(disk) : null;
        VolumeOptions options = new() { Path = mounted?.File("volume") ?? disk.Path, Size = 4 << 20, Io = IoMethod.IoUring };
        using DeviceDriver driver = new(DeviceFactory.Open(options));
        using NativeBuffer data = new NativeBuffer(Block).FillRandom(4);
        for (int i = 0; i < Writes; i++)
            Assert.Equal(0, driver.Run(DeviceOp.Write, i * Block, Block, data.Address));
        Assert.Equal(0, driver.Run(DeviceOp.Flush));
        long before = FlushesOf(disk);

        for (int i = 0; i < Writes; i++)
            Assert.Equal(0, driver.Run(DeviceOp.Write, i * Block, Block, data.Address, DeviceFlags.Dsync));

        Assert.True(FlushesOf(disk) - before >= Writes);
    }

    [Theory]
    [InlineData(Errno.EPERM, "seccomp")]
    [InlineData(38, "old kernel")]
    public void Where_a_policy_refuses_it_threads_are_used_and_the_reason_is_told(int errno, string told)
    {
        string? reason = null;
        Type? opened = null;
        VolumeOptions options = Options(CacheMode.Buffered);
        VolumeOpenException? refused = null;

        SystemCallFilter.Run(SystemCallFilter.IoUringSetup, errno, () =>
        {
            using (IBlockDevice device = DeviceFactory.Open(options with { Io = IoMethod.Auto }, text => reason = text))
                opened = device.GetType();
            refused = Assert.Throws<VolumeOpenException>(() => DeviceFactory.Open(options with { Io = IoMethod.IoUring }));
        });

        Assert.Equal(typeof(FileDevice), opened);
        Assert.Contains(told, reason, StringComparison.Ordinal);
        Assert.Contains(reason!, refused!.Message, StringComparison.Ordinal);
        FileVolume.Open(options).Dispose();
    }

    [Fact]
    public void Where_nothing_refuses_it_nothing_is_told()
    {
        string? reason = null;
        using IBlockDevice device = DeviceFactory.Open(Options(CacheMode.Direct), text => reason = text);

        Assert.IsType<UringDevice>(device);
        Assert.Null(reason);
    }

    [Fact]
    public void On_a_loop_the_loops_thread_is_called_and_no_other_waits()
    {
        using EventLoop loop = new("owner");
        using UringDevice device = Open(CacheMode.Direct);
        using SemaphoreSlim called = new(0);
        bool onLoop = true;
        device.CompletionsReady = () =>
        {
            onLoop &= loop.IsCurrent;
            called.Release();
        };
        loop.Post(() => device.AttachTo(loop));
        loop.Start();

        for (int i = 0; i < 20; i++)
        {
            int reaped = 0;
            loop.Post(() => device.Submit([new(0, DeviceOp.Flush, 0, 0, 0, 0)]));
            Assert.True(called.Wait(TimeSpan.FromSeconds(60)));
            using ManualResetEventSlim done = new();
            loop.Post(() =>
            {
                reaped = device.Reap(new DeviceCompletion[4]);
                done.Set();
            });
            done.Wait();
            Assert.Equal(1, reaped);

            // The descriptor stayed ready until then.
            while (called.Wait(0))
            {
            }
        }

        Assert.True(onLoop);
        Assert.Empty(ThreadsNamed("volume-uring"));
    }

    [Fact]
    public void A_loop_that_begins_after_its_device_was_disposed_goes_on()
    {
        using EventLoop loop = new("late");
        UringDevice device = Open(CacheMode.Direct);
        Exception? failure = null;
        using ManualResetEventSlim done = new();
        loop.Post(() =>
        {
            failure = Record.Exception(() => device.AttachTo(loop));
            done.Set();
        });
        device.Dispose();
        loop.Start();
        done.Wait();
        Assert.Null(failure);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_idle_device_makes_no_system_calls(bool onLoop)
    {
        using EventLoop loop = new("owner");
        using UringDevice device = Open(CacheMode.Direct);
        using NativeBuffer data = new(Block);
        if (onLoop)
            loop.Post(() => device.AttachTo(loop));
        using SemaphoreSlim reaped = new(0);
        DeviceCompletion[] room = new DeviceCompletion[4];
        device.CompletionsReady = () => loop.Post(Reap);
        loop.Start();
        loop.Post(() =>
        {
            device.Submit([new(0, DeviceOp.Read, 0, 0, Block, data.Address), new(1, DeviceOp.Flush, 0, 0, 0, 0)]);
            Reap();
        });
        Assert.True(reaped.Wait(TimeSpan.FromSeconds(60)));
        Assert.True(reaped.Wait(TimeSpan.FromSeconds(60)));

        // A thread that does not wake makes no calls.
        Thread.Sleep(50);
        string[] threads = [.. ThreadsNamed("owner"), .. ThreadsNamed("volume-uring")];
        Assert.Equal(onLoop ? 1 : 2, threads.Length);
        long before = threads.Sum(SwitchesOf);
        Thread.Sleep(300);
        Assert.Equal(before, threads.Sum(SwitchesOf));

        void Reap()
        {
            int count = device.Reap(room);
            if (count > 0)
                reaped.Release(count);
        }
    }

    [Fact]
    public void A_device_leaves_nothing_behind()
    {
        VolumeOptions options = Options(CacheMode.Direct) with { Io = IoMethod.IoUring };
        using NativeBuffer data = new(Block);
        for (int i = 0; i < 100; i++)
        {
            using (DeviceDriver driver = new(DeviceFactory.Open(options)))
            {
                Assert.Equal(0, driver.Run(DeviceOp.Write, 0, Block, data.Address));
                Assert.Equal(0, driver.Run(DeviceOp.Flush));
            }

            // Nor the volume's lock: the next one opens at once.
        }

        string[] open = [.. Directory.GetFiles("/proc/self/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "")];
        Assert.DoesNotContain(open, target => target.Contains("io_uring", StringComparison.Ordinal));
        Assert.DoesNotContain(options.Path, open);
    }

    private static DeviceRequest[] Batch(int count, DeviceOp op, NativeBuffer buffer)
    {
        DeviceRequest[] requests = new DeviceRequest[count];
        for (int i = 0; i < count; i++)
            requests[i] = new(0, op, DeviceFlags.None, (long)i * Block, Block, buffer.Address + (i * Block));
        return requests;
    }

    // Documentation/block/stat.rst: the 16th field. A disk without FUA, such as a loop device, is flushed for it.
    private static long FlushesOf(LoopDevice disk)
    {
        string status = File.ReadAllText($"/sys/block/{Path.GetFileName(disk.Path)}/stat");
        return long.Parse(status.Split(' ', StringSplitOptions.RemoveEmptyEntries)[15], CultureInfo.InvariantCulture);
    }

    private static string[] ThreadsNamed(string name) =>
        [.. Directory.GetDirectories("/proc/self/task").Where(task => File.ReadAllText($"{task}/comm").Trim() == name)];

    private static long SwitchesOf(string task) => File.ReadLines($"{task}/status")
        .Where(line => line.Contains("_ctxt_switches:", StringComparison.Ordinal))
        .Sum(line => long.Parse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture));

    private VolumeOptions Options(CacheMode cache) => new() { Path = _directory.File("volume"), Size = Size, Cache = cache };

    private UringDevice Open(CacheMode cache, int entries = 64) =>
        UringDevice.TryOpen(FileVolume.Open(Options(cache)), out _, entries: entries)!;
}
