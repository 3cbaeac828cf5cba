// Q1-Q3: what becomes of a guest's requests and tags when its weight, reservation, limit or bounds change, or when it comes,
// while the volume runs. (F7's bound: FlushGatheringTests.cs.)
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Rules;

public class ChangedGuestTests
{
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
    [InlineData(1)]
    [InlineData(8)]
    public void Q2_shares_follow_a_change_of_weights_at_once(int depth)
    {
        Backlog backlog = new(depth, 100, 300);
        backlog.Run(400);
        AssertShares(1, 3, backlog.Run(400));
        backlog.Weigh(300, 100);

        // No guest waits for what it had at another weight: the first few are shared already.
        AssertShares(3, 1, backlog.Run(8));
        AssertShares(3, 1, backlog.Run(400));
        backlog.Weigh(100, 10_000);
        AssertShares(1, 100, backlog.Run(404));
        backlog.Weigh(10_000, 100);
        AssertShares(100, 1, backlog.Run(404));
    }

    [Fact]
    public void Q2_a_guest_whose_weight_rises_does_not_wait_for_what_it_had_at_the_old_price() => Trace.Check(With("weight=1", "") + """
        0 submit r0.0 flush         | flush#0 d0
        1000 done #0                | reply r0.0 ok             // ten reads' worth: a thousand of the other guest's
        1001 submit r1.0 read 0+4K  | io#0 r1.0 d0 read 1M+4K
        1001 submit r0.0 read 0+4K  |
        1001 submit r1.1 read 0+4K  |
        1001 submit r1.2 read 0+4K  |
        1002 guest a weight=10000   |
        1003 done #0                | reply r1.0 ok, io#0 r0.0 d0 read 0+4K
        """);

    [Fact]
    public void Q2_a_guest_whose_weight_falls_still_pays_for_what_it_had() => Trace.Check(With("weight=10000", "") + """
        0 submit r0.0 flush         | flush#0 d0
        1000 done #0                | reply r0.0 ok             // ten reads' worth: a tenth of one of the other guest's
        1001 submit r1.0 read 0+4K  | io#0 r1.0 d0 read 1M+4K
        1001 submit r0.0 read 0+4K  |
        1001 submit r1.1 read 0+4K  |
        1001 submit r1.2 read 0+4K  |
        1002 guest a weight=100     |
        1003 done #0                | reply r1.0 ok, io#0 r1.1 d0 read 1M+4K
        1004 done #0                | reply r1.1 ok, io#0 r1.2 d0 read 1M+4K
        1005 done #0                | reply r1.2 ok, io#0 r0.0 d0 read 0+4K
        """);

    [Fact]
    public void Q2_changing_a_weight_back_and_forth_gains_nothing()
    {
        Backlog backlog = new(1, 100, 100);
        int first = 0;
        for (int i = 0; i < 200; i++)
        {
            // Heavy while it is served, light while it waits, or the reverse: in the mean both weigh the same.
            backlog.Weigh(i % 2 == 0 ? 1_000 : 10, i % 2 == 0 ? 10 : 1_000);
            first += backlog.Run(2)[0];
        }

        Assert.InRange(first, 180, 220);
    }

    [Fact]
    public void Q2_a_guest_that_comes_starts_at_virtual_time() => Trace.Check(With("", "") + """
        0 submit r0.0 read 0+4K | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K |
        0 submit r0.2 read 0+4K |
        0 submit r0.3 read 0+4K |
        1 done #0               | reply r0.0 ok, io#0 r0.1 d0 read 0+4K
        2 guest c weight=100    |
        2 disk C c d0:2M+1M     |
        2 attach r2 C           |
        2 submit r2.0 read 0+4K |
        2 submit r2.1 read 0+4K |
        2 submit r2.2 read 0+4K |
        3 done #0               | reply r0.1 ok, io#0 r2.0 d0 read 2M+4K
        4 done #0               | reply r2.0 ok, io#0 r0.2 d0 read 0+4K
        5 done #0               | reply r0.2 ok, io#0 r2.1 d0 read 2M+4K
        6 done #0               | reply r2.1 ok, io#0 r0.3 d0 read 0+4K
        """);

    [Fact]
    public void Q3_a_limit_that_is_taken_away_holds_nobody_any_more() => Trace.Check(With("limit=10", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        1 done #0                 | reply r0.0 ok, wake 100000
        2 guest a                 | io#0 r0.1 d0 read 0+4K, wake never
        """);

    [Fact]
    public void Q3_a_limit_that_changes_holds_for_as_many_units_at_the_new_rate() => Trace.Check(With("limit=10", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        1 done #0                 | reply r0.0 ok, wake 100000
        40000 guest a limit=100   | wake 46000
        46000 tick                | io#0 r0.1 d0 read 0+4K
        """);

    [Fact]
    public void Q3_a_limit_that_is_given_holds_from_the_next_dispatch_on() => Trace.Check(With("", "") + """
        0 submit r0.0 read 0+4K   | io#0 r0.0 d0 read 0+4K
        0 submit r0.1 read 0+4K   |
        0 submit r0.2 read 0+4K   |
        1 guest a limit=1000      |
        2 done #0                 | reply r0.0 ok, io#0 r0.1 d0 read 0+4K
        3 done #0                 | reply r0.1 ok, wake 1001
        1001 tick                 | io#0 r0.2 d0 read 0+4K
        """);

    [Fact]
    public void Q3_a_reservation_that_is_given_is_due_at_once_and_saved_nothing_up() => Trace.Check(With("weight=1", "weight=10000") + """
        0 submit r1.0 read 0+4K    | io#0 r1.0 d0 read 1M+4K
        0 submit r1.1 read 0+4K    |
        0 submit r1.2 read 0+4K    |
        0 submit r1.3 read 0+4K    |
        0 submit r0.0 read 0+4K    |
        0 submit r0.1 read 0+4K    |
        0 submit r0.2 read 0+4K    |
        100 done #0                | reply r1.0 ok, io#0 r0.0 d0 read 0+4K       // it came at virtual time
        200 done #0                | reply r0.0 ok, io#0 r1.1 d0 read 1M+4K
        5000000 guest a weight=1 reservation=1000 |
        5000000 done #0            | reply r1.1 ok, io#0 r0.1 d0 read 0+4K       // due
        5000100 done #0            | reply r0.1 ok, io#0 r1.2 d0 read 1M+4K      // the next is due at 5001000
        5000200 done #0            | reply r1.2 ok, io#0 r1.3 d0 read 1M+4K
        5001000 done #0            | reply r1.3 ok, io#0 r0.2 d0 read 0+4K
        """);

    [Fact]
    public void Q1_a_lower_bound_on_unflushed_bytes_has_a_flush_wanted_at_once() => Trace.Check(With("", "") + """
        0 submit r0.0 write 0+64K      | io#0 r0.0 d0 write 0+64K
        1 done #0                      | reply r0.0 ok
        2 guest a unflushed=64K        | flush#0 d0
        """);

    [Theory]
    [InlineData("weight=0", "weight 0 is not in 1 to 10000")]
    [InlineData("limit=5 reservation=6", "do not fit")]
    [InlineData("unflushed=0", "above 0")]
    public void What_no_guest_can_be_is_refused(string words, string problem)
    {
        TraceSetup setup = new();
        foreach (string line in With("", "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            setup.Add(line);
        VolumeCore core = new(setup.Volume);
        GuestSpec changed = setup.ChangeGuest(TraceText.Words("guest a " + words));
        Assert.Contains(problem, core.WhyNotChange(changed), StringComparison.Ordinal);
        _ = Assert.Throws<InvariantException>(() => core.Step(VolumeEvent.ChangeGuest(changed), 0).Length);
    }

    [Fact]
    public void Nothing_is_allocated_for_requests_after_a_change()
    {
        Backlog backlog = new(4, 100, 300);
        backlog.Weigh(300, 100);
        backlog.Run(2_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        backlog.Run(2_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    private static void AssertShares(int a, int b, int[] served)
    {
        double of = served[0] + served[1];
        Assert.True(
            Math.Abs(served[0] - (of * a / (a + b))) <= 2, $"{served[0]} and {served[1]} were served at weights {a} : {b}");
    }

    /// <summary>Two guests that always have requests waiting, on a device for which all cost the same.</summary>
    private sealed class Backlog
    {
        private const int Credits = 64;
        private readonly VolumeCore _core;
        private readonly Queue<int> _inFlight = new();
        private readonly int[] _served = new int[2];
        private long _nowNs;

        public Backlog(int depth, int weightA, int weightB)
        {
            _core = new VolumeCore(new VolumeSpec
            {
                Domains = [new DomainSpec(1 << 30, VolatileCache: true, DurableWrites: false, SupportsDsync: false)],
                Guests = [Guest(0, weightA), Guest(1, weightB)],
                Disks = [Disk(0), Disk(1)],
                Depth = depth,
            });
            for (int guest = 0; guest < 2; guest++)
                Step(VolumeEvent.Attach(guest, guest, Credits));
            for (int slot = 0; slot < Credits; slot++)
            {
                for (int guest = 0; guest < 2; guest++)
                    Step(VolumeEvent.Submit(guest, slot, RequestOp.Read, 0, 4096));
            }
        }

        public void Weigh(int weightA, int weightB)
        {
            Step(VolumeEvent.ChangeGuest(Guest(0, weightA)));
            Step(VolumeEvent.ChangeGuest(Guest(1, weightB)));
        }

        /// <summary>Completes so many operations, each of which another follows; returns whose those are.</summary>
        public int[] Run(int operations)
        {
            (int a, int b) = (_served[0], _served[1]);
            for (int i = 0; i < operations; i++)
            {
                _nowNs += 20_000;
                Step(VolumeEvent.Completed(_inFlight.Dequeue()));
            }

            return [_served[0] - a, _served[1] - b];
        }

        private static GuestSpec Guest(int index, int weight) => new() { Name = "guest" + index, Weight = weight };

        private static DiskSpec Disk(int guest) => new() { Name = "disk" + guest, Guest = guest, Extents = [new Extent(0, 0, guest << 20, 1 << 20)] };

        private void Step(in VolumeEvent happened)
        {
            (int Ring, int Slot) again = (-1, 0);
            foreach (ref readonly Effect effect in _core.Step(happened, _nowNs))
            {
                if (effect.Kind == EffectKind.Io)
                {
                    _inFlight.Enqueue(effect.Operation);
                    _served[effect.Ring]++;
                }
                else if (effect.Kind == EffectKind.Reply)
                {
                    again = (effect.Ring, effect.Slot);
                }
            }

            if (again.Ring >= 0)
                Step(VolumeEvent.Submit(again.Ring, again.Slot, RequestOp.Read, 0, 4096));
        }
    }
}
