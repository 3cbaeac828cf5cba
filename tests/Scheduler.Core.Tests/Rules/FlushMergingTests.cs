// F1-F4: what a device flush serves, and when there is none. A latency bound of 0 keeps F7's holds out of the traces.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class FlushMergingTests
{
    [Fact]
    public void F1_one_device_flush_at_a_time_the_rest_collects_for_the_next() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        guest b latency=0
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
        0 submit r1.0 write 0+4K   | io#1 r1.0 d0 write 1M+4K
        10 done #0                 | reply r0.0 ok
        10 submit r0.1 flush       | flush#0 d0
        20 done #1                 | reply r1.0 ok
        20 submit r1.1 flush       |
        30 submit r0.2 write 8K+4K | io#1 r0.2 d0 write 8K+4K
        40 done #1                 | reply r0.2 ok
        40 submit r0.3 flush       |
        90 done #0                 | reply r0.1 ok, flush#0 d0
        190 done #0                | reply r1.1 ok, reply r0.3 ok
        """);

    [Fact]
    public void F1_domains_flush_independently_of_each_other() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a d0:0+1M
        disk B a d1:0+1M
        ring r0 A
        ring r1 B
        0 submit r0.0 flush | flush#0 d0
        0 submit r1.0 flush | flush#1 d1
        9 done #1           | reply r1.0 ok
        9 done #0           | reply r0.0 ok
        """);

    [Fact]
    public void Pass_through_sends_each_flush_as_it_comes_and_merges_none() => Trace.Check("""
        volume policy=Fifo
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush | flush#0 d0
        1 submit r0.1 flush | flush#1 d0
        1 submit r0.2 flush | flush#2 d0
        9 done #1           | reply r0.1 ok
        19 done #0          | reply r0.0 ok
        29 done #2          | reply r0.2 ok
        """);

    [Fact]
    public void F2_a_flush_covers_what_the_other_rings_of_its_disk_wrote() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        ring r1 A
        clean
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        5 done #0                | reply r0.0 ok
        6 submit r1.0 flush      | flush#0 d0
        9 done #0                | reply r1.0 ok
        """);

    [Fact]
    public void F2_zeroes_and_discards_are_writes() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 zero 0+4K    | io#0 r0.0 d0 zero 0+4K
        1 done #0                  | reply r0.0 ok
        2 submit r0.1 flush        | flush#0 d0
        3 done #0                  | reply r0.1 ok
        4 submit r0.0 discard 0+4K | io#0 r0.0 d0 discard 0+4K
        5 done #0                  | reply r0.0 ok
        6 submit r0.1 flush        | flush#0 d0
        """);

    [Fact]
    public void F2_zeroes_need_a_flush_even_where_data_writes_are_durable() => Trace.Check("""
        domain d0 cache durable
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        2 submit r0.1 flush      | reply r0.1 ok
        4 submit r0.0 zero 0+4K  | io#0 r0.0 d0 zero 0+4K
        5 done #0                | reply r0.0 ok
        6 submit r0.1 flush      | flush#0 d0
        """);

    [Fact]
    public void F2_a_write_that_failed_may_have_changed_something_and_needs_a_flush() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0 error=28       | reply r0.0 error=28
        2 submit r0.1 flush      | flush#0 d0
        """);

    [Fact]
    public void F3_a_flush_rides_on_the_one_in_flight_if_nothing_it_covers_completed_since() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        guest b latency=0
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        0 submit r1.0 write 0+4K | io#1 r1.0 d0 write 1M+4K
        1 done #0                | reply r0.0 ok
        1 done #1                | reply r1.0 ok
        2 submit r0.1 flush      | flush#1 d0, serves#1 r0.1
        3 submit r1.1 flush      | serves#1 r1.1
        4 submit r1.2 write 0+4K | io#0 r1.2 d0 write 1M+4K
        5 submit r1.3 flush      | serves#1 r1.3                    // the write is not complete: not covered
        9 done #1                | reply r0.1 ok, reply r1.1 ok, reply r1.3 ok
        """, traceFlushes: true);

    [Fact]
    public void F3_a_flush_waits_for_the_next_if_a_write_of_its_disk_completed_after_the_start() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        guest b latency=0
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 A
        ring r2 B
        clean
        0 submit r2.0 write 0+4K | io#0 r2.0 d0 write 1M+4K
        1 done #0                | reply r2.0 ok
        2 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        3 submit r2.1 flush      | flush#1 d0
        4 done #0                | reply r0.0 ok
        5 submit r1.0 flush      |                                   // another ring of the disk wrote
        6 submit r2.2 flush      |                                   // this disk did not: it rides
        9 done #1                | reply r2.1 ok, reply r2.2 ok, flush#1 d0
        19 done #1               | reply r1.0 ok
        """);

    [Fact]
    public void F3_a_request_over_two_domains_is_durable_when_it_is_on_each() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a d0:0+64K d1:0+64K
        ring r0 A
        clean
        0 submit r0.0 write 60K+8K | io#0 r0.0 d0 write 60K+4K, io#1 r0.0 d1 write 0+4K
        1 done #1                  |
        2 done #0                  | reply r0.0 ok
        3 submit r0.1 flush        | flush#0 d0, flush#1 d1
        4 done #1                  |
        5 done #0                  | reply r0.1 ok
        6 submit r0.2 write 0+4K   | io#0 r0.2 d0 write 0+4K
        7 done #0                  | reply r0.2 ok
        8 submit r0.3 flush        | flush#0 d0                      // d1 is clean
        9 done #0                  | reply r0.3 ok
        """);

    [Fact]
    public void F3_a_request_over_two_domains_fails_if_one_fails() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a d0:0+64K d1:0+64K
        ring r0 A
        0 submit r0.0 flush | flush#0 d0, flush#1 d1
        1 done #1 error=5   | record d1 error=5
        2 done #0           |
        3 recorded d1       | reply r0.0 error=5
        """);

    [Fact]
    public void F4_the_first_flush_after_the_start_goes_to_the_device_for_every_disk() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        disk B a d0:1M+1M
        ring r0 A
        ring r1 B
        0 submit r0.0 flush | flush#0 d0
        9 done #0           | reply r0.0 ok
        9 submit r1.0 flush | reply r1.0 ok         // one successful flush of the domain made all its disks clean
        """);

    [Fact]
    public void F4_the_first_flush_goes_to_the_device_even_without_a_volatile_cache() => Trace.Check("""
        domain d0 nocache
        guest a latency=0
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush      | flush#0 d0
        9 done #0                | reply r0.0 ok
        10 submit r0.0 zero 0+4K | io#0 r0.0 d0 zero 0+4K
        11 done #0               | reply r0.0 ok
        12 submit r0.0 flush     | reply r0.0 ok
        """);

    [Fact]
    public void F4_a_clean_disk_is_answered_without_touching_the_device_also_while_others_are_dirty() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        disk B a d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r1.0 write 0+4K | io#0 r1.0 d0 write 1M+4K
        1 done #0                | reply r1.0 ok
        2 submit r0.0 flush      | reply r0.0 ok
        2 submit r1.0 flush      | flush#0 d0
        3 submit r0.0 flush      | reply r0.0 ok
        """);

    [Fact]
    public void F4_an_empty_barrier_is_a_flush_and_not_dropped() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a tag d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        1 done #0                   | reply r0.0 ok
        2 submit r0.1 empty-barrier | flush#0 d0
        9 done #0                   | reply r0.1 ok
        9 submit r0.1 empty-barrier | reply r0.1 ok      // F4: the disk is clean
        """);

    [Fact]
    public void F4_all_disks_count_as_unflushed_after_a_fault_was_cleared() => Trace.Check("""
        domain d0 cache
        guest a latency=0
        disk A a d0:0+1M
        disk B a d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        2 submit r0.0 flush      | flush#0 d0
        3 done #0 error=5        | record d0 error=5
        4 recorded d0            | reply r0.0 error=5
        5 clear d0               | disconnect r0
        6 submit r1.0 flush      | flush#0 d0
        9 done #0                | reply r1.0 ok
        """);
}
