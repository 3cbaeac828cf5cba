using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

public sealed class VolumeLeaseTests
{
    // Of 100 units a hundredth is left unused, and a renewal is due after a quarter.
    private const long Unit = 1_000_000;
    private readonly VolumeLease _lease = new(TimeSpan.FromMilliseconds(100));

    [Fact]
    public void It_holds_from_its_grant_until_its_deadline_which_counts_from_before_the_call()
    {
        Assert.False(_lease.Holds(0));
        Take(sent: 10, answered: 30);
        Assert.True(_lease.Holds(30 * Unit));
        Assert.True(_lease.Holds((109 * Unit) - 1));
        Assert.False(_lease.Holds(109 * Unit));
        Assert.Equal(35 * Unit, _lease.NextCallNs);
    }

    [Fact]
    public void A_renewal_moves_the_deadline_to_after_its_own_sending()
    {
        Take(sent: 0, answered: 1);
        Assert.Equal(LeaseCall.None, _lease.Next(24 * Unit));
        Assert.Equal(LeaseCall.Renew, _lease.Next(25 * Unit));
        Assert.Equal((LeaseCall.None, long.MaxValue), (_lease.Next(26 * Unit), _lease.NextCallNs));
        _lease.Granted(1, 40 * Unit);
        Assert.True(_lease.Holds(123 * Unit));
        Assert.False(_lease.Holds(124 * Unit));
        Assert.Equal(50 * Unit, _lease.NextCallNs);
    }

    [Fact]
    public void A_call_without_an_answer_changes_nothing_and_is_made_again()
    {
        Take(sent: 0, answered: 1);
        Assert.Equal(LeaseCall.Renew, _lease.Next(25 * Unit));
        _lease.Unanswered(50 * Unit);
        Assert.True(_lease.Holds(98 * Unit));
        Assert.False(_lease.Holds(99 * Unit));
        Assert.Equal(LeaseCall.Renew, _lease.Next(60 * Unit));
        _lease.Granted(1, 61 * Unit);
        Assert.True(_lease.Holds(158 * Unit));
    }

    [Fact]
    public void What_ran_out_is_over_though_a_late_answer_says_that_nobody_else_came()
    {
        Take(sent: 0, answered: 1);
        Assert.Equal(LeaseCall.Renew, _lease.Next(90 * Unit));
        _lease.Granted(1, 100 * Unit);
        Assert.False(_lease.Holds(100 * Unit));
        Assert.Equal(LeaseCall.Take, _lease.Next(100 * Unit));
        _lease.Granted(2, 101 * Unit);
        Assert.True(_lease.Holds(101 * Unit));
        Assert.Equal(2, _lease.Epoch);
    }

    [Fact]
    public void A_refused_renewal_ends_it_at_once()
    {
        Take(sent: 0, answered: 1);
        Assert.Equal(LeaseCall.Renew, _lease.Next(25 * Unit));
        _lease.Refused(26 * Unit);
        Assert.False(_lease.Holds(26 * Unit));
        Assert.Equal(LeaseCall.Take, _lease.Next(51 * Unit));
    }

    [Fact]
    public void A_grant_that_comes_after_its_own_deadline_is_none()
    {
        Assert.Equal(LeaseCall.Take, _lease.Next(0));
        _lease.Granted(1, 99 * Unit);
        Assert.False(_lease.Holds(99 * Unit));
        Assert.Equal(LeaseCall.Take, _lease.Next(99 * Unit));
    }

    [Theory]
    [InlineData(LeaseCall.Take, 1)]
    [InlineData(LeaseCall.Take, 0)]
    [InlineData(LeaseCall.Renew, 2)]
    public void An_epoch_that_does_not_rise_breaks_the_rule_and_ends_it(LeaseCall call, long epoch)
    {
        Take(sent: 0, answered: 1);
        if (call == LeaseCall.Take)
        {
            _lease.End();
        }

        Assert.Equal(call, _lease.Next(50 * Unit));
        Assert.StartsWith("S5", Assert.Throws<InvalidOperationException>(() => _lease.Granted(epoch, 51 * Unit)).Message, StringComparison.Ordinal);
        Assert.False(_lease.Holds(51 * Unit));
    }

    [Fact]
    public void Of_owners_whose_clocks_and_answers_go_their_own_ways_never_two_hold_it()
    {
        for (int seed = 0; seed < 300; seed++)
            Race(seed);
    }

    [Fact]
    public void The_clock_goes_on() => Assert.InRange(BootClock.NowNs - BootClock.NowNs, long.MinValue, 0);

    private void Take(long sent, long answered)
    {
        Assert.Equal(LeaseCall.Take, _lease.Next(sent * Unit));
        _lease.Granted(1, answered * Unit);
        Assert.Equal(1, _lease.Epoch);
    }

    // A store of one row, and owners with clocks of another beginning that are up to a hundredth slow; calls and answers take
    // up to half a lease each, or are lost.
    private static void Race(int seed)
    {
        const long Duration = 100 * Unit;
        Random random = new(seed);
        VolumeLease[] leases = [.. Enumerable.Range(0, 3).Select(_ => new VolumeLease(TimeSpan.FromMilliseconds(100)))];
        (long Begin, double Rate)[] clocks = [.. leases.Select(_ => (random.NextInt64(1000 * Unit), 1 - (random.NextDouble() * 0.0099)))];
        PriorityQueue<Action<long>, long> agenda = new();
        (int Owner, long Epoch, long Expires) row = (-1, 0, 0);
        long lastEpoch = 0;
        int grants = 0;
        for (long now = 0; now < 3000 * Unit; now += Unit)
        {
            while (agenda.TryPeek(out Action<long>? due, out long at) && at <= now)
            {
                _ = agenda.Dequeue();
                due(now);
            }

            for (int i = 0; i < leases.Length; i++)
            {
                int owner = i;
                VolumeLease lease = leases[owner];
                long Local(long time) => clocks[owner].Begin + (long)(time * clocks[owner].Rate);
                long epoch = lease.Epoch;
                LeaseCall call = lease.Next(Local(now));
                if (call == LeaseCall.None)
                    continue;
                agenda.Enqueue(
                    carriedOut =>
                    {
                        bool granted = call == LeaseCall.Take ? row.Expires <= carriedOut : row.Owner == owner && row.Epoch == epoch && row.Expires > carriedOut;
                        if (granted)
                            row = (owner, call == LeaseCall.Take ? row.Epoch + 1 : row.Epoch, carriedOut + Duration);
                        long answer = row.Epoch;
                        bool lost = random.Next(5) == 0;
                        agenda.Enqueue(
                            answered =>
                            {
                                if (lost)
                                    lease.Unanswered(Local(answered));
                                else if (granted)
                                    lease.Granted(answer, Local(answered));
                                else
                                    lease.Refused(Local(answered));
                            },
                            carriedOut + random.NextInt64(random.Next(2) == 0 ? 5 * Unit : 50 * Unit));
                    },
                    now + random.NextInt64(random.Next(2) == 0 ? 5 * Unit : 50 * Unit));
            }

            int[] holders = [.. Enumerable.Range(0, leases.Length).Where(i => leases[i].Holds(clocks[i].Begin + (long)(now * clocks[i].Rate)))];
            Assert.True(holders.Length <= 1, $"seed {seed}: {string.Join(" and ", holders)} hold it");
            if (holders.Length == 1)
            {
                long epoch = leases[holders[0]].Epoch;
                Assert.True(epoch >= lastEpoch, $"seed {seed}: epoch {epoch} after {lastEpoch}");
                grants += epoch > lastEpoch ? 1 : 0;
                lastEpoch = epoch;
            }
        }

        Assert.True(grants > 0, $"seed {seed}: nobody ever held it");
    }
}
