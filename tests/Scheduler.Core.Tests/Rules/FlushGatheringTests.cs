// F7, F8: how long a flush waits for company, and who does not wait for it.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class FlushGatheringTests
{
    // Two rings that dirty their disks and flush: ring 1 comes 50 us after the answer, ring 0 at once. A flush costs 1 ms.
    private const string TwoFlushers = """
        domain d0 cache
        guest a {0}
        guest b
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        0 submit r1.0 write 0+4K    | io#1 r1.0 d0 write 1M+4K
        10 done #0                  | reply r0.0 ok
        10 done #1                  | reply r1.0 ok
        50 submit r1.1 flush        | flush#1 d0
        50 submit r0.1 flush        |
        1050 done #1                | reply r1.1 ok, reply r0.1 ok
        1050 submit r0.0 write 0+4K | io#1 r0.0 d0 write 0+4K
        1050 submit r1.0 write 0+4K | io#0 r1.0 d0 write 1M+4K
        1060 done #0                | reply r1.0 ok
        1060 done #1                | reply r0.0 ok

        """;

    [Fact]
    public void F7_a_flush_waits_for_a_ring_that_is_expected_and_goes_when_it_has_come() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1060 submit r0.1 flush | wake 2060
            1100 submit r1.1 flush | flush#1 d0, wake never
            2100 done #1           | reply r0.1 ok, reply r1.1 ok
            """);

    [Fact]
    public void F7_a_hold_ends_after_the_measured_cost_of_a_flush() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1060 submit r0.1 flush      | wake 2060
            2000 submit r0.2 read 0+4K  | io#1 r0.2 d0 read 0+4K
            2059 tick                   | wake 2060
            2060 tick                   | flush#0 d0
            """);

    [Fact]
    public void F7_a_hold_never_goes_past_the_latency_bound_of_the_guest() =>
        Trace.Check(string.Format(null, TwoFlushers, "latency=1200") + """
            1060 submit r0.1 flush | wake 1260
            1260 tick              | flush#1 d0
            """);

    [Fact]
    public void F7_a_bound_that_is_lowered_meanwhile_ends_the_hold_in_time() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1060 submit r0.1 flush    | wake 2060
            1100 guest a latency=1200 | wake 1260
            1260 tick                 | flush#1 d0
            """);

    [Fact]
    public void F7_without_time_for_a_hold_the_flush_goes_at_once() =>
        Trace.Check(string.Format(null, TwoFlushers, "latency=900") + """
            1060 submit r0.1 flush | flush#1 d0
            """);

    [Fact]
    public void F7_a_flush_alone_is_not_held() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        10 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
        20 done #0                  | reply r0.0 ok
        30 submit r0.0 flush        | flush#0 d0
        1030 done #0                | reply r0.0 ok
        1040 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
        1050 done #0                | reply r0.0 ok
        1060 submit r0.0 flush      | flush#0 d0
        """);

    [Fact]
    public void F7_a_ring_that_waits_for_the_flush_is_no_company_for_itself() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        10 submit r0.0 write 0+4K     | io#0 r0.0 d0 write 0+4K
        20 done #0                    | reply r0.0 ok
        30 submit r0.0 flush          | flush#0 d0
        1030 done #0                  | reply r0.0 ok
        1040 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        1050 done #0                  | flush#0 d0           // its next flush may well come only after this answer
        2050 done #0                  | reply r0.0 ok
        """);

    [Fact]
    public void F7_a_guest_that_went_away_is_not_waited_for() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1061 detach r1         | released r1
            1070 submit r0.1 flush | flush#1 d0
            """);

    [Fact]
    public void F7_stopping_ends_a_hold() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1060 submit r0.1 flush | wake 2060
            1070 stop              | flush#1 d0, wake never
            1080 done #1           | reply r0.1 ok, stopped
            """);

    [Fact]
    public void F8_reads_and_writes_go_on_while_a_flush_is_in_flight() => Trace.Check("""
        volume depth=2
        domain d0 cache
        guest a
        guest b
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        0 submit r0.0 flush      | flush#0 d0
        1 submit r1.0 read 0+4K  | io#1 r1.0 d0 read 1M+4K
        2 submit r1.1 write 0+4K |                            // the flush has the other slot
        3 done #1                | reply r1.0 ok, io#1 r1.1 d0 write 1M+4K
        4 done #1                | reply r1.1 ok
        """);

    [Fact]
    public void F8_a_flush_never_takes_the_last_slot() => Trace.Check("""
        volume depth=1
        domain d0 cache
        domain d1 cache
        guest a
        disk A a d0:0+64K d1:0+64K
        ring r0 A
        0 submit r0.0 flush     | flush#0 d0, flush#1 d1
        1 submit r0.1 read 0+4K | io#2 r0.1 d0 read 0+4K
        2 done #2               | reply r0.1 ok
        """);

    [Fact]
    public void F8_reads_and_writes_go_on_while_a_flush_is_held() =>
        Trace.Check(string.Format(null, TwoFlushers, "") + """
            1060 submit r0.1 flush     | wake 2060
            1061 submit r1.2 read 0+4K | io#1 r1.2 d0 read 1M+4K
            1061 submit r0.0 write 0+4K | io#0 r0.0 d0 write 0+4K
            """);
}
