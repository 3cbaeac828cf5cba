using System.Diagnostics;

namespace Scheduler.Storage.Tests;

public sealed class FaultyDeviceTests : IDisposable
{
    private const long Size = 1 << 20;
    private const int Block = 4096;

    private readonly FaultyDevice _device = new(new MemoryDevice(Size), new FaultyOptions());
    private readonly DeviceDriver _driver;
    private readonly NativeBuffer _data = new NativeBuffer(Block).FillRandom(1);

    public FaultyDeviceTests() => _driver = new DeviceDriver(_device);

    public void Dispose()
    {
        _driver.Dispose();
        _data.Dispose();
    }

    [Fact]
    public void A_backlog_is_served_at_the_exact_rate()
    {
        _device.Parallel = 4;
        _device.ServiceTime = TimeSpan.FromMilliseconds(1);
        int[] errors = new int[400];
        DeviceRequest[] reads = Enumerable.Repeat(Read(), errors.Length).ToArray();
        _driver.RunAll(reads.AsSpan(0, 4), errors);

        Stopwatch time = Stopwatch.StartNew();
        _driver.RunAll(reads, errors);

        Assert.InRange(time.Elapsed.TotalMilliseconds, 100, 140);
    }

    [Fact]
    public void A_lone_request_takes_the_service_time_and_little_more()
    {
        _device.ServiceTime = TimeSpan.FromMilliseconds(1);
        List<double> times = [];
        for (int i = 0; i < 101; i++)
        {
            Stopwatch time = Stopwatch.StartNew();
            Assert.Equal(0, _driver.Run(DeviceOp.Read, 0, Block, _data.Address));
            times.Add(time.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        Assert.True(times[0] >= 0.999, $"{times[0]} ms");
        Assert.InRange(times[50], 1.0, 1.5);
    }

    [Fact]
    public void A_flush_takes_its_own_time_and_one_unit()
    {
        _device.Parallel = 2;
        _device.FlushTime = TimeSpan.FromMilliseconds(40);
        _device.ServiceTime = TimeSpan.FromMilliseconds(2);
        int[] errors = new int[11];
        Stopwatch time = Stopwatch.StartNew();

        // One unit flushes, the other serves ten reads meanwhile.
        _driver.Submit([new(0, DeviceOp.Flush, 0, 0, 0, 0), .. Enumerable.Repeat(Read(), 10)]);
        int reads = 0;
        while (reads < 10)
        {
            Assert.True(_driver.WaitReady(TimeSpan.FromSeconds(10)));
            reads += _driver.ReapInto(errors);
        }

        Assert.InRange(time.Elapsed.TotalMilliseconds, 20, 39);
        Assert.True(_driver.WaitReady(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, _driver.ReapInto(errors));
        Assert.InRange(time.Elapsed.TotalMilliseconds, 40, 80);
    }

    [Theory]
    [InlineData(FaultMode.Read, DeviceOp.Read, DeviceFlags.None)]
    [InlineData(FaultMode.Write, DeviceOp.Write, DeviceFlags.None)]
    [InlineData(FaultMode.Write, DeviceOp.Zero, DeviceFlags.None)]
    [InlineData(FaultMode.Write, DeviceOp.Discard, DeviceFlags.None)]
    [InlineData(FaultMode.Flush, DeviceOp.Flush, DeviceFlags.None)]
    [InlineData(FaultMode.Dsync, DeviceOp.Write, DeviceFlags.Dsync)]
    public void A_mode_fails_its_requests_and_no_others(FaultMode mode, DeviceOp op, DeviceFlags flags)
    {
        foreach (FaultMode each in (FaultMode[])[FaultMode.None, mode, FaultMode.All, FaultMode.All & ~mode])
        {
            _device.Mode = each;
            bool fails = (each & mode) != 0 || ((each & FaultMode.Write) != 0 && op == DeviceOp.Write);
            bool flush = op == DeviceOp.Flush;
            int error = _driver.Run(op, 0, flush ? 0 : Block, _data.Address, flags);
            Assert.Equal(fails ? Errno.EIO : 0, error);
        }
    }

    [Fact]
    public void A_failed_write_is_not_carried_out()
    {
        _device.Mode = FaultMode.Write;
        _device.Error = Errno.ENOSPC;
        Assert.Equal(Errno.ENOSPC, _driver.Run(DeviceOp.Write, 0, Block, _data.Address));

        Assert.Equal(0, _driver.Run(DeviceOp.Read, 0, Block, _data.Address));
        Assert.False(_data.Bytes.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_failed_sync_of_a_write_leaves_its_data_and_says_EIO()
    {
        _device.Mode = FaultMode.Dsync;
        _device.Error = Errno.ENOSPC;
        Assert.Equal(Errno.EIO, _driver.Run(DeviceOp.Write, 0, Block, _data.Address, DeviceFlags.Dsync));

        using NativeBuffer read = new(Block);
        Assert.Equal(0, _driver.Run(DeviceOp.Read, 0, Block, read.Address));
        Assert.True(read.Bytes.SequenceEqual(_data.Bytes));
    }

    [Fact]
    public void Errors_begin_after_the_given_number_of_requests()
    {
        _device.Mode = FaultMode.Flush;
        _device.ErrorAfter = 2;

        int[] errors = Enumerable.Range(0, 4).Select(_ =>
        {
            Assert.Equal(0, _driver.Run(DeviceOp.Read, 0, Block, _data.Address));
            return _driver.Run(DeviceOp.Flush);
        }).ToArray();

        Assert.Equal([0, 0, Errno.EIO, Errno.EIO], errors);
    }

    [Fact]
    public void Nothing_completes_during_a_stall()
    {
        int[] errors = new int[8];
        _device.ServiceTime = TimeSpan.FromMilliseconds(5);
        _device.Parallel = 2;
        _driver.Submit([.. Enumerable.Repeat(Read(), 8)]);
        _device.Stalled = true;
        Thread.Sleep(30);
        int before = _driver.ReapInto(errors);
        Thread.Sleep(30);
        Assert.Equal(0, _driver.ReapInto(errors));
        Assert.InRange(before, 0, 7);

        _device.Stalled = false;
        _driver.Collect(8 - before, errors);
    }

    [Fact]
    public void More_units_serve_a_backlog_faster()
    {
        _device.ServiceTime = TimeSpan.FromMilliseconds(20);
        int[] errors = new int[64];
        Stopwatch time = Stopwatch.StartNew();
        _driver.Submit([.. Enumerable.Repeat(Read(), errors.Length)]);

        _device.Parallel = 64;
        _driver.Collect(errors.Length, errors);

        Assert.InRange(time.Elapsed.TotalMilliseconds, 20, 400);
    }

    [Fact]
    public void Disposing_ends_a_stall_and_waits_for_no_added_time()
    {
        _device.ServiceTime = TimeSpan.FromMinutes(1);
        _device.Stalled = true;
        int[] errors = new int[8];
        _driver.Submit([.. Enumerable.Repeat(Read(), errors.Length)]);

        _device.Dispose();

        _driver.Collect(errors.Length, errors);
    }

    [Fact]
    public void It_sleeps_when_idle()
    {
        _device.ServiceTime = TimeSpan.FromMilliseconds(1);
        _driver.Run(DeviceOp.Read, 0, Block, _data.Address);
        using Process self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        Thread.Sleep(200);
        self.Refresh();

        Assert.True(self.TotalProcessorTime - before < TimeSpan.FromMilliseconds(100));
    }

    private DeviceRequest Read() => new(0, DeviceOp.Read, DeviceFlags.None, 0, Block, _data.Address);
}
