namespace Scheduler.Storage.Tests;

public abstract partial class DeviceSpecification
{
    private const int Area = 4 << 20;

    [SkippableFact]
    public void A_discard_succeeds_and_spares_its_neighbours()
    {
        DeviceDriver driver = Start();
        NativeBuffer data = WriteArea(driver);

        Assert.Equal(0, driver.Run(DeviceOp.Discard, 1 << 20, 1 << 20));

        AssertReads(driver, 0, data.Bytes[..(1 << 20)]);
        AssertReads(driver, 2 << 20, data.Bytes[(2 << 20)..]);
        if (DiscardReadsZeroes)
            AssertZeroes(driver, 1 << 20, 1 << 20);
    }

    [SkippableTheory]
    [InlineData(DeviceFlags.None)]
    [InlineData(DeviceFlags.NoHole)]
    public void A_zeroed_range_reads_as_zeroes(DeviceFlags flags)
    {
        DeviceDriver driver = Start();
        NativeBuffer data = WriteArea(driver);
        const int From = Step;
        const int Length = (2 << 20) + (3 * Step);

        Assert.Equal(0, driver.Run(DeviceOp.Zero, From, Length, flags: flags));

        AssertReads(driver, 0, data.Bytes[..From]);
        AssertZeroes(driver, From, Length);
        AssertReads(driver, From + Length, data.Bytes[(From + Length)..]);
    }

    [SkippableTheory]
    [InlineData(DeviceFlags.None)]
    [InlineData(DeviceFlags.NoHole)]
    public void Fast_zeroing_works_or_leaves_the_data(DeviceFlags flags)
    {
        DeviceDriver driver = Start();
        NativeBuffer data = WriteArea(driver);

        int error = driver.Run(DeviceOp.Zero, 0, Area, flags: flags | DeviceFlags.FastZero);

        if (FastZeroWorks)
            Assert.Equal(0, error);
        if (error == 0)
        {
            AssertZeroes(driver, 0, Area);
        }
        else
        {
            Assert.Equal(Errno.EOPNOTSUPP, error);
            AssertReads(driver, 0, data.Bytes);
        }
    }

    [SkippableFact]
    public void A_single_block_can_be_zeroed()
    {
        DeviceDriver driver = Start();
        NativeBuffer data = WriteArea(driver);
        int block = Math.Max(driver.Device.Info.BlockSize, 512);

        Assert.Equal(0, driver.Run(DeviceOp.Zero, block, block));
        Assert.Equal(0, driver.Run(DeviceOp.Zero, 3 * block, block, flags: DeviceFlags.NoHole));

        data.Bytes.Slice(block, block).Clear();
        data.Bytes.Slice(3 * block, block).Clear();
        AssertReads(driver, 0, data.Bytes);
    }

    [SkippableFact]
    public void The_map_covers_its_range_and_calls_no_data_a_hole()
    {
        DeviceDriver driver = Start();
        NativeBuffer map = Buffer(AllocationMap.BufferBytes);
        NativeBuffer data = Buffer(64 << 10).FillRandom(10);
        long[] written = [1 << 20, 8 << 20, 9 << 20];
        foreach (long offset in written)
            Assert.Equal(0, driver.Run(DeviceOp.Write, offset, data.Length, data.Address));

        Assert.Equal(0, driver.Run(DeviceOp.Status, Step, Size - Step, map.Address));

        Assert.InRange(AllocationMap.Count(map.Address), 1, 7);
        long position = Step;
        for (int i = 0; i < AllocationMap.Count(map.Address); i++)
        {
            (long length, bool hole) = AllocationMap.Run(map.Address, i);
            Assert.True(length > 0);
            bool overlaps = written.Any(offset => offset < position + length && position < offset + data.Length);
            Assert.False(hole && overlaps && Remembers);
            position += length;
        }

        Assert.Equal(Size, position);
    }

    [SkippableFact]
    public void A_map_that_is_too_long_is_cut_at_a_run()
    {
        DeviceDriver driver = Start();
        NativeBuffer map = Buffer(AllocationMap.BufferBytes);
        NativeBuffer data = Buffer(Step).FillRandom(11);
        for (int i = 0; i < 300; i++)
            Assert.Equal(0, driver.Run(DeviceOp.Write, i * (128L << 10), Step, data.Address));

        Assert.Equal(0, driver.Run(DeviceOp.Status, 0, Size, map.Address));

        int count = AllocationMap.Count(map.Address);
        Assert.InRange(count, 1, AllocationMap.RunsMax);
        long covered = Enumerable.Range(0, count).Sum(i => AllocationMap.Run(map.Address, i).Length);
        Assert.InRange(covered, Step, Size);
    }

    private NativeBuffer WriteArea(DeviceDriver driver)
    {
        NativeBuffer data = Buffer(Area).FillRandom(8);
        Assert.Equal(0, driver.Run(DeviceOp.Write, 0, Area, data.Address));
        return data;
    }
}
