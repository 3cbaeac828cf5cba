// O1-O6: what a barrier holds, and what it does not.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class OrderTests
{
    private const string Tagged = """
        domain d0 cache
        guest a
        disk A a tag d0:0+1M
        ring r0 A credits=16 streams=2
        clean

        """;

    [Fact]
    public void O1_without_a_barrier_nothing_is_ordered_not_even_what_overlaps() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 write 0+4K | io#1 r0.1 d0 write 0+4K
        0 submit r0.2 read 0+4K  | io#2 r0.2 d0 read 0+4K
        0 submit r0.3 flush      | reply r0.3 ok
        1 done #2                | reply r0.2 ok
        1 done #1                | reply r0.1 ok
        """);

    [Fact]
    public void O2_a_barrier_starts_after_what_is_earlier_and_later_writes_start_after_it() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K     | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 read 8K+4K     | io#1 r0.1 d0 read 8K+4K
        1 submit r0.2 barrier 4K+4K  |
        1 submit r0.3 write 12K+4K   |
        1 submit r0.4 zero 16K+4K    |
        1 submit r0.5 flush          |
        2 done #0                    | reply r0.0 ok
        3 done #1                    | reply r0.1 ok, flush#1 d0              // what is earlier is made durable first
        4 done #1                    | io#1 r0.2 d0 barrier 4K+4K
        5 done #1                    | flush#1 d0                             // then the barrier itself
        6 done #1                    | reply r0.2 ok, reply r0.5 ok
                                     | io#1 r0.3 d0 write 12K+4K, io#0 r0.4 d0 zero 16K+4K
        """);

    [Fact]
    public void O2_the_flush_before_a_barrier_covers_the_disks_other_rings_and_streams() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K stream=1 | io#0 r0.0 d0 write 0+4K
        1 done #0                         | reply r0.0 ok
        2 submit r0.2 barrier 4K+4K       | flush#0 d0
        4 done #0                         | io#0 r0.2 d0 barrier 4K+4K
        """);

    [Fact]
    public void O2_a_barrier_on_a_clean_disk_needs_no_flush_before_it() => Trace.Check(Tagged + """
        0 submit r0.2 barrier 4K+4K | io#0 r0.2 d0 barrier 4K+4K
        5 done #0                   | flush#0 d0
        6 done #0                   | reply r0.2 ok
        """);

    [Fact]
    public void O2_an_empty_barrier_orders_too() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        1 submit r0.1 empty-barrier |
        1 submit r0.2 write 4K+4K   |
        2 done #0                   | reply r0.0 ok, flush#0 d0
        3 done #0                   | reply r0.1 ok, io#0 r0.2 d0 write 4K+4K
        """);

    [Fact]
    public void O2_two_barriers_follow_each_other() => Trace.Check(Tagged + """
        0 submit r0.0 barrier 0+4K  | io#0 r0.0 d0 barrier 0+4K
        0 submit r0.1 write 4K+4K   |
        0 submit r0.2 barrier 8K+4K |
        0 submit r0.3 write 12K+4K  |
        1 done #0                   | flush#0 d0
        2 done #0                   | reply r0.0 ok, io#0 r0.1 d0 write 4K+4K
        3 done #0                   | reply r0.1 ok, flush#0 d0
        4 done #0                   | io#0 r0.2 d0 barrier 8K+4K
        5 done #0                   | flush#0 d0
        6 done #0                   | reply r0.2 ok, io#0 r0.3 d0 write 12K+4K
        """);

    [Fact]
    public void O2_a_fua_write_before_a_barrier_is_complete_when_it_is_durable() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 barrier 8K+4K  |
        1 done #0                    | flush#0 d0
        2 done #0                    | reply r0.0 ok, io#0 r0.1 d0 barrier 8K+4K
        """);

    [Fact]
    public void O2_without_a_volatile_cache_a_barrier_only_waits() => Trace.Check("""
        domain d0 nocache
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 barrier 0+4K |
        0 submit r0.2 write 0+4K   |
        1 done #0                  | reply r0.0 ok, io#0 r0.1 d0 barrier 0+4K
        2 done #0                  | reply r0.1 ok, io#0 r0.2 d0 write 0+4K
        """);

    [Fact]
    public void O3_a_read_passes_a_barrier_unless_it_overlaps_an_earlier_write_that_is_not_complete() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+8K     | io#0 r0.0 d0 write 0+8K
        0 submit r0.1 barrier 16K+4K |
        1 submit r0.2 read 8K+8K     | io#1 r0.2 d0 read 8K+8K      // between the two writes: it passes
        1 submit r0.3 read 4K+4K     |                              // overlaps the write
        2 submit r0.4 read 12K+8K    |                              // overlaps the barrier's own data
        3 done #0                    | reply r0.0 ok, flush#0 d0
        4 submit r0.5 read 4K+4K     | io#2 r0.5 d0 read 4K+4K      // the write is complete
        5 done #0                    | io#0 r0.1 d0 barrier 16K+4K
        6 submit r0.6 read 16K+4K    |
        6 submit r0.7 status 0+4K    | io#3 r0.7 d0 status 0+4K
        7 done #0                    | flush#0 d0
        8 submit r0.8 read 16K+4K    |                              // written, but not complete
        9 done #0                    | reply r0.1 ok
                                     | io#0 r0.3 d0 read 4K+4K, io#4 r0.4 d0 read 12K+8K, io#5 r0.6 d0 read 16K+4K
                                     | io#6 r0.8 d0 read 16K+4K
        """);

    [Fact]
    public void O3_a_read_that_overlaps_a_held_write_is_held_too() => Trace.Check(Tagged + """
        0 submit r0.0 barrier 0+4K | io#0 r0.0 d0 barrier 0+4K
        0 submit r0.1 write 8K+4K  |
        0 submit r0.2 read 8K+4K   |
        0 submit r0.3 read 12K+4K  | io#1 r0.3 d0 read 12K+4K
        1 done #0                  | flush#0 d0
        2 done #0                  | reply r0.0 ok, io#0 r0.1 d0 write 8K+4K, io#2 r0.2 d0 read 8K+4K
        """);

    [Fact]
    public void O4_a_barrier_delays_no_other_stream_ring_or_disk() => Trace.Check("""
        domain d0 cache
        guest a
        guest b
        disk A a tag d0:0+1M
        disk B b tag d0:1M+1M
        ring r0 A streams=2
        ring r1 A
        ring r2 B
        clean
        0 submit r0.0 write 0+4K            | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 barrier 4K+4K         |
        1 submit r0.2 write 0+4K stream=1   | io#1 r0.2 d0 write 0+4K
        1 submit r1.0 write 0+4K            | io#2 r1.0 d0 write 0+4K
        1 submit r2.0 write 0+4K            | io#3 r2.0 d0 write 1M+4K
        2 done #1                           | reply r0.2 ok
        2 submit r0.2 barrier 8K+4K stream=1 | flush#1 d0               // the other stream's barrier does not wait for this one
        3 done #3                           | reply r2.0 ok
        3 submit r2.0 flush                 |
        4 done #1                           | flush#1 d0, io#3 r0.2 d0 barrier 8K+4K
        """);

    [Theory]
    [InlineData("barrier 0+4K")]
    [InlineData("empty-barrier")]
    public void O5_barriers_that_were_not_negotiated_are_refused_and_hold_nothing(string barrier) => Trace.Check($"""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 {barrier}  | reply r0.1 error=95
        0 submit r0.2 write 0+4K | io#1 r0.2 d0 write 0+4K
        """);

    [Fact]
    public void O6_a_barrier_and_what_is_behind_it_fails_unissued_if_an_earlier_unanswered_write_fails() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K         | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 write 4K+4K        | io#1 r0.1 d0 write 4K+4K
        1 submit r0.2 barrier 8K+4K      |
        1 submit r0.3 write 12K+4K       |
        1 submit r0.4 empty-barrier      |
        1 submit r0.5 read 12K+4K        |
        1 submit r0.6 read 16K+4K        | io#2 r0.6 d0 read 16K+4K            // it has passed
        1 submit r0.7 write 0+4K stream=1 | io#3 r0.7 d0 write 0+4K
        2 done #0 error=5                | reply r0.0 error=5
                                         | reply r0.5 error=5, reply r0.4 error=5, reply r0.3 error=5, reply r0.2 error=5
        3 submit r0.8 write 8K+4K        | io#0 r0.8 d0 write 8K+4K            // it came after the failure was told
        4 done #1                        | reply r0.1 ok
        4 done #2                        | reply r0.6 ok
        """);

    [Fact]
    public void O6_what_was_sent_before_the_guest_heard_that_a_barrier_failed_fails_too() => Trace.Check(Tagged + """
        0 submit r0.0 barrier 0+4K                | io#0 r0.0 d0 barrier 0+4K
        1 done #0 error=28                        | reply r0.0 error=28       // the ring's second answer: the first made the disk clean
        2 submit r0.1 write 4K+4K heard=1         | reply r0.1 error=5
        2 submit r0.2 flush heard=1               | reply r0.2 error=5
        2 submit r0.3 read 4K+4K heard=1          | io#0 r0.3 d0 read 4K+4K
        2 submit r0.4 write 4K+4K stream=1 heard=1 | io#1 r0.4 d0 write 4K+4K
        3 submit r0.5 write 4K+4K heard=2         | io#2 r0.5 d0 write 4K+4K
        3 submit r0.6 empty-barrier heard=2       | reply r0.6 error=5        // behind the write r0.1, whose failure it had not heard of
        4 submit r0.7 write 4K+4K heard=4         | reply r0.7 error=5        // behind r0.6
        4 submit r0.8 write 4K+4K heard=5         | io#3 r0.8 d0 write 4K+4K
        """);

    [Fact]
    public void O6_a_barrier_that_was_sent_before_the_guest_heard_that_a_write_failed_fails() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K            | io#0 r0.0 d0 write 0+4K
        1 done #0 error=5                   | reply r0.0 error=5
        1 submit r0.1 write 4K+4K heard=1   | io#0 r0.1 d0 write 4K+4K  // no barrier between them
        1 submit r0.2 empty-barrier heard=1 | reply r0.2 error=5
        1 submit r0.3 write 4K+4K heard=2   | reply r0.3 error=5
        """);

    [Fact]
    public void O6_a_write_that_was_answered_with_an_error_before_the_barrier_came_does_not_fail_it() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        1 done #0 error=5           | reply r0.0 error=5
        1 submit r0.2 empty-barrier | flush#0 d0
        2 done #0                   | reply r0.2 ok
        """);

    [Fact]
    public void O6_a_read_that_fails_fails_no_barrier() => Trace.Check(Tagged + """
        0 submit r0.0 read 0+4K    | io#0 r0.0 d0 read 0+4K
        1 submit r0.2 barrier 0+4K |
        2 done #0 error=5          | reply r0.0 error=5, io#0 r0.2 d0 barrier 0+4K
        """);

    [Fact]
    public void O6_when_a_barrier_fails_what_is_queued_behind_it_fails_unissued() => Trace.Check(Tagged + """
        0 submit r0.0 barrier 0+4K | io#0 r0.0 d0 barrier 0+4K
        0 submit r0.1 write 4K+4K  |
        0 submit r0.2 barrier 8K+4K |
        1 done #0 error=28         | reply r0.0 error=28, reply r0.2 error=5, reply r0.1 error=5
        2 submit r0.1 write 4K+4K  | io#0 r0.1 d0 write 4K+4K
        """);

    [Fact]
    public void O6_a_barrier_whose_flush_fails_fails_with_all_behind_it_after_the_record() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        1 done #0                   | reply r0.0 ok
        1 submit r0.1 barrier 0+4K  | flush#0 d0
        1 submit r0.2 write 4K+4K   |
        2 done #0 error=5           | record d0 error=5
        3 submit r0.3 empty-barrier |
        4 recorded d0               | reply r0.1 error=5, reply r0.3 error=5, reply r0.2 error=5
        """);

    [Fact]
    public void O6_a_write_that_fails_as_one_of_several_pieces_fails_the_barrier_when_the_last_is_back() => Trace.Check(Tagged + """
        0 submit r0.0 write 0+512K  | io#0 r0.0 d0 write 0+256K, io#1 r0.0 d0 write 256K+256K
        0 submit r0.2 empty-barrier |
        1 done #0 error=5           |
        2 done #1                   | reply r0.0 error=5, reply r0.2 error=5
        """);
}
