// Q1 without a profile: costs are learned while running, and what a device does is charged by them.
namespace Scheduler.Core.Tests;

public class LearnedCostTests
{
    private const double Part = 1.0 / 8;

    [Fact]
    public void Base_and_bytes_are_told_apart_where_sizes_differ()
    {
        LearnedCost cost = new(20_000, 0.25, 64 << 10);
        System.Random random = new(1);
        for (int i = 0; i < 4_000; i++)
        {
            long bytes = 4096L << random.Next(7);
            cost.Learn(bytes, (90_000 + (0.5 * bytes)) * (0.9 + (random.NextDouble() / 5)), Part);
        }

        Assert.InRange(cost.BaseNs, 80_000, 100_000);
        Assert.InRange(cost.ByteNs, 0.4, 0.6);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65_536)]
    [InlineData(262_144)]
    public void One_size_is_learned_whatever_it_is(long bytes)
    {
        LearnedCost cost = new(20_000, 0.25, 64 << 10);
        for (int i = 0; i < 300; i++)
            cost.Learn(bytes, 7e6, Part);
        Assert.InRange(cost.Of(bytes), 6.9e6, 7.1e6);
    }

    [Fact]
    public void A_stall_moves_it_little_and_is_forgotten()
    {
        LearnedCost cost = new(100_000, 0, 64 << 10);
        cost.Learn(4096, 30e9, Part);
        Assert.InRange(cost.Of(4096), 100_000, 140_000);
        for (int i = 0; i < 20; i++)
            cost.Learn(4096, 100_000, Part);
        Assert.InRange(cost.Of(4096), 100_000, 104_000);
    }

    [Fact]
    public void It_stays_above_nothing()
    {
        LearnedCost cost = new(20_000, 1, 64 << 10);
        for (int i = 0; i < 1000; i++)
            cost.Learn(i % 2 == 0 ? 4096 : 1 << 20, 0, Part);
        Assert.True(cost.BaseNs > 0);
        Assert.True(cost.ByteNs >= 0);
    }

    // Reads of 400 us and writes of 100 us besides their bytes, first on an idle device, then on a full one.
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    public void Q1_costs_of_a_saturated_device_sum_to_elapsed_time(int channels)
    {
        ChannelDevice device = new(channels, new CostModel { Learn = true }, depth: 32);
        device.Run(outstanding: 1, requests: 500);
        device.Run(outstanding: 64, requests: 4_000);
        long fromNs = device.NowNs;
        double chargedBefore = device.Core.DeviceTimeNs(0);
        device.Run(outstanding: 64, requests: 4_000);
        double charged = device.Core.DeviceTimeNs(0) - chargedBefore;
        Assert.InRange(charged / (device.NowNs - fromNs), 0.9, 1.1);
        Assert.InRange(device.Core.CostNs(RequestOp.Read, 4096) / device.Core.CostNs(RequestOp.Write, 4096), 3, 5);
    }

    [Fact]
    public void Q1_a_device_that_is_never_idle_is_charged_in_full_too()
    {
        ChannelDevice device = new(4, new CostModel { Learn = true }, depth: 32);
        device.Run(outstanding: 64, requests: 8_000);
        long fromNs = device.NowNs;
        double chargedBefore = device.Core.DeviceTimeNs(0);
        device.Run(outstanding: 64, requests: 4_000);
        Assert.InRange((device.Core.DeviceTimeNs(0) - chargedBefore) / (device.NowNs - fromNs), 0.8, 1.2);
    }

    // A durable write is charged by what it took: of the time of a saturated device only the rest is left to the others.
    [Fact]
    public void Q1_the_time_of_durable_writes_is_not_charged_to_others_too()
    {
        ChannelDevice device = new(4, new CostModel { Learn = true, FlushNs = 4e6 }, depth: 8) { DurableNs = 2e6 };
        device.Run(outstanding: 1, requests: 500);
        device.Run(outstanding: 16, requests: 8_000);
        long fromNs = device.NowNs;
        double chargedBefore = device.Core.DeviceTimeNs(0);
        device.Run(outstanding: 16, requests: 4_000);
        Assert.InRange((device.Core.DeviceTimeNs(0) - chargedBefore) / (device.NowNs - fromNs), 0.8, 1.2);
    }

    [Fact]
    public void Q1_a_profile_stays_as_it_is_given()
    {
        CostModel profile = new() { Parallel = 4, ReadNs = 1000, WriteNs = 2000 };
        ChannelDevice device = new(4, profile, depth: 32);
        device.Run(outstanding: 64, requests: 2_000);
        Assert.Equal(profile.Piece(RequestOp.Read, 4096), device.Core.CostNs(RequestOp.Read, 4096));
        Assert.Equal(profile.Piece(RequestOp.Write, 65536), device.Core.CostNs(RequestOp.Write, 65536));
    }
}
