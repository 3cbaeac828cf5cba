namespace Scheduler.Storage.Tests;

public abstract partial class DeviceSpecification
{
    [SkippableFact]
    public void It_describes_itself()
    {
        DeviceInfo info = Start().Device.Info;

        Assert.Equal(Size, info.Size);
        Assert.Contains(info.BlockSize, (int[])[1, 512, 4096]);
        Assert.True(info.SupportsDsync);
        Assert.True(info.VolatileCache || info.DurableWrites);
    }

    [SkippableFact]
    public void What_was_never_written_reads_as_zeroes()
    {
        DeviceDriver driver = Start();

        AssertZeroes(driver, 0, 1 << 20);
        AssertZeroes(driver, Size - Step, Step);
    }

    [SkippableTheory]
    [InlineData(0, 4096)]
    [InlineData(4096, 12288)]
    [InlineData(1 << 20, 256 << 10)]
    [InlineData(3 << 20, (1 << 20) + 4096)]
    [InlineData(4 << 20, 32 << 20)]
    [InlineData(Size - 4096, 4096)]
    public void What_was_written_is_read(long offset, int length)
    {
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(length).FillRandom(1);

        Assert.Equal(0, driver.Run(DeviceOp.Write, offset, length, data.Address));

        AssertReads(driver, offset, data.Bytes);
        if (offset >= Step)
            AssertZeroes(driver, offset - Step, Step);
        if (offset + length < Size)
            AssertZeroes(driver, offset + length, Step);
    }

    [SkippableFact]
    public void A_single_block_is_written_without_harm_to_its_neighbours()
    {
        DeviceDriver driver = Start();
        int block = Math.Max(driver.Device.Info.BlockSize, 512);
        NativeBuffer before = Buffer(8 * block).FillRandom(2);
        NativeBuffer one = Buffer(block).FillRandom(3);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, before.Length, before.Address));

        Assert.Equal(0, driver.Run(DeviceOp.Write, 3 * block, block, one.Address));

        one.Bytes.CopyTo(before.Bytes[(3 * block)..]);
        AssertReads(driver, 0, before.Bytes);
    }

    [SkippableFact]
    public void Data_survives_flush_and_prefetch()
    {
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(64 << 10).FillRandom(4);
        Assert.Equal(0, driver.Run(DeviceOp.Write, Step, data.Length, data.Address));

        Assert.Equal(0, driver.Run(DeviceOp.Flush));
        Assert.Equal(0, driver.Run(DeviceOp.Prefetch, 0, 1 << 20));

        AssertReads(driver, Step, data.Bytes);
    }

    [SkippableFact]
    public void A_durable_write_writes()
    {
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(64 << 10).FillRandom(5);

        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, data.Length, data.Address, DeviceFlags.Dsync));

        AssertReads(driver, 0, data.Bytes);
    }

    [SkippableFact]
    public void Random_writes_leave_what_a_plain_array_has()
    {
        const int Area = 1 << 20;
        DeviceDriver driver = Start();
        Random random = new(7);
        byte[] expected = new byte[Area];
        NativeBuffer data = Buffer(Area).FillRandom(6);
        for (int i = 0; i < 200; i++)
        {
            int offset = random.Next(Area / Step) * Step;
            int length = Math.Min((random.Next(16) + 1) * Step, Area - offset);
            int source = random.Next((Area - length) / Step) * Step;
            data.Bytes.Slice(source, length).CopyTo(expected.AsSpan(offset));

            Assert.Equal(0, driver.Run(DeviceOp.Write, offset, length, data.Address + source));
        }

        AssertReads(driver, 0, expected);
    }
}
