// The benchmarks' bodies, run small: they work, and the core allocates nothing once warm.
using Scheduler.Benchmarks;

namespace Scheduler.Core.Tests;

public class CoreLoadTests
{
    private const int WarmUpRequests = 200_000;
    private const int Requests = 600_000;

    [Fact]
    public void The_benchmarks_run()
    {
        using StringWriter output = new();
        Tiny.Run(output);
        Assert.Equal(Enum.GetValues<CoreMix>().Length, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Theory]
    [InlineData(CoreMix.Reads)]
    [InlineData(CoreMix.Flushes)]
    [InlineData(CoreMix.Barriers)]
    public void A_warm_core_allocates_nothing(CoreMix mix)
    {
        CoreLoad load = new(mix);
        _ = load.Run(WarmUpRequests);
        long flushesBefore = load.DeviceFlushes;
        long stepsBefore = load.Steps;

        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = load.Run(Requests);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        Assert.True(load.Steps - stepsBefore >= 1_000_000, $"{load.Steps - stepsBefore} steps");
        Assert.True(mix == CoreMix.Reads || load.DeviceFlushes - flushesBefore > 1_000, "the mix does not flush");
    }
}
