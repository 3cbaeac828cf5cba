namespace Scheduler.Storage.Tests;

public abstract partial class DeviceSpecification
{
    public static TheoryData<string, DeviceOp, DeviceFlags, long, long, bool> BadRequests => new()
    {
        { "starts before the device", DeviceOp.Read, DeviceFlags.None, -4096, 4096, true },
        { "ends behind the device", DeviceOp.Read, DeviceFlags.None, Size - 4096, 8192, true },
        { "starts behind the device", DeviceOp.Write, DeviceFlags.None, Size, 4096, true },
        { "overflows", DeviceOp.Write, DeviceFlags.None, long.MaxValue - 4095, 8192, true },
        { "is empty", DeviceOp.Read, DeviceFlags.None, 0, 0, true },
        { "has a negative length", DeviceOp.Discard, DeviceFlags.None, 4096, -4096, false },
        { "discards behind the device", DeviceOp.Discard, DeviceFlags.None, Size, 4096, false },
        { "zeroes behind the device", DeviceOp.Zero, DeviceFlags.None, Size - 4096, 8192, false },
        { "reads durably", DeviceOp.Read, DeviceFlags.Dsync, 0, 4096, true },
        { "zeroes durably", DeviceOp.Zero, DeviceFlags.Dsync, 0, 4096, false },
        { "discards durably", DeviceOp.Discard, DeviceFlags.Dsync, 0, 4096, false },
        { "writes without holes", DeviceOp.Write, DeviceFlags.NoHole, 0, 4096, true },
        { "discards fast", DeviceOp.Discard, DeviceFlags.FastZero, 0, 4096, false },
        { "flushes a range", DeviceOp.Flush, DeviceFlags.None, 0, 4096, false },
        { "flushes with a flag", DeviceOp.Flush, DeviceFlags.Dsync, 0, 0, false },
        { "reads into nothing", DeviceOp.Read, DeviceFlags.None, 0, 4096, false },
        { "maps into nothing", DeviceOp.Status, DeviceFlags.None, 0, 4096, false },
        { "is no operation", (DeviceOp)200, DeviceFlags.None, 0, 4096, true },
    };

    [SkippableTheory]
    [MemberData(nameof(BadRequests))]
    public void A_batch_with_a_bad_request_is_refused_whole(
        string defect, DeviceOp op, DeviceFlags flags, long offset, long length, bool hasBuffer)
    {
        DeviceDriver driver = Start();
        NativeBuffer buffer = Buffer(8192).FillRandom(12);
        DeviceRequest good = new(1, DeviceOp.Write, DeviceFlags.None, 0, 4096, buffer.Address);
        DeviceRequest bad = new(2, op, flags, offset, length, hasBuffer ? buffer.Address : 0);

        ArgumentException e = Assert.Throws<ArgumentException>(() => driver.Device.Submit([good, bad]));

        Assert.Contains(op.ToString(), e.Message, StringComparison.Ordinal);
        Assert.NotEmpty(defect);
        Assert.False(driver.WaitReady(TimeSpan.FromMilliseconds(5)));
        Assert.Equal(0, driver.Device.Reap(new DeviceCompletion[4]));
        AssertZeroes(driver, 0, 4096);
    }

    [SkippableFact]
    public void Misaligned_offsets_lengths_and_buffers_are_refused()
    {
        DeviceDriver driver = Start();
        NativeBuffer buffer = Buffer(16384);
        int block = driver.Device.Info.BlockSize;
        List<DeviceRequest> misaligned = [];
        if (block > 1)
        {
            misaligned.Add(new(0, DeviceOp.Read, DeviceFlags.None, 0, 4096, buffer.Address + (block / 2)));
            misaligned.Add(new(0, DeviceOp.Write, DeviceFlags.None, 0, 4096, buffer.Address + 1));
            misaligned.Add(new(0, DeviceOp.Read, DeviceFlags.None, block / 2, 4096, buffer.Address));
            misaligned.Add(new(0, DeviceOp.Write, DeviceFlags.None, 0, 4096 + (block / 2), buffer.Address));
            misaligned.Add(new(0, DeviceOp.Discard, DeviceFlags.None, 1, 4096, 0));
            misaligned.Add(new(0, DeviceOp.Zero, DeviceFlags.None, 0, 1, 0));
        }

        foreach (DeviceRequest request in misaligned)
            Assert.Throws<ArgumentException>(() => driver.Device.Submit([request]));
    }
}
