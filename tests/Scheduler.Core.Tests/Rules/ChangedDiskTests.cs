// S2: a disk only grows, and nothing that it has moves. F4: when a disk that grows or comes counts as unflushed.
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class ChangedDiskTests
{
    private const string Head = """
        volume depth=1
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a d0:0+64K d0:1M/d1:1M/4K+64K
        disk B a d0:4M+64K
        ring r0 A
        clean

        """;

    [Fact]
    public void S2_what_a_disk_has_goes_on_and_what_it_gained_can_be_used() => Trace.Check(Head + """
        0 submit r0.0 write 60K+16K                         | io#0 r0.0 d0 write 60K+4K
        1 disk A a d0:0+64K d0:1M/d1:1M/4K+64K d1:8M+64K    |
        2 done #0                                           | io#0 r0.0 d0 write 1M+4K
        3 done #0                                           | io#0 r0.0 d1 write 1M+4K
        4 done #0                                           | io#0 r0.0 d0 write 1028K+4K
        5 done #0                                           | reply r0.0 ok
        6 attach r1 A                                       |
        7 submit r1.0 read 128K+4K                          | io#0 r1.0 d1 read 8M+4K
        """);

    [Fact]
    public void S2_beyond_the_new_end_is_outside_still() => Trace.Check(Head + """
        0 disk B a d0:4M+128K        |
        1 attach r1 B                |
        2 submit r1.0 read 124K+4K   | io#0 r1.0 d0 read 4220K+4K
        3 submit r1.1 read 124K+8K   | broken S2
        """);

    [Fact]
    public void F2_a_flush_covers_what_was_written_to_the_gained_part() => Trace.Check(Head + """
        0 disk B a d0:4M+64K d1:4M+64K |
        1 attach r1 B                  |
        2 attach r2 B                  |
        3 submit r1.0 flush            | reply r1.0 ok                 // F4: d1 was flushed since the start
        4 submit r1.0 write 64K+4K     | io#0 r1.0 d1 write 4M+4K
        5 done #0                      | reply r1.0 ok
        6 submit r2.0 flush            | flush#0 d1
        7 done #0                      | reply r2.0 ok
        """);

    [Fact]
    public void F4_a_disk_that_comes_counts_as_unflushed() => Trace.Check(Head + """
        0 disk C a d1:4M+64K       |
        1 attach r1 C              |
        2 submit r1.0 flush        | flush#0 d1
        3 done #0                  | reply r1.0 ok
        4 submit r1.0 write 0+4K   | io#0 r1.0 d1 write 4M+4K
        5 done #0                  | reply r1.0 ok
        6 stop                     | flush#0 d1
        7 done #0                  | stopped
        """);

    [Fact]
    public void F4_a_disk_that_grows_before_the_first_flush_of_a_domain_waits_for_it() => Trace.Check("""
        domain d0 cache
        domain d1 cache
        guest a latency=0
        disk A a d0:0+64K
        ring r0 A
        0 disk A a d0:0+64K d1:0+64K |
        1 submit r0.0 flush          | flush#0 d0, flush#1 d1
        """);

    [Fact]
    public void S2_a_disk_goes_when_the_device_has_nothing_of_its_rings_and_its_place_is_free() => Trace.Check(Head + """
        0 attach r1 B              |
        1 submit r1.0 write 0+4K   | io#0 r1.0 d0 write 4M+4K
        2 detach r1                |
        3 done #0                  | reply r1.0 ok, released r1
        4 remove B                 |
        5 disk C a d0:4M+64K       |
        6 attach r1 C              |
        7 submit r1.0 read 0+4K    | io#0 r1.0 d0 read 4M+4K
        8 done #0                  | reply r1.0 ok
        9 submit r1.0 flush        | flush#0 d0                       // F4: it counts as unflushed
        10 done #0                 | reply r1.0 ok
        """);

    [Fact]
    public void S3_a_stop_flushes_what_a_disk_that_has_gone_had_unflushed() => Trace.Check(Head + """
        0 attach r1 B              |
        1 submit r1.0 write 0+4K   | io#0 r1.0 d0 write 4M+4K
        2 done #0                  | reply r1.0 ok
        3 detach r1                | released r1
        4 remove B                 |
        5 stop                     | flush#0 d0
        6 done #0                  | stopped
        """);

    [Fact]
    public void S3_a_stop_flushes_nothing_that_was_flushed_since_a_disk_has_gone() => Trace.Check(Head + """
        0 attach r1 B              |
        1 submit r1.0 write 0+4K   | io#0 r1.0 d0 write 4M+4K
        2 done #0                  | reply r1.0 ok
        3 detach r1                | released r1
        4 remove B                 |
        5 submit r0.0 write 0+4K   | io#0 r0.0 d0 write 0+4K
        6 done #0                  | reply r0.0 ok
        7 submit r0.0 flush        | flush#0 d0
        8 done #0                  | reply r0.0 ok
        9 stop                     | stopped
        """);

    [Fact]
    public void S2_a_disk_whose_ring_has_gone_stays_while_the_device_has_operations_of_it() => Trace.Check(Head + """
        0 attach r1 B              |
        1 submit r1.0 write 0+4K   | io#0 r1.0 d0 write 4M+4K
        2 detach r1                |
        3 remove B                 | broken S2
        """);

    [Fact]
    public void S2_a_disk_behind_one_that_went_is_the_same() => Trace.Check(Head + """
        0 disk C a d1:4M+64K       |
        1 remove B                 |
        2 attach r1 C              |
        3 submit r1.0 read 0+4K    | io#0 r1.0 d1 read 4M+4K
        """);

    [Theory]
    [InlineData("A a d0:0+64K d0:1M/d1:1M/4K+128K", null)]           // the stripes go on
    [InlineData("A a d0:0+64K d0:1M/d1:1M/4K+32K d0:1040K/d1:1040K/4K+64K", null)] // in two parts: the same places
    [InlineData("A a d0:0+32K d0:32K+32K d0:1M/d1:1M/4K+64K", null)]
    [InlineData("B a d0:4M+128K", null)]
    [InlineData("C a d1:4M+64K", null)]
    [InlineData("B a d0:4M+60K", "disk B would shrink from 65536 to 61440 bytes")]
    [InlineData("B a d0:5M+64K", "disk B would have its data in another place")]
    [InlineData("B a d1:4M+64K", "disk B would have its data in another place")]
    [InlineData("B a tag d0:4M+64K", "disk B would change its guest or its ordered mode")]
    [InlineData("B b d0:4M+64K", "disk B: there is no guest -1")]
    [InlineData("A a d0:0+64K d0:1M/d1:1M/8K+64K", "disk A would have its data in another place")]
    [InlineData("A a d0:0+64K d1:1M/d0:1M/4K+64K", "disk A would have its data in another place")]
    [InlineData("A a d0:0+64K d0:1M/d1:1M/d1:2M/4K+72K", "disk A would have its data in another place")]
    [InlineData("A a d0:0+64K d0:1M+64K", "disk A would have its data in another place")]
    [InlineData("C a d2:0+64K", "is not on its device")]
    [InlineData("C a d0:1024M+64K", "is not on its device")]
    public void S2_a_disk_only_grows(string disk, string? problem)
    {
        TraceSetup setup = new();
        foreach (string line in Head.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            setup.Add(line);
        VolumeCore core = new(setup.Volume);
        DiskSpec changed = setup.Change(TraceText.Words("disk " + disk));

        if (problem is null)
        {
            Assert.Null(core.WhyNotChange(changed));
            _ = core.Step(VolumeEvent.ChangeDisk(changed), 0);
        }
        else
        {
            Assert.Contains(problem, core.WhyNotChange(changed), StringComparison.Ordinal);
            Assert.Equal("S2", Assert.Throws<InvariantException>(() => core.Step(VolumeEvent.ChangeDisk(changed), 0).Length).Rule);
        }
    }
}
