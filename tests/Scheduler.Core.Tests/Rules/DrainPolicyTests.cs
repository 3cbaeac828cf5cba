// The baselines that drain: what they hold, beside what fair does with the same requests.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class DrainPolicyTests
{
    // Guest a has two rings, guest b one; all disks have something to flush.
    private const string Volume = """
        domain d0 cache
        guest a
        guest b
        disk A a tag d0:0+1M
        disk B b tag d0:1M+1M
        ring r0 A
        ring r1 A
        ring r2 B
        clean
        0 submit r0.0 write 0+4K  | io#0 r0.0 d0 write 0+4K
        0 submit r2.0 write 0+4K  | io#1 r2.0 d0 write 1M+4K
        1 done #1                 | reply r2.0 ok
        1 done #0                 | reply r0.0 ok

        """;

    [Fact]
    public void F8_under_fair_a_flush_holds_nothing_and_two_guests_share_one() => Trace.Check("volume policy=Fair\n" + Volume + """
        2 submit r1.0 read 0+4K   | io#0 r1.0 d0 read 0+4K
        2 submit r0.0 flush       | flush#1 d0
        3 submit r2.0 flush       |
        3 submit r1.1 read 4K+4K  | io#2 r1.1 d0 read 4K+4K
        3 submit r0.1 read 4K+4K  | io#3 r0.1 d0 read 4K+4K
        3 submit r2.1 read 4K+4K  | io#4 r2.1 d0 read 1028K+4K
        4 done #1                 | reply r0.0 ok, reply r2.0 ok
        """.Replace("3 submit r2.0 flush       |\n", "3 submit r2.0 flush       |\n", StringComparison.Ordinal));

    [Fact]
    public void Queue_drain_stops_the_whole_volume_for_each_flush() => Trace.Check("volume policy=QueueDrain\n" + Volume + """
        2 submit r1.0 read 0+4K   | io#0 r1.0 d0 read 0+4K
        2 submit r0.0 flush       |                             // waits for the other ring's read
        3 submit r2.0 flush       |
        3 submit r2.1 read 4K+4K  |
        4 done #0                 | reply r1.0 ok, flush#0 d0
        5 done #0                 | reply r0.0 ok, flush#0 d0
        6 done #0                 | reply r2.0 ok, io#0 r2.1 d0 read 1028K+4K
        """);

    [Fact]
    public void Queue_drain_stops_the_whole_volume_for_each_phase_of_a_barrier() => Trace.Check("volume policy=QueueDrain\n" + Volume + """
        2 submit r1.0 read 0+4K     | io#0 r1.0 d0 read 0+4K
        2 submit r0.0 barrier 8K+4K |
        3 submit r2.1 read 4K+4K    |
        4 done #0                   | reply r1.0 ok, flush#0 d0
        5 done #0                   | io#0 r0.0 d0 barrier 8K+4K
        6 done #0                   | flush#0 d0
        7 done #0                   | reply r0.0 ok, io#0 r2.1 d0 read 1028K+4K
        """);

    [Fact]
    public void Ring_drain_stops_the_flushs_own_ring() => Trace.Check("volume policy=RingDrain\n" + Volume + """
        2 submit r0.2 read 0+4K   | io#0 r0.2 d0 read 0+4K
        2 submit r0.0 flush       |                             // waits for its ring's read
        3 submit r0.1 read 4K+4K  |                             // behind the flush
        3 submit r1.0 read 4K+4K  | io#1 r1.0 d0 read 4K+4K
        3 submit r2.0 flush       | flush#2 d0                  // not merged: its own
        3 submit r2.1 read 4K+4K  |
        4 done #0                 | reply r0.2 ok, flush#0 d0
        5 done #2                 | reply r2.0 ok, io#2 r2.1 d0 read 1028K+4K
        6 done #0                 | reply r0.0 ok, io#0 r0.1 d0 read 4K+4K
        """);

    [Fact]
    public void What_a_gone_ring_had_parked_holds_nobody() => Trace.Check("volume policy=QueueDrain\n" + Volume + """
        2 submit r1.0 read 0+4K   | io#0 r1.0 d0 read 0+4K
        2 submit r0.0 flush       |
        3 submit r2.1 read 4K+4K  |
        4 detach r0               | reply r0.0 error=125, released r0, io#1 r2.1 d0 read 1028K+4K
        """);
}
