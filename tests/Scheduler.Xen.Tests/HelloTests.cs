using System.Text;
using Scheduler.Actors;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Server;

namespace Scheduler.Xen.Tests;

/// <summary>How a ring is agreed on.</summary>
public class HelloTests
{
    [Theory]
    [InlineData("disk=d0", "d0", 0, 256)]
    [InlineData("protocol=x86_64-abi\ndisk=d0\nring-page-order=4\ndata-pages=262144\n", "d0", 4, 262144)]
    [InlineData("\n\ndisk=a=b\n\n", "a=b", 0, 256)]
    public void A_guest_says_what_it_wants(string message, string disk, int order, int pages)
    {
        Assert.Null(Hello.TryRead(Encoding.ASCII.GetBytes(message), out Hello hello));
        Assert.Equal(new Hello(disk, order, pages), hello);
    }

    [Theory]
    [InlineData("", "does not name a disk")]
    [InlineData("disk=", "does not name a disk")]
    [InlineData("disk=d0\nsize=7", "'size=7' is not known")]
    [InlineData("d0", "'d0' is not known")]
    [InlineData("disk=d0\nprotocol=arm-abi", "protocol=arm-abi is not known")]
    [InlineData("disk=d0\nring-page-order=5", "ring-page-order=5 is not a number from 0 to 4")]
    [InlineData("disk=d0\nring-page-order=-1", "ring-page-order=-1")]
    [InlineData("disk=d0\ndata-pages=255", "data-pages=255 is not a number from 256 to 262144")]
    [InlineData("disk=d0\ndata-pages=99999999999999999999", "data-pages=9999")]
    [InlineData("disk=d\u0007", "not text")]
    public void What_is_wrong_is_named(string message, string problem) =>
        Assert.Contains(problem, Hello.TryRead(Encoding.ASCII.GetBytes(message), out _), StringComparison.Ordinal);

    [Fact]
    public void Any_bytes_are_taken()
    {
        Random random = new(1);
        byte[] good = Encoding.ASCII.GetBytes("disk=d0\nprotocol=x86_64-abi\nring-page-order=2\ndata-pages=1024\n");
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] message = random.Next(4) == 0 ? new byte[random.Next(Hello.BytesMax + 2)] : [.. good];
            if (message.Length != good.Length)
                random.NextBytes(message);
            for (int n = random.Next(4); n > 0 && message.Length > 0; n--)
                message[random.Next(message.Length)] = (byte)random.Next(256);
            if (Hello.TryRead(message, out Hello hello) is not null)
                continue;
            read++;
            Assert.InRange(hello.RingOrder, 0, 4);
            Assert.InRange(hello.DataPages, 256, 1 << 18);
        }

        Assert.InRange(read, 1000, 19_000);
    }

    [Fact]
    public void The_answer_has_the_backends_nodes()
    {
        string[] lines = Encoding.ASCII.GetString(Hello.Accepted(new BlkifDisk(1 << 20, 512, RingOrder.TagFlush))).Split('\n');
        Assert.Equal("protocol=x86_64-abi", lines[0]);
        Assert.Contains("sectors=2048", lines);
        Assert.Contains("feature-barrier=1", lines);
        Assert.Equal("error=no such thing\n", Encoding.ASCII.GetString(Hello.Refused("no such\nthing")));
    }
}
