// Q6: the device depth is adjusted so that queueing delay inside the device stays within the latency target.
namespace Scheduler.Core.Tests;

public class DepthControlTests
{
    private const long TargetNs = 1_000_000;

    // Reads of 400 us and writes of 100 us: 250 us on average.
    private static readonly CostModel s_profile = new() { ReadNs = 400_000, WriteNs = 100_000, ReadByteNs = 0, WriteByteNs = 0 };

    [Fact]
    public void Q6_a_serial_device_gets_no_more_than_queue_for_the_target()
    {
        ChannelDevice device = Device(channels: 1, s_profile);
        device.Run(outstanding: 64, requests: 4_000);

        // Of D operations each waits for D - 1 others: four of 250 us are the target.
        Assert.InRange(device.Core.DeviceDepth, 3, 6);
    }

    [Fact]
    public void Q6_a_parallel_device_gets_all_that_it_works_on_at_once_and_some_more()
    {
        ChannelDevice device = Device(channels: 16, s_profile with { Parallel = 16 });
        device.Run(outstanding: 128, requests: 20_000);

        // Beyond 16 channels D - 16 wait, sixteen of them for 250 us.
        Assert.InRange(device.Core.DeviceDepth, 40, 64);
    }

    [Fact]
    public void Q6_the_depth_comes_back_after_a_stall()
    {
        ChannelDevice device = Device(channels: 16, s_profile with { Parallel = 16 });
        device.Run(outstanding: 128, requests: 10_000);
        int before = device.Core.DeviceDepth;
        double readNs = device.ReadNs;
        device.ReadNs = 500e6;
        device.Run(outstanding: 128, requests: 600);
        Assert.InRange(device.Core.DeviceDepth, 1, before / 4);
        device.ReadNs = readNs;
        device.Run(outstanding: 128, requests: 10_000);
        Assert.InRange(device.Core.DeviceDepth, 40, 64);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Q6_a_device_that_is_slower_than_its_costs_say_is_not_held_at_depth_1(bool learn)
    {
        CostModel wrong = new() { Parallel = 16, ReadNs = 10_000, WriteNs = 10_000, ReadByteNs = 0, WriteByteNs = 0, Learn = learn };
        ChannelDevice device = new(16, wrong, depth: 64, TargetNs) { ReadNs = 5e6, WriteNs = 5e6, ByteNs = 0 };
        device.Run(outstanding: 128, requests: 40_000);
        Assert.InRange(device.Core.DeviceDepth, 12, 32);
    }

    [Fact]
    public void Q6_who_sends_little_lets_the_depth_be()
    {
        DepthControl depth = new(64, TargetNs);
        for (int i = 0; i < 10_000; i++)
            depth.Completed(100_000, 20_000_000);
        Assert.Equal(1, depth.Depth);
        for (int i = 0; i < 10_000; i++)
            depth.Completed(100_000, 100_000);
        Assert.Equal(1, depth.Depth);
        for (int i = 0; i < 10_000; i++)
        {
            depth.Full();
            depth.Completed(100_000, 100_000);
        }

        Assert.Equal(64, depth.Depth);
    }

    [Fact]
    public void Q6_it_is_never_below_1_nor_above_the_most()
    {
        System.Random random = new(1);
        DepthControl depth = new(8, TargetNs);
        for (int i = 0; i < 100_000; i++)
        {
            depth.Full();
            depth.Completed(random.Next(1, 1_000_000), Math.Pow(10, random.NextDouble() * 10));
            Assert.InRange(depth.Depth, 1, 8);
        }
    }

    [Fact]
    public void Q6_without_a_target_and_under_a_baseline_the_depth_is_fixed()
    {
        DepthControl depth = new(8, 0);
        for (int i = 0; i < 1000; i++)
            depth.Completed(1, 1e9);
        Assert.Equal(8, depth.Depth);
    }

    // Q4, Q6: a slot that is gained is used at once.
    [Fact]
    public void Q4_what_the_depth_in_force_allows_goes()
    {
        ChannelDevice device = Device(channels: 4, s_profile with { Parallel = 4 });
        device.AfterStep = () =>
        {
            if (device.Outstanding > 64)
                Assert.True(device.Core.InFlight >= device.Core.DeviceDepth, $"{device.Core.InFlight} operations at depth {device.Core.DeviceDepth}");
        };
        device.Run(outstanding: 128, requests: 5_000);
        Assert.InRange(device.Core.DeviceDepth, 1, 40);
    }

    private static ChannelDevice Device(int channels, CostModel profile) =>
        new(channels, profile, depth: 64, TargetNs) { ByteNs = 0 };
}
