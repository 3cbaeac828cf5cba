// S2-S4, S6: nothing outside a disk, one answer for each request, bounds, and invariants that name their rule.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class SafetyTests
{
    private const string OneDisk = """
        domain d0 cache
        guest a
        disk A a d0:0+64K d0:1M+64K
        ring r0 A credits=4
        clean

        """;

    [Fact]
    public void S2_a_range_is_cut_where_extents_end() => Trace.Check(OneDisk + """
        0 submit r0.0 write 60K+8K  | io#0 r0.0 d0 write 60K+4K, io#1 r0.0 d0 write 1M+4K
        0 submit r0.1 read 124K+4K  | io#2 r0.1 d0 read 1084K+4K
        """);

    [Theory]
    [InlineData("submit r0.0 write 124K+8K")]
    [InlineData("submit r0.0 read 128K+4K")]
    [InlineData("submit r0.0 read 0+0")]
    public void S2_a_range_outside_the_disk_stops_the_volume(string submit) => Trace.Check(OneDisk + $"""
        0 {submit} | broken S2
        """);

    [Fact]
    public void S2_a_range_whose_end_overflows_is_outside_too()
    {
        VolumeCore core = Trace.Check(OneDisk + "0 tick");
        InvariantException broken = Assert.Throws<InvariantException>(
            () => core.Step(VolumeEvent.Submit(0, 0, RequestOp.Read, 4096, long.MaxValue - 100), 2_000_000).Length);
        Assert.Equal("S2", broken.Rule);
    }

    [Theory]
    [InlineData(4096, 0, 4096)]
    [InlineData(0, 100, 4096)]
    [InlineData(0, 0, 1000)]
    [InlineData(0, 0, 2 << 20)]
    [InlineData(0, -4096, 4096)]
    public void S2_extents_with_gaps_off_the_grid_or_outside_the_device_are_refused(long diskOffset, long deviceOffset, long length)
    {
        VolumeSpec spec = new()
        {
            Domains = [new DomainSpec(1 << 20, true, false, false)],
            Guests = [new GuestSpec { Name = "a" }],
            Disks = [new DiskSpec { Name = "A", Guest = 0, Extents = [new Extent(diskOffset, 0, deviceOffset, length)] }],
        };
        _ = Assert.Throws<ArgumentException>(() => new VolumeCore(spec));
    }

    [Fact]
    public void S3_a_detached_rings_queue_is_dropped_and_it_is_released_when_the_device_is_done() => Trace.Check("""
        volume depth=1
        domain d0 cache
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+512K  | io#0 r0.0 d0 write 0+256K
        0 submit r0.1 write 0+4K    |
        0 submit r0.2 empty-barrier |
        0 submit r0.3 write 0+4K    |
        1 detach r0                 | reply r0.2 error=125, reply r0.3 error=125, reply r0.1 error=125
        2 done #0                   | reply r0.0 error=125, released r0
        3 attach r0 A               |
        4 submit r0.0 read 0+4K     | io#0 r0.0 d0 read 0+4K
        """);

    [Fact]
    public void S3_a_detached_rings_flush_and_barrier_end_by_themselves() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        0 submit r0.0 flush         | flush#0 d0
        0 submit r0.1 barrier 0+4K  |
        0 submit r0.2 write 0+4K    |
        1 detach r0                 | reply r0.1 error=125, reply r0.2 error=125
        2 done #0                   | reply r0.0 ok, released r0
        """);

    [Fact]
    public void S3_a_barrier_of_a_detached_ring_is_not_issued_after_its_flush() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        0 submit r0.0 barrier 0+4K | flush#0 d0
        1 detach r0                |
        2 done #0                  | reply r0.0 error=125, released r0
        """);

    [Fact]
    public void S3_an_idle_ring_is_released_at_once() => Trace.Check(OneDisk + """
        0 detach r0 | released r0
        """);

    [Fact]
    public void S3_stopping_answers_all_flushes_and_says_so_once() => Trace.Check("""
        volume depth=1
        domain d0 cache
        domain d1 cache
        guest a
        disk A a tag d0:0+64K d1:0+64K
        ring r0 A
        clean
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 write 4K+4K   |
        0 submit r0.2 empty-barrier |
        0 submit r0.3 write 8K+4K   |
        1 stop                      |
        1 submit r0.4 read 0+4K     | reply r0.4 error=108
        2 done #0                   | reply r0.0 ok, io#0 r0.1 d0 write 4K+4K
        3 done #0                   | reply r0.1 ok, flush#0 d0
        4 done #0                   | reply r0.2 ok, io#0 r0.3 d0 write 8K+4K
        5 done #0                   | reply r0.3 ok, flush#0 d0
        6 done #0                   | stopped
        """);

    [Fact]
    public void S3_stopping_flushes_what_counts_as_unflushed_since_the_start() => Trace.Check("""
        domain d0 cache
        domain d1 cache fault=5
        domain d2 cache
        guest a
        disk A a d0:0+64K d1:0+64K
        0 stop    | flush#0 d0
        1 done #0 | stopped
        """);

    [Fact]
    public void S3_stopping_records_the_fault_of_its_own_flush_first() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+64K
        0 stop            | flush#0 d0
        1 done #0 error=5 | record d0 error=5
        2 recorded d0     | stopped
        """);

    [Fact]
    public void S4_a_ring_has_as_many_slots_as_credits() => Trace.Check(OneDisk + """
        0 submit r0.3 read 0+4K | io#0 r0.3 d0 read 0+4K
        1 submit r0.4 read 0+4K | broken S4
        """);

    [Fact]
    public void S4_the_sum_of_credits_follows_the_rings_that_hold_slots()
    {
        VolumeCore core = Trace.Check(OneDisk + """
            0 attach r1 A credits=10 |
            0 submit r1.0 read 0+4K  | io#0 r1.0 d0 read 0+4K
            1 detach r1              |
            """);
        Assert.Equal(14, core.Credits);
        _ = core.Step(VolumeEvent.Completed(0), 10_000_000);
        Assert.Equal(4, core.Credits);
    }

    [Theory]
    [InlineData("0 attach r1 A credits=0", "S4")]
    [InlineData("0 attach r1 A credits=1025", "S4")]
    [InlineData("0 attach r1 A streams=0", "S4")]
    public void S4_credits_are_bounded(string attach, string rule) => Trace.Check(OneDisk + $"{attach} | broken {rule}");

    [Theory]
    [InlineData("submit r0.0 read 0+4K", "S3")]          // the slot has a request
    [InlineData("submit r1.0 read 0+4K", "S3")]          // no such ring
    [InlineData("submit r0.1 read 0+4K stream=1", "S1")] // no such stream
    [InlineData("detach r7", "S3")]
    [InlineData("attach r0 A", "S3")]                    // the number is in use
    [InlineData("done #1", "S3")]                        // not in flight
    [InlineData("done #99", "S3")]
    [InlineData("recorded d0", "F6")]                    // nobody asked
    [InlineData("clear d0", "F6")]                       // no fault
    [InlineData("recorded d7", "S6")]                    // no such domain
    [InlineData("clear d7", "S6")]
    [InlineData("attach r1 Z", "S6")]                    // no such disk
    public void S6_a_broken_invariant_names_its_rule(string happened, string rule) => Trace.Check(OneDisk + $"""
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        1 {happened}            | broken {rule}
        """);

    [Fact]
    public void S6_a_completion_that_comes_twice_is_told() => Trace.Check(OneDisk + """
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        1 done #0               | reply r0.0 ok
        1 done #0               | broken S3
        """);

    [Fact]
    public void S6_a_detached_ring_is_not_attached() => Trace.Check(OneDisk + """
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        0 detach r0             |
        1 submit r0.1 read 0+4K | broken S3
        """);

    [Fact]
    public void S6_time_does_not_go_back() => Trace.Check(OneDisk + """
        5 tick |
        4 tick | broken S6
        """);

    [Fact]
    public void S6_nothing_follows_the_stop() => Trace.Check("""
        domain d0 nocache
        guest a
        0 stop | stopped
        1 tick | broken S6
        """);
}
