// F6: a failed sync fails all that it covered, after the fault was recorded, and fences its domain.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class FaultTests
{
    private const string TwoDisks = """
        domain d0 cache
        guest a
        guest b
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean

        """;

    [Fact]
    public void F6_a_failed_flush_fails_all_that_it_covered_and_what_collects_after_the_fault_was_recorded()
    {
        VolumeCore core = Trace.Check(TwoDisks + """
            0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
            0 submit r1.0 write 0+4K | io#1 r1.0 d0 write 1M+4K
            1 done #0                | reply r0.0 ok
            1 done #1                | reply r1.0 ok
            2 submit r0.1 flush      | flush#1 d0
            2 submit r1.1 flush      |
            3 submit r0.2 write 0+4K | io#0 r0.2 d0 write 0+4K
            4 done #0                | reply r0.2 ok
            5 submit r0.3 flush      |
            6 done #1 error=5        | record d0 error=5
            7 recorded d0            | reply r0.1 error=5, reply r1.1 error=5, reply r0.3 error=5
            """);
        Assert.Equal(5, core.Fault(0));
    }

    [Fact]
    public void F6_until_cleared_everything_but_reads_fails_and_a_clean_flush_too() => Trace.Check("""
        domain d0 cache fault=5
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        0 submit r0.0 write 0+4K    | reply r0.0 error=5
        0 submit r0.0 zero 0+4K     | reply r0.0 error=5
        0 submit r0.0 discard 0+4K  | reply r0.0 error=5
        0 submit r0.0 flush         | reply r0.0 error=5
        0 submit r0.0 barrier 0+4K  | reply r0.0 error=5
        0 submit r0.0 empty-barrier | reply r0.0 error=5
        0 submit r0.0 read 0+4K     | io#0 r0.0 d0 read 0+4K
        9 done #0                   | reply r0.0 ok
        """);

    [Fact]
    public void F6_a_fault_of_an_earlier_start_fences_and_can_be_cleared() => Trace.Check("""
        domain d0 cache fault=5
        guest a
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush | reply r0.0 error=5
        1 clear d0          | disconnect r0        // nobody knows what it had unflushed
        2 attach r1 A       |
        3 submit r1.0 flush | flush#0 d0
        4 done #0           | reply r1.0 ok
        """);

    [Fact]
    public void F6_a_failed_durable_write_fences_and_fails_those_that_wait_on_a_flush_in_flight() => Trace.Check("""
        domain d0 cache dsync
        guest a
        guest b
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r1.0 write 0+4K     | io#0 r1.0 d0 write 1M+4K
        1 done #0                    | reply r1.0 ok
        2 submit r1.0 flush          | flush#0 d0
        3 submit r0.0 write 0+4K fua | io#1 r0.0 d0 write 0+4K dsync
        4 done #1 error=5            | record d0 error=5
        5 done #0                    |
        6 recorded d0                | reply r1.0 error=5, reply r0.0 error=5
        7 submit r1.0 flush          | reply r1.0 error=5
        """);

    [Fact]
    public void F6_a_second_durable_write_that_fails_after_the_fault_was_recorded_is_answered() => Trace.Check("""
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K fua  | io#0 r0.0 d0 write 0+4K dsync
        0 submit r0.1 write 8K+4K fua | io#1 r0.1 d0 write 8K+4K dsync
        1 done #0 error=5             | record d0 error=5
        2 recorded d0                 | reply r0.0 error=5
        3 done #1 error=5             | reply r0.1 error=5
        """);

    [Fact]
    public void F6_no_space_is_a_write_error_and_fences_nothing() => Trace.Check("""
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K dsync
        1 done #0 error=28           | reply r0.0 error=28
        2 submit r0.0 flush          | flush#0 d0
        3 done #0                    | reply r0.0 ok
        """);

    [Fact]
    public void F6_a_failed_plain_write_fences_nothing() => Trace.Check(TwoDisks + """
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0 error=5        | reply r0.0 error=5
        2 submit r1.0 write 0+4K | io#0 r1.0 d0 write 1M+4K
        """);

    [Fact]
    public void F6_a_write_on_its_way_when_the_domain_is_fenced_fails_after_the_record() => Trace.Check(TwoDisks + """
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        1 submit r0.0 flush      | flush#0 d0
        2 submit r1.0 write 0+4K | io#1 r1.0 d0 write 1M+4K
        2 submit r1.1 write 8K+4K | io#2 r1.1 d0 write 1032K+4K
        3 done #0 error=5        | record d0 error=5
        4 done #1                |
        5 recorded d0            | reply r0.0 error=5, reply r1.0 error=5
        6 done #2                | reply r1.1 error=5
        """);

    [Fact]
    public void F6_a_write_in_flight_from_before_the_fence_until_after_it_was_cleared_fails() => Trace.Check(TwoDisks + """
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        1 submit r1.0 write 0+4K | io#0 r1.0 d0 write 1M+4K
        1 submit r0.0 flush      | flush#1 d0
        2 done #1 error=5        | record d0 error=5
        3 recorded d0            | reply r0.0 error=5
        4 clear d0               | disconnect r0
        5 done #0                | reply r1.0 error=5      // the failed sync may have dropped part of it
        """);

    [Fact]
    public void F6_no_reply_that_a_failed_sync_covered_leaves_before_the_record_also_over_two_domains() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a
        guest b
        disk A a d0:0+64K d1:0+64K
        disk B b d0:1M+64K
        ring r0 A
        ring r1 B
        clean
        0 submit r1.0 write 0+4K       | io#0 r1.0 d0 write 1M+4K
        0 submit r0.0 write 60K+8K fua | io#1 r0.0 d0 write 60K+4K, io#2 r0.0 d1 write 0+4K
        1 done #0                      | reply r1.0 ok
        1 done #1                      |
        2 submit r1.0 flush            | flush#1 d0            // covers the first half of the FUA write
        3 done #1 error=5              | record d0 error=5
        4 done #2                      |
        5 recorded d0                  | reply r1.0 error=5, reply r0.0 error=5
        """);

    [Fact]
    public void F6_a_write_fails_of_which_a_part_was_in_the_cache_when_a_sync_failed() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a
        guest b
        disk A a d0:0+64K d1:0+64K
        disk B b d0:1M+64K
        ring r0 A
        ring r1 B
        clean
        0 submit r1.0 write 0+4K   | io#0 r1.0 d0 write 1M+4K
        0 submit r0.0 write 60K+8K | io#1 r0.0 d0 write 60K+4K, io#2 r0.0 d1 write 0+4K
        1 done #0                  | reply r1.0 ok
        1 done #1                  |
        2 submit r1.0 flush        | flush#1 d0
        3 done #1 error=5          | record d0 error=5
        4 recorded d0              | reply r1.0 error=5
        5 done #2                  | reply r0.0 error=5
        """);

    [Fact]
    public void F6_a_refusal_because_of_a_fault_that_is_not_recorded_yet_waits_for_the_record() => Trace.Check(TwoDisks + """
        0 submit r0.0 write 0+4K  | io#0 r0.0 d0 write 0+4K
        1 done #0                 | reply r0.0 ok
        1 submit r0.0 flush       | flush#0 d0
        2 done #0 error=5         | record d0 error=5
        3 submit r0.1 flush       |
        3 submit r0.2 write 0+4K  |
        3 submit r1.0 read 0+4K   | io#0 r1.0 d0 read 1M+4K
        4 done #0                 | reply r1.0 ok
        5 recorded d0             | reply r0.0 error=5, reply r0.1 error=5, reply r0.2 error=5
        """);

    [Fact]
    public void F6_clearing_disconnects_the_rings_of_disks_with_unflushed_data_and_no_others() => Trace.Check(TwoDisks + """
        0 attach r2 A            |
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        1 submit r2.0 flush      | flush#0 d0
        3 done #0 error=5        | record d0 error=5
        4 recorded d0            | reply r2.0 error=5
        5 clear d0               | disconnect r0, disconnect r2
        6 submit r0.1 read 0+4K  | reply r0.1 error=108
        6 submit r0.1 write 0+4K | reply r0.1 error=108
        7 submit r1.0 write 0+4K | io#0 r1.0 d0 write 1M+4K
        8 done #0                | reply r1.0 ok
        9 detach r0              | released r0
        9 attach r0 A            |
        9 submit r0.0 read 0+4K  | io#0 r0.0 d0 read 0+4K
        """);

    [Fact]
    public void F6_no_success_leaves_on_a_ring_that_was_disconnected() => Trace.Check(TwoDisks + """
        0 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1 done #0                | reply r0.0 ok
        1 submit r0.0 flush      | flush#0 d0
        2 submit r0.1 read 0+4K  | io#1 r0.1 d0 read 0+4K
        3 done #0 error=5        | record d0 error=5
        4 recorded d0            | reply r0.0 error=5
        5 clear d0               | disconnect r0
        6 done #1                | reply r0.1 error=108
        """);

    [Fact]
    public void F6_what_a_disconnected_ring_had_queued_is_not_issued_after_what_was_lost() => Trace.Check("""
        volume depth=1
        domain d0 cache
        guest a
        disk A a tag d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K     | io#0 r0.0 d0 write 0+4K
        1 done #0                    | reply r0.0 ok
        2 submit r0.0 flush          | flush#0 d0
        3 submit r0.1 read 0+4K      | io#1 r0.1 d0 read 0+4K
        3 submit r0.2 read 0+4K      |
        3 submit r0.3 write 4K+4K    |
        4 submit r0.4 barrier 8K+4K  |
        5 done #0 error=5            | record d0 error=5
        6 recorded d0                | reply r0.0 error=5
        7 clear d0                   | disconnect r0
                                     | reply r0.4 error=108, reply r0.2 error=108, reply r0.3 error=108
        8 done #1                    | reply r0.1 error=108
        """);

    [Fact]
    public void F6_a_fault_fences_its_own_domain_only() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a
        disk A a d0:0+1M
        disk B a d1:0+1M
        ring r0 A
        ring r1 B
        0 submit r0.0 flush      | flush#0 d0
        1 done #0 error=5        | record d0 error=5
        2 submit r1.0 write 0+4K | io#0 r1.0 d1 write 0+4K
        3 done #0                | reply r1.0 ok
        4 submit r1.0 flush      | flush#0 d1
        5 done #0                | reply r1.0 ok
        """);

    [Fact]
    public void F6_a_flush_that_began_before_the_fence_makes_nothing_clean_after_it_was_cleared() => Trace.Check("""
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush          | flush#0 d0
        1 submit r0.1 write 0+4K fua | io#1 r0.1 d0 write 0+4K dsync
        2 done #1 error=5            | record d0 error=5
        3 recorded d0                | reply r0.0 error=5, reply r0.1 error=5
        4 clear d0                   | disconnect r0
        5 attach r1 A                |
        6 submit r1.0 flush          |
        7 done #0                    | flush#0 d0
        8 done #0                    | reply r1.0 ok
        """);
}
