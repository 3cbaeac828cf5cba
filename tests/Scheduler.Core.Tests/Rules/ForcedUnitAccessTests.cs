// F5: a FUA write is answered when its own data is durable, by a durable write or by the next flush.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class ForcedUnitAccessTests
{
    [Fact]
    public void F5_without_dsync_a_fua_write_takes_the_next_flush() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        1 done #0                    | flush#0 d0
        9 done #0                    | reply r0.0 ok
        """);

    [Fact]
    public void F5_a_fua_write_right_after_a_clean_flush_is_synced() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 flush          | reply r0.0 ok
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        1 submit r0.1 flush          | reply r0.1 ok
        2 done #0                    | flush#0 d0
        9 done #0                    | reply r0.0 ok
        """);

    [Fact]
    public void F5_a_fua_write_that_completes_during_a_flush_waits_for_the_one_after() => Trace.Check("""
        domain d0 cache
        guest a
        disk A a d0:0+1M
        ring r0 A
        0 submit r0.0 flush          | flush#0 d0
        1 submit r0.1 write 0+4K fua | io#1 r0.1 d0 write 0+4K
        2 done #1                    |
        9 done #0                    | reply r0.0 ok, flush#0 d0
        19 done #0                   | reply r0.1 ok
        """);

    [Fact]
    public void F5_fua_writes_of_several_guests_share_a_flush() => Trace.Check("""
        domain d0 cache
        guest a
        guest b
        disk A a d0:0+1M
        disk B b d0:1M+1M
        ring r0 A
        ring r1 B
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        0 submit r1.0 write 0+4K fua | io#1 r1.0 d0 write 1M+4K
        0 submit r0.1 flush          | flush#2 d0
        1 done #0                    |
        1 done #1                    |
        9 done #2                    | reply r0.1 ok, flush#2 d0
        19 done #2                   | reply r0.0 ok, reply r1.0 ok
        """);

    [Fact]
    public void F5_a_durable_write_is_answered_at_once_and_makes_nothing_else_clean() => Trace.Check("""
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K      | io#0 r0.0 d0 write 0+4K
        1 done #0                     | reply r0.0 ok
        2 submit r0.0 write 8K+4K fua | io#0 r0.0 d0 write 8K+4K dsync
        3 done #0                     | reply r0.0 ok
        4 submit r0.0 flush           | flush#0 d0
        """);

    [Fact]
    public void F5_a_durable_write_makes_nothing_dirty_either() => Trace.Check("""
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        2 submit r0.0 write 8K+4K fua | io#0 r0.0 d0 write 8K+4K dsync
        3 done #0                     | reply r0.0 ok
        4 submit r0.0 flush           | reply r0.0 ok
        """);

    [Theory]
    [InlineData("zero")]
    [InlineData("discard")]
    public void F5_fua_zeroes_and_discards_take_a_flush_even_with_dsync(string op) => Trace.Check($"""
        domain d0 cache durable dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 {op} 0+4K fua | io#0 r0.0 d0 {op} 0+4K
        1 done #0                   | flush#0 d0
        9 done #0                   | reply r0.0 ok
        """);

    [Fact]
    public void F5_where_data_writes_are_durable_a_fua_write_needs_nothing_more() => Trace.Check("""
        domain d0 cache durable dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        1 done #0                    | reply r0.0 ok
        """);

    [Fact]
    public void F5_a_fua_write_over_two_domains_flushes_those_it_wrote() => Trace.Check("""
        domain d0 cache
        domain d1 cache dsync
        domain d2 cache
        guest a
        disk A a d0:0+64K d1:0+64K d2:0+64K
        ring r0 A
        0 submit r0.0 write 60K+8K fua | io#0 r0.0 d0 write 60K+4K, io#1 r0.0 d1 write 0+4K dsync
        1 done #0                      |
        2 done #1                      | flush#1 d0
        9 done #1                      | reply r0.0 ok
        """);

    [Fact]
    public void F5_a_slow_durable_write_gives_way_to_write_and_flush() => Trace.Check("""
        volume flush=100
        domain d0 cache dsync
        guest a
        disk A a d0:0+1M
        ring r0 A
        clean
        0 submit r0.0 write 0+4K fua    | io#0 r0.0 d0 write 0+4K dsync
        9000 done #0                    | reply r0.0 ok
        9000 submit r0.0 write 0+4K fua | io#0 r0.0 d0 write 0+4K
        9010 done #0                    | flush#0 d0
        9110 done #0                    | reply r0.0 ok
        """);
}
