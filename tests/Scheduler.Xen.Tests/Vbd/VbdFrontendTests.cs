using Scheduler.Xen.Vbd;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>What a guest may write about its rings, and what it gets for writing something else.</summary>
public sealed class VbdFrontendTests
{
    [Fact]
    public void One_queue_of_one_page()
    {
        VbdQueue queue = Assert.Single(Read("ring-ref=8", "event-channel=4294967295"));
        Assert.Equal([8u], queue.Grants);
        Assert.Equal(uint.MaxValue, queue.Port);
    }

    [Fact]
    public void One_queue_of_several_pages()
    {
        VbdQueue queue = Assert.Single(Read("protocol=x86_64-abi", "ring-page-order=2", "ring-ref0=5", "ring-ref1=9", "ring-ref2=6", "ring-ref3=7", "event-channel=3"));
        Assert.Equal([5u, 9u, 6u, 7u], queue.Grants);
        Assert.Equal(3u, queue.Port);
        Assert.Equal([8u], Assert.Single(Read("ring-page-order=0", "ring-ref0=8", "event-channel=1")).Grants);
        Assert.Equal([8u], Assert.Single(Read("ring-page-order=0", "ring-ref=8", "event-channel=1")).Grants);
    }

    [Fact]
    public void Several_queues()
    {
        IReadOnlyList<VbdQueue> queues = Read(
            "multi-queue-num-queues=2", "ring-page-order=1", "queue-0/ring-ref0=1", "queue-0/ring-ref1=2", "queue-0/event-channel=3",
            "queue-1/ring-ref0=4", "queue-1/ring-ref1=5", "queue-1/event-channel=6");
        Assert.Equal([3u, 6u], queues.Select(queue => queue.Port));
        Assert.Equal([1u, 2u, 4u, 5u], queues.SelectMany(queue => queue.Grants));
        Assert.Single(Read("multi-queue-num-queues=1", "ring-ref=1", "event-channel=1"));
    }

    [Theory]
    [InlineData("the guest has not written ring-ref")]
    [InlineData("has not written event-channel", "ring-ref=1")]
    [InlineData("ring-ref = '-1' is not a number", "ring-ref=-1", "event-channel=1")]
    [InlineData("ring-ref = '0x8' is not a number", "ring-ref=0x8", "event-channel=1")]
    [InlineData("ring-ref = '4294967296' is not a number", "ring-ref=4294967296", "event-channel=1")]
    [InlineData("ring-ref = '' is not a number", "ring-ref=", "event-channel=1")]
    [InlineData("event-channel = ' 1' is not a number", "ring-ref=1", "event-channel= 1")]
    [InlineData("ring-page-order = '5' is not a number from 0 to 4", "ring-page-order=5", "event-channel=1")]
    [InlineData("has not written ring-ref1", "ring-page-order=1", "ring-ref0=1", "ring-ref=1", "event-channel=1")]
    [InlineData("protocol = 'x86_32-abi' is not served", "protocol=x86_32-abi", "ring-ref=1", "event-channel=1")]
    [InlineData("multi-queue-num-queues = '3' is not a number from 1 to 2", "multi-queue-num-queues=3")]
    [InlineData("multi-queue-num-queues = '0' is not a number from 1 to 2", "multi-queue-num-queues=0")]
    [InlineData("has not written queue-0/ring-ref", "multi-queue-num-queues=2", "ring-ref=1", "event-channel=1")]
    public void What_is_no_good_is_named(string problem, params string[] nodes) =>
        Assert.Contains(problem, VbdFrontend.TryRead(Nodes(nodes), 2, out _), StringComparison.Ordinal);

    [Fact]
    public void What_is_shown_of_what_a_guest_writes_is_short_and_printable()
    {
        string problem = VbdFrontend.TryRead(Nodes([$"ring-ref=\u001b[2J{new string('x', 4000)}", "event-channel=1"]), 2, out _)!;
        Assert.InRange(problem.Length, 1, 100);
        Assert.DoesNotContain('\u001b', problem);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_is_written_it_is_read_or_refused(int seed)
    {
        Random random = new(seed);
        string[] names = ["protocol", "multi-queue-num-queues", "ring-page-order", "ring-ref", "ring-ref0", "ring-ref1", "event-channel", "queue-0/ring-ref", "queue-1/event-channel"];
        string[] values = ["0", "1", "2", "8", "16", "", "x86_64-abi", "-0", "١", "1e3", "99999999999999999999", "\0", "4294967295"];
        for (int i = 0; i < 20_000; i++)
        {
            Dictionary<string, string> nodes = [];
            foreach (string name in names)
            {
                if (random.Next(3) > 0)
                    nodes[name] = values[random.Next(values.Length)];
            }

            string? problem = VbdFrontend.TryRead(nodes.GetValueOrDefault, 2, out IReadOnlyList<VbdQueue> queues);
            Assert.Equal(problem is null, queues.Count > 0);
            Assert.All(queues, queue => Assert.Contains(queue.Grants.Count, (int[])[1, 2, 4, 8, 16]));
        }
    }

    private static Func<string, string?> Nodes(string[] nodes) => nodes.Select(node => node.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]).GetValueOrDefault;

    private static IReadOnlyList<VbdQueue> Read(params string[] nodes)
    {
        Assert.Null(VbdFrontend.TryRead(Nodes(nodes), 2, out IReadOnlyList<VbdQueue> queues));
        return queues;
    }
}
