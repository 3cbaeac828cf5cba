using Scheduler.Benchmarks;

namespace Scheduler.Storage.Tests;

public class DeviceComparisonTests
{
    [Fact]
    public void The_comparison_of_io_uring_and_threads_runs()
    {
        using StringWriter output = new();
        DeviceComparison.RunTiny(output);
        Assert.True(output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length > 10, output.ToString());
    }
}
