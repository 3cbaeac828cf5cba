// Q1-Q5: costs, shares, reservations and limits, one step at a time. The bound of Q2 is tested over random loads in
// Random/ShareBoundTests.cs.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class FairnessTests
{
    // Every operation costs 100 us: a limit or reservation of 1000 is one operation a millisecond.
    private const string OneSlot = """
        volume depth=1 op=100 byte=0
        domain d0 cache
        guest a {0}
        guest b {1}
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B

        """;

    private static string With(string a, string b) => string.Format(null, OneSlot, a, b);

    [Theory]
    [InlineData("read 0+4K", 21_024)]
    [InlineData("write 0+64K", 36_384)]
    [InlineData("prefetch 0+64K", 36_384)]
    [InlineData("status 0+64K", 20_000)]
    [InlineData("discard 0+1M", 20_000)]
    [InlineData("zero 0+1M", 20_000)]
    public void Q1_every_operation_has_a_cost(string operation, double costNs)
    {
        VolumeCore core = Trace.Check($"""
            domain d0 nocache
            guest a
            disk A a d0:0+1M
            ring r0 A
            0 submit r0.0 {operation} | io#0 r0.0 d0 {operation}
            """);
        Assert.Equal(costNs, core.DeviceTimeNs(0));
    }

    // Device time is service time by the operations that are worked on at once: the device here does eight.
    [Theory]
    [InlineData("read 0+4K", 10_000 + (4096 * 0.25 / 8))]
    [InlineData("write 0+64K", 3_750 + (65536 * 0.5 / 8))]
    [InlineData("write 0+64K fua", 103_750 + (65536 * 0.5 / 8))]
    [InlineData("discard 0+1M", 25_000 + (1048576 * 0.125 / 8))]
    [InlineData("zero 0+1M", 25_000 + (1048576 * 0.125 / 8))]
    [InlineData("status 0+64K", 10_000)]
    public void Q1_each_kind_of_operation_has_its_own_cost(string operation, double costNs)
    {
        VolumeCore core = Trace.Check($"""
            volume op=80 byte=0.25 write=30 writebyte=0.5 durable=800 discard=200 discardbyte=0.125 parallel=8
            domain d0 cache dsync
            guest a
            disk A a d0:0+1M
            ring r0 A
            0 submit r0.0 {operation} | io#0 r0.0 d0 {operation.Replace("fua", "dsync", StringComparison.Ordinal)}
            """);
        Assert.Equal(costNs, core.DeviceTimeNs(0), 6);
    }

    [Fact]
    public void Q1_a_flush_costs_what_the_device_did_not_do_for_others_meanwhile()
    {
        VolumeCore core = Trace.Check("""
            volume op=800 byte=0 parallel=8
            domain d0 cache
            guest a
            guest b
            disk A a d0:0+1M
            disk B b d0:1M+1M
            ring r0 A
            ring r1 B
            0 submit r0.0 flush     | flush#0 d0
            0 submit r1.0 read 0+4K | io#1 r1.0 d0 read 1M+4K
            0 submit r1.1 read 0+4K | io#2 r1.1 d0 read 1M+4K
            0 submit r1.2 read 0+4K | io#3 r1.2 d0 read 1M+4K
            800 done #1             | reply r1.0 ok
            800 done #2             | reply r1.1 ok
            1000 done #0            | reply r0.0 ok
            1000 done #3            | reply r1.2 ok
            """);
        Assert.Equal(1_000_000 - (2 * 100_000), core.DeviceTimeNs(0));
        Assert.Equal(3 * 100_000, core.DeviceTimeNs(1));
    }

    [Fact]
    public void Q1_a_flush_costs_its_time_on_one_channel_at_least()
    {
        VolumeCore core = Trace.Check("""
            volume op=800 byte=0 parallel=2
            domain d0 cache
            guest a
            guest b
            disk A a d0:0+1M
            disk B b d0:1M+1M
            ring r0 A
            ring r1 B
            0 submit r1.0 read 0+4K | io#0 r1.0 d0 read 1M+4K
            0 submit r1.1 read 0+4K | io#1 r1.1 d0 read 1M+4K
            799 submit r0.0 flush   | flush#2 d0
            800 done #0             | reply r1.0 ok
            800 done #1             | reply r1.1 ok
            899 done #2             | reply r0.0 ok
            """);
        Assert.Equal(50_000, core.DeviceTimeNs(0));
    }

    [Fact]
    public void Q1_a_flush_on_another_domain_pays_for_itself()
    {
        VolumeCore core = Trace.Check("""
            volume op=800 byte=0 parallel=8
            domain d0 cache
            domain d1 nocache
            guest a
            guest b
            disk A a d0:0+1M
            disk B b d1:0+1M
            ring r0 A
            ring r1 B
            0 submit r0.0 flush     | flush#0 d0
            0 submit r1.0 read 0+4K | io#1 r1.0 d1 read 0+4K
            800 done #1             | reply r1.0 ok
            1000 done #0            | reply r0.0 ok
            """);
        Assert.Equal(1_000_000, core.DeviceTimeNs(0));
    }

    [Fact]
    public void Q1_a_flush_is_split_among_those_it_serves()
    {
        VolumeCore core = Trace.Check("""
            domain d0 cache
            guest a
            guest b
            disk A a d0:0+1M
            disk B b d0:1M+1M
            ring r0 A
            ring r1 B
            0 submit r0.0 flush  | flush#0 d0
            0 submit r1.0 flush  |                 // rides
            1000 done #0         | reply r0.0 ok, reply r1.0 ok
            """);
        Assert.Equal(500_000, core.DeviceTimeNs(0));
        Assert.Equal(500_000, core.DeviceTimeNs(1));
    }

    [Fact]
    public void Q1_a_flushs_data_is_charged_to_whoever_dirtied_it()
    {
        VolumeCore core = Trace.Check("""
            volume op=100 byte=0
            domain d0 cache
            guest a
            guest b
            disk A a d0:0+1M
            disk B b d0:1M+1M
            ring r0 A
            ring r1 B
            clean
            0 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
            0 submit r1.0 write 0+252K | io#1 r1.0 d0 write 1M+252K
            1 done #0                  | reply r0.0 ok
            1 done #1                  | reply r1.0 ok
            1 submit r0.0 flush        | flush#1 d0
            6401 done #1               | reply r0.0 ok
            """);

        // The head's flush cost each guest half a millisecond. This one cost 6.4 ms, which counts for four times what was
        // expected and moves the base, an eighth of the way by 1 and the bytes by 1/4 of a MiB, to 1.353 ms: that is the
        // flusher's; of the rest, 1/64 is his and 63/64 the other's.
        double base2 = 1_000_000 + (3_000_000 / 8 / (1 + (0.25 * 0.25)));
        double data = 6_400_000 - base2;
        Assert.Equal(500_000 + 100_000 + base2 + (data / 64), core.DeviceTimeNs(0), 3);
        Assert.Equal(500_000 + 100_000 + (data * 63 / 64), core.DeviceTimeNs(1), 3);
    }

    [Fact]
    public void Q1_beyond_the_bound_writes_wait_for_a_flush_and_reads_do_not()
    {
        VolumeCore core = Trace.Check("""
            volume op=100 byte=0
            domain d0 cache
            guest a unflushed=16K
            guest b
            disk A a d0:0+1M
            disk B b d0:1M+1M
            ring r0 A
            ring r1 B
            clean
            0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
            0 submit r0.1 write 4K+4K   | io#1 r0.1 d0 write 4K+4K
            0 submit r0.2 write 8K+4K   | io#2 r0.2 d0 write 8K+4K
            0 submit r0.3 write 12K+4K  | io#3 r0.3 d0 write 12K+4K
            0 submit r0.4 write 16K+4K  |                                // beyond the bound, and nothing to flush yet
            0 submit r0.5 read 20K+4K   | io#4 r0.5 d0 read 20K+4K
            0 submit r1.0 write 0+4K    | io#5 r1.0 d0 write 1M+4K
            1 done #0                   | reply r0.0 ok, flush#0 d0      // its own flush
            2 done #1                   | reply r0.1 ok
            3 done #2                   | reply r0.2 ok
            4 done #3                   | reply r0.3 ok
            5 done #0                   | flush#0 d0                     // 12K are still unflushed: another
            1005 done #0                | io#0 r0.4 d0 write 16K+4K
            """);
        Assert.Equal(4096, core.Unflushed(0));
        Assert.True(core.DeviceTimeNs(0) > 1_500_000, "it pays for its flushes");
        Assert.Equal(600_000, core.DeviceTimeNs(1));
    }

    [Fact]
    public void Q1_at_half_the_bound_a_flush_begins_without_anyone_waiting() => Trace.Check("""
        domain d0 cache
        guest a unflushed=32K
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+16K  | io#0 r0.0 d0 write 0+16K
        1 done #0                  | reply r0.0 ok, flush#0 d0
        2 submit r0.0 write 16K+4K | io#1 r0.0 d0 write 16K+4K
        """);

    [Fact]
    public void Q1_a_bound_below_one_piece_holds_writes_only_until_their_flush() => Trace.Check("""
        domain d0 cache
        guest a unflushed=64K
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K     | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 write 64K+128K |
        1 done #0                    | reply r0.0 ok, flush#0 d0
        1001 done #0                 | io#0 r0.1 d0 write 64K+128K
        1002 done #0                 | reply r0.1 ok, flush#0 d0
        """);

    [Fact]
    public void Q1_what_is_durable_by_itself_counts_not_as_unflushed()
    {
        VolumeCore core = Trace.Check("""
            domain d0 cache dsync
            domain d1 nocache
            guest a
            disk A a d0:0+64K d1:0+64K
            ring r0 A
            0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K dsync
            0 submit r0.1 write 64K+4K   | io#1 r0.1 d1 write 0+4K
            1 done #0                    | reply r0.0 ok
            1 done #1                    | reply r0.1 ok
            """);
        Assert.Equal(0, core.Unflushed(0));
    }

    [Fact]
    public void Q2_guests_share_by_weight() => Trace.Check(With("weight=200", "weight=100") + """
        0 submit r1.0 read 0+4K | io#0 r1.0 d0 read 1M+4K
        0 submit r0.0 read 0+4K |
        0 submit r0.1 read 0+4K |
        0 submit r0.2 read 0+4K |
        0 submit r0.3 read 0+4K |
        0 submit r1.1 read 0+4K |
        0 submit r1.2 read 0+4K |
        1 done #0               | reply r1.0 ok, io#0 r0.0 d0 read 0+4K
        2 done #0               | reply r0.0 ok, io#0 r0.1 d0 read 0+4K
        3 done #0               | reply r0.1 ok, io#0 r0.2 d0 read 0+4K
        4 done #0               | reply r0.2 ok, io#0 r1.1 d0 read 1M+4K
        5 done #0               | reply r1.1 ok, io#0 r0.3 d0 read 0+4K
        6 done #0               | reply r0.3 ok, io#0 r1.2 d0 read 1M+4K
        """);

    [Fact]
    public void Q2_a_guest_that_was_idle_saved_nothing_up() => Trace.Check(With("", "") + """
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        1 done #0               | reply r0.0 ok
        2 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        3 done #0               | reply r0.0 ok
        4 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        4 submit r0.1 read 0+4K |
        4 submit r0.2 read 0+4K |
        4 submit r1.0 read 0+4K |
        4 submit r1.1 read 0+4K |
        4 submit r1.2 read 0+4K |
        5 done #0               | reply r0.0 ok, io#0 r1.0 d0 read 1M+4K
        6 done #0               | reply r1.0 ok, io#0 r0.1 d0 read 0+4K
        7 done #0               | reply r0.1 ok, io#0 r1.1 d0 read 1M+4K
        8 done #0               | reply r1.1 ok, io#0 r0.2 d0 read 0+4K
        """);

    [Fact]
    public void Q2_a_guest_that_its_limit_lets_go_neither_catches_up_nor_sets_virtual_time_back() => Trace.Check("""
        volume depth=1 op=100 byte=0
        domain d0 cache
        guest a limit=1000
        guest b
        guest c
        disk A a d0:0+1M
        disk B b d0:1M+1M
        disk C c d0:2M+1M
        ring r0 A
        ring r1 B credits=16
        ring r2 C
        0 submit r0.0 read 0+4K  | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K  |
        0 submit r1.0 read 0+4K  |
        0 submit r1.1 read 0+4K  |
        0 submit r1.2 read 0+4K  |
        0 submit r1.3 read 0+4K  |
        0 submit r1.4 read 0+4K  |
        0 submit r1.5 read 0+4K  |
        100 done #0              | reply r0.0 ok, io#0 r1.0 d0 read 1M+4K
        200 done #0              | reply r1.0 ok, io#0 r1.1 d0 read 1M+4K
        300 done #0              | reply r1.1 ok, io#0 r1.2 d0 read 1M+4K
        400 done #0              | reply r1.2 ok, io#0 r1.3 d0 read 1M+4K
        1000 done #0             | reply r1.3 ok, io#0 r0.1 d0 read 0+4K      // equal tags: the first guest
        1010 submit r2.0 read 0+4K |
        1010 submit r2.1 read 0+4K |
        1010 submit r2.2 read 0+4K |
        1010 submit r2.3 read 0+4K |
        1100 done #0             | reply r0.1 ok, io#0 r2.0 d0 read 2M+4K
        1200 done #0             | reply r2.0 ok, io#0 r1.4 d0 read 1M+4K
        1300 done #0             | reply r1.4 ok, io#0 r2.1 d0 read 2M+4K
        1400 done #0             | reply r2.1 ok, io#0 r1.5 d0 read 1M+4K
        """);

    [Fact]
    public void Q2_a_request_above_256_KiB_goes_in_pieces_between_which_others_go() => Trace.Check("""
        volume depth=1
        domain d0 cache
        guest a
        guest b
        disk A a d0:0+4M
        disk B b d0:4M+4M
        ring r0 A
        ring r1 B
        0 submit r0.0 write 4K+600K | io#0 r0.0 d0 write 4K+256K
        0 submit r1.0 read 0+4K     |
        1 done #0                   | io#0 r1.0 d0 read 4M+4K
        2 done #0                   | reply r1.0 ok, io#0 r0.0 d0 write 260K+256K
        3 done #0                   | io#0 r0.0 d0 write 516K+88K
        4 done #0                   | reply r0.0 ok
        """);

    [Fact]
    public void Q2_prefetches_go_in_pieces_of_256_KiB_too() => Trace.Check("""
        volume depth=1
        domain d0 cache
        guest a
        disk A a d0:0+4M
        ring r0 A
        0 submit r0.0 prefetch 0+512K | io#0 r0.0 d0 prefetch 0+256K
        1 done #0                     | io#0 r0.0 d0 prefetch 256K+256K
        """);

    [Fact]
    public void Q2_who_flushes_much_waits_for_it() => Trace.Check(With("", "") + """
        0 submit r0.0 write 0+4K  | io#0 r0.0 d0 write 0+4K
        1 done #0                 | reply r0.0 ok
        2 submit r0.0 flush       | flush#0 d0
        1002 done #0              | reply r0.0 ok            // a millisecond, ten reads' worth
        1002 submit r1.0 read 0+4K | io#0 r1.0 d0 read 1M+4K
        1002 submit r0.0 read 0+4K |
        1002 submit r1.1 read 0+4K |
        1002 submit r1.2 read 0+4K |
        1003 done #0              | reply r1.0 ok, io#0 r1.1 d0 read 1M+4K
        1004 done #0              | reply r1.1 ok, io#0 r1.2 d0 read 1M+4K
        1005 done #0              | reply r1.2 ok, io#0 r0.0 d0 read 0+4K
        """);

    [Fact]
    public void Q3_a_reservation_is_met_before_shares() => Trace.Check(With("reservation=1000", "weight=10000") + """
        0 submit r1.0 read 0+4K    | io#0 r1.0 d0 read 1M+4K
        0 submit r1.1 read 0+4K    |
        0 submit r1.2 read 0+4K    |
        0 submit r1.3 read 0+4K    |
        0 submit r1.4 read 0+4K    |
        0 submit r0.0 read 0+4K    |
        0 submit r0.1 read 0+4K    |
        0 submit r0.2 read 0+4K    |
        100 done #0                | reply r1.0 ok, io#0 r0.0 d0 read 0+4K       // due at once, and free of its share
        200 done #0                | reply r0.0 ok, io#0 r0.1 d0 read 0+4K       // its share; the next is due at 1000
        300 done #0                | reply r0.1 ok, io#0 r1.1 d0 read 1M+4K
        1050 done #0               | reply r1.1 ok, io#0 r0.2 d0 read 0+4K       // reserved
        1150 done #0               | reply r0.2 ok, io#0 r1.2 d0 read 1M+4K
        """);

    [Fact]
    public void Q3_a_limit_caps_and_wakes_when_its_time_has_come_and_others_go_meanwhile() => Trace.Check(With("limit=1000", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        1 done #0                 | reply r0.0 ok, wake 1000
        4 submit r1.0 read 0+4K   | io#0 r1.0 d0 read 1M+4K, wake never
        5 done #0                 | reply r1.0 ok, wake 1000
        999 tick                  | wake 1000
        1000 tick                 | io#0 r0.1 d0 read 0+4K
        """);

    [Fact]
    public void Q3_a_limit_holds_back_a_reservation_that_is_due() => Trace.Check(With("limit=1000 reservation=1000", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        1 done #0                 | reply r0.0 ok, wake 1000
        """);

    [Fact]
    public void Q3_flushes_count_against_a_limit() => Trace.Check(With("limit=1000", "") + """
        0 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
        1 done #0                  | reply r0.0 ok
        2 submit r0.0 flush        | flush#0 d0
        1002 done #0               | reply r0.0 ok              // as much device time as ten reads
        1002 submit r0.0 read 0+4K | wake 11000
        """);

    [Fact]
    public void Q3_stopping_lifts_limits() => Trace.Check(With("limit=1", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        0 submit r0.2 read 0+4K   |
        1 done #0                 | reply r0.0 ok, wake 1000000
        2 stop                    | io#0 r0.1 d0 read 0+4K, wake never
        3 done #0                 | reply r0.1 ok, io#0 r0.2 d0 read 0+4K
        4 done #0                 | reply r0.2 ok, flush#0 d0
        5 done #0                 | stopped
        """);

    [Fact]
    public void Q4_no_slot_idles_while_there_is_work() => Trace.Check("""
        volume depth=3
        domain d0 cache
        guest a
        guest b weight=1
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r1.0 read 0+4K | io#0 r1.0 d0 read 1M+4K
        0 submit r1.1 read 0+4K | io#1 r1.1 d0 read 1M+4K
        0 submit r1.2 read 0+4K | io#2 r1.2 d0 read 1M+4K
        0 submit r1.3 read 0+4K |
        0 submit r0.3 read 0+4K |
        1 done #1               | reply r1.1 ok, io#1 r0.3 d0 read 0+4K
        1 done #0               | reply r1.0 ok, io#0 r1.3 d0 read 1M+4K
        """);

    [Fact]
    public void Q4_the_slot_of_a_flush_is_given_back_when_it_is_over() => Trace.Check("""
        volume depth=2
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush     | flush#0 d0
        0 submit r0.1 read 0+4K | io#1 r0.1 d0 read 0+4K
        0 submit r0.2 read 0+4K |
        1 done #0               | reply r0.0 ok, io#0 r0.2 d0 read 0+4K
        """);

    // At 2 it is a's turn again, whose operations take the whole depth: b waits for its turn, though it has nothing there.
    [Fact]
    public void Q6_who_has_nothing_on_the_device_does_not_wait_for_others_to_end_there() => Trace.Check("""
        volume depth=4
        domain d0 cache
        guest a
        guest b
        guest c
        disk A a d0:0+1M
        disk B b d0:1M+1M
        disk C c d0:2M+1M
        ring r0 A
        ring r1 B
        ring r2 C
        clean
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K | io#1 r0.1 d0 read 0+4K
        0 submit r0.2 read 0+4K | io#2 r0.2 d0 read 0+4K
        0 submit r0.3 read 0+4K | io#3 r0.3 d0 read 0+4K
        0 submit r0.4 read 0+4K |
        0 submit r1.0 read 0+4K | io#4 r1.0 d0 read 1M+4K
        0 submit r1.1 read 0+4K |
        0 submit r2.0 read 0+4K |
        1 done #4               | reply r1.0 ok, io#4 r2.0 d0 read 2M+4K
        2 done #4               | reply r2.0 ok
        3 done #0               | reply r0.0 ok, io#0 r0.4 d0 read 0+4K, io#4 r1.1 d0 read 1M+4K
        3 done #1               | reply r0.1 ok
        """);

    [Fact]
    public void Q5_a_stream_that_drains_occupies_no_slot() => Trace.Check("""
        volume depth=2
        domain d0 cache
        guest a
        guest b
        disk A a tag d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        clean
        0 submit r0.0 write 0+4K    | io#0 r0.0 d0 write 0+4K
        0 submit r0.1 barrier 4K+4K |
        0 submit r0.2 write 8K+4K   |
        0 submit r0.3 write 12K+4K  |
        1 submit r1.0 read 0+4K     | io#1 r1.0 d0 read 1M+4K
        2 done #1                   | reply r1.0 ok
        2 submit r1.0 read 0+4K     | io#1 r1.0 d0 read 1M+4K
        """);
}
