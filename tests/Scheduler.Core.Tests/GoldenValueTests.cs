namespace Scheduler.Core.Tests;

// Values that metrics, traces and the journal show: a changed one would change what old records mean.
public class GoldenValueTests
{
    [Fact]
    public void Request_operations_keep_their_values() => Assert.Equal(
        "Read=0 Write=1 Flush=2 BarrierWrite=3 EmptyBarrier=4 Discard=5 Zero=6 Prefetch=7 Status=8", Values<RequestOp>());

    [Fact]
    public void Ordered_modes_keep_their_values() => Assert.Equal(
        "None=0 Drain=1 DrainFlush=2 DrainFua=3 Tag=4 TagFlush=5 TagFua=6 FlushFua=7", Values<OrderedMode>());

    [Fact]
    public void The_number_of_operations_is_counted() => Assert.Equal(RequestOps.Count, Enum.GetValues<RequestOp>().Length);

    private static string Values<T>()
        where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Select(value => $"{value}={Convert.ToInt32(value, null)}"));
}
