// S2, Q2: a range goes to the legs of its stripes chunk by chunk. F2-F5: a flush, a barrier and FUA cover every leg.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class StripeTests
{
    private const string Head = """
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a tag d0:0+8K d0:1M/d1:2M/8K+64K d1:0+8K
        disk B a d0:4M+64K
        ring r0 A
        ring r1 A
        ring r2 B
        clean

        """;

    [Fact]
    public void S2_a_range_goes_to_the_legs_chunk_by_chunk() => Trace.Check(Head + """
        0 submit r0.0 write 4K+28K | io#0 r0.0 d0 write 4K+4K, io#1 r0.0 d0 write 1M+8K, io#2 r0.0 d1 write 2M+8K, io#3 r0.0 d0 write 1032K+8K
        0 submit r0.1 read 68K+8K  | io#4 r0.1 d1 read 2076K+4K, io#5 r0.1 d1 read 0+4K
        """);

    [Fact]
    public void S2_a_discard_goes_chunk_by_chunk_too() => Trace.Check(Head + """
        0 submit r0.0 discard 12K+8K | io#0 r0.0 d0 discard 1028K+4K, io#1 r0.0 d1 discard 2M+4K
        """);

    [Fact]
    public void F2_a_flush_covers_both_legs_also_for_another_ring() => Trace.Check(Head + """
        0 submit r0.0 write 8K+16K | io#0 r0.0 d0 write 1M+8K, io#1 r0.0 d1 write 2M+8K
        1 done #0                  |
        2 done #1                  | reply r0.0 ok
        3 submit r1.0 flush        | flush#1 d0, flush#0 d1
        4 done #0                  |
        5 done #1                  | reply r1.0 ok
        """);

    [Fact]
    public void F4_a_leg_without_unflushed_data_is_not_flushed() => Trace.Check(Head + """
        0 submit r0.0 write 16K+8K | io#0 r0.0 d1 write 2M+8K
        1 done #0                  | reply r0.0 ok
        2 submit r2.0 flush        | reply r2.0 ok
        3 submit r0.1 flush        | flush#0 d1
        4 done #0                  | reply r0.1 ok
        """);

    [Fact]
    public void F3_a_flush_fails_if_one_leg_fails() => Trace.Check(Head + """
        0 submit r0.0 write 8K+16K | io#0 r0.0 d0 write 1M+8K, io#1 r0.0 d1 write 2M+8K
        1 done #0                  |
        2 done #1                  | reply r0.0 ok
        3 submit r0.1 flush        | flush#1 d0, flush#0 d1
        4 done #0 error=5          | record d1 error=5
        5 done #1                  |
        6 recorded d1              | reply r0.1 error=5
        7 submit r0.2 write 8K+8K  | io#1 r0.2 d0 write 1M+8K
        8 submit r0.3 write 16K+8K | reply r0.3 error=5
        """);

    [Fact]
    public void F5_a_forced_write_over_two_legs_is_durable_on_each() => Trace.Check(Head + """
        0 submit r0.0 write 8K+16K fua | io#0 r0.0 d0 write 1M+8K, io#1 r0.0 d1 write 2M+8K
        1 done #0                      |
        2 done #1                      | flush#1 d0, flush#0 d1
        3 done #0                      |
        4 done #1                      | reply r0.0 ok
        """);

    [Fact]
    public void F5_a_forced_write_goes_as_a_durable_one_where_its_leg_can() => Trace.Check("""
        domain d0 cache dsync
        domain d1 cache
        guest a latency=0
        disk A a d0:0/d1:0/4K+64K
        ring r0 A
        clean
        0 submit r0.0 write 0+8K fua | io#0 r0.0 d0 write 0+4K dsync, io#1 r0.0 d1 write 0+4K
        1 done #0                    |
        2 done #1                    | flush#1 d1
        3 done #1                    | reply r0.0 ok
        """);

    [Fact]
    public void O2_a_barrier_flushes_both_legs_before_and_those_it_wrote_to_after() => Trace.Check(Head + """
        0 submit r0.0 write 8K+16K   | io#0 r0.0 d0 write 1M+8K, io#1 r0.0 d1 write 2M+8K
        1 submit r0.1 barrier 16K+4K |
        2 done #0                    |
        3 done #1                    | reply r0.0 ok, flush#1 d0, flush#0 d1
        4 done #1                    |
        5 done #0                    | io#0 r0.1 d1 barrier 2M+4K
        6 done #0                    | flush#0 d1
        7 done #0                    | reply r0.1 ok
        """);

    [Theory]
    [InlineData(0, 0, 4096, 32768, 1, 65536)] // a domain's end
    [InlineData(0, 0, 4096, 32768, 2, 0)]     // no such domain
    [InlineData(0, 0, 4096, 20480, 1, 0)]     // not whole rows
    [InlineData(0, 0, 6144, 24576, 1, 0)]     // chunks off the grid
    [InlineData(0, 0, 0, 32768, 1, 0)]
    [InlineData(0, 0, 32768, 32768, 1, 0)]    // less than a row
    [InlineData(0, 0, 4096, 32768, 1, 512)]   // a leg off the grid
    [InlineData(0, 0, 4096, 32768, 1, -4096)]
    [InlineData(1, 0, 4096, 32768, 1, 0)]     // the extent is not where its first leg is
    [InlineData(0, 4096, 4096, 32768, 1, 0)]
    public void S2_stripes_that_are_not_whole_or_outside_a_device_are_refused(
        int domain, long offset, long chunk, long length, int secondDomain, long second)
    {
        ExtentStripes stripes = new(chunk, [(0, 0), (secondDomain, second)]);
        _ = Assert.Throws<ArgumentException>(() => Create(new Extent(0, domain, offset, length, stripes)));
    }

    [Fact]
    public void S2_one_leg_is_no_stripe()
    {
        _ = Assert.Throws<ArgumentException>(() => Create(Extent.Striped(0, 8192, new ExtentStripes(4096, [(0, 0)]))));
        _ = Create(Extent.Striped(0, 8192, new ExtentStripes(4096, [(0, 0), (0, 4096)])));
    }

    private static VolumeCore Create(Extent extent) => new(new VolumeSpec
    {
        Domains = [new DomainSpec(1 << 20, true, false, false), new DomainSpec(65536, true, false, false)],
        Guests = [new GuestSpec { Name = "a" }],
        Disks = [new DiskSpec { Name = "A", Guest = 0, Extents = [extent] }],
    });
}
