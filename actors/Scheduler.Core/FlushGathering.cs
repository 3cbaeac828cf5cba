// F7: a flush may be held back to gather company, but no longer than the measured cost of one device flush, and never
// past the guest's flush-latency bound.
//
// Holding pays when another ring is about to flush too: two rings that flush in a loop, each sooner than a device flush
// takes, otherwise alternate for ever and are served by a flush each. So each ring's habit is learned (how long after
// the answer to its flush the next one comes), and a flush is held only for rings whose next flush is expected before
// the hold would end. When the last of them has come, or the time is up, it goes. Nobody expected: nothing is held.
namespace Scheduler.Core;

/// <summary>What is known of when a ring flushes.</summary>
internal struct FlushHabit
{
    /// <summary>Flush points of the ring that are not answered.</summary>
    public int Pending;

    /// <summary>When the latest flush point was answered; 0 for never.</summary>
    public long AnsweredNs;

    /// <summary>Smoothed time from an answer to the next flush point.</summary>
    public double PauseNs;

    /// <summary>The hold that waits for this ring, or 0.</summary>
    public long ExpectedBy;

    /// <summary>The latest decision with a request of this ring among those that wait.</summary>
    public long WaitsBy;

    /// <summary>It is in the list of rings that flush.</summary>
    public bool Listed;
}

/// <summary>Learns the rings' habits and decides on holds, for one volume.</summary>
internal sealed class FlushGathering
{
    private const double Smoothing = 0.25;

    private readonly List<Ring> _flushers = [];
    private long _holds;

    /// <summary>A flush point came.</summary>
    public void Arrived(Ring ring, long nowNs)
    {
        ref FlushHabit habit = ref ring.Habit;
        if (habit.Pending++ == 0 && habit.AnsweredNs > 0)
        {
            double pause = nowNs - habit.AnsweredNs;
            habit.PauseNs = habit.PauseNs == 0 ? pause : habit.PauseNs + (Smoothing * (pause - habit.PauseNs));
        }

        if (!habit.Listed)
        {
            habit.Listed = true;
            _flushers.Add(ring);
        }
    }

    /// <summary>A flush point was answered.</summary>
    public void Answered(Ring ring, long nowNs)
    {
        ring.Habit.Pending--;
        ring.Habit.AnsweredNs = nowNs;
    }

    /// <summary>A ring is gone.</summary>
    public void Forget(Ring ring)
    {
        if (ring.Habit.Listed)
            _ = _flushers.Remove(ring);
        ring.Habit.Listed = false;
    }

    /// <summary>Decides whether a flush that could start now is held.</summary>
    /// <param name="domain">Its domain; its hold is set.</param>
    /// <param name="nowNs">Now.</param>
    public void Decide(FlushDomain domain, long nowNs)
    {
        long end = nowNs + (long)domain.FlushCostNs;
        long hold = ++_holds;
        foreach (Request waiter in domain.Collecting)
        {
            end = Math.Min(end, LatestStart(waiter, domain));
            waiter.Ring.Habit.WaitsBy = hold;
        }

        int expected = 0;
        for (int i = _flushers.Count - 1; i >= 0; i--)
        {
            Ring ring = _flushers[i];
            ref FlushHabit habit = ref ring.Habit;
            double next = habit.AnsweredNs + habit.PauseNs;
            if (habit.Pending == 0 && next < nowNs - Math.Max(domain.FlushCostNs * 8, 1e6))
            {
                // It has stopped; it is listed again when it flushes again.
                habit.Listed = false;
                _flushers[i] = _flushers[^1];
                _flushers.RemoveAt(_flushers.Count - 1);
            }
            else if (habit.Pending == 0 && habit.WaitsBy != hold && habit.PauseNs > 0 && next <= end && next >= nowNs - domain.FlushCostNs
                && (ring.Disk.Extents.Domains & domain.Bit) != 0)
            {
                habit.ExpectedBy = hold;
                expected++;
            }
        }

        domain.Hold = hold;
        domain.HoldExpects = expected;
        domain.HoldEndsNs = expected == 0 ? nowNs : end;
    }

    /// <summary>A flush point joined those that a domain holds.</summary>
    public static void Joined(FlushDomain domain, Request waiter)
    {
        ref FlushHabit habit = ref waiter.Ring.Habit;
        if (domain.Hold == 0)
            return;
        if (habit.ExpectedBy == domain.Hold)
        {
            habit.ExpectedBy = 0;
            domain.HoldExpects--;
        }

        domain.HoldEndsNs = Math.Min(domain.HoldEndsNs, LatestStart(waiter, domain));
    }

    /// <summary>A guest's latency bound has changed.</summary>
    public static void BoundsChanged(FlushDomain domain)
    {
        if (domain.Hold == 0)
            return;
        foreach (Request waiter in domain.Collecting)
            domain.HoldEndsNs = Math.Min(domain.HoldEndsNs, LatestStart(waiter, domain));
    }

    private static long LatestStart(Request waiter, FlushDomain domain) =>
        waiter.ArrivedNs + waiter.Ring.Disk.Guest.Spec.FlushLatencyNsMax - (long)domain.FlushCostNs;
}
