namespace Scheduler.Simulation;

/// <summary>When a guest has its next request.</summary>
internal abstract class Arrivals
{
    /// <summary>When the next request comes, or came: it may not be sent before. <see cref="long.MaxValue"/> for never.</summary>
    public abstract long NextNs(long nowNs);

    /// <summary>It is sent.</summary>
    public abstract void Take();

    /// <summary>The arrivals of a guest.</summary>
    public static Arrivals Create(ExperimentGroup group, TraceRequest[] trace, SplitMix64 random)
    {
        GuestActivity activity = new(group);
        return group.Workload.Kind == ExperimentWorkloadKind.Replay ? new TraceArrivals(trace, activity)
            : group.Workload.RatePerSecond > 0 ? new PoissonArrivals(1e9 / group.Workload.RatePerSecond, activity, random)
            : new ClosedLoop(activity);
    }

    /// <summary>As soon as there is room.</summary>
    private sealed class ClosedLoop(GuestActivity activity) : Arrivals
    {
        private long _activeFrom;
        private long _activeUntil;

        public override long NextNs(long nowNs)
        {
            if (nowNs >= _activeFrom && nowNs < _activeUntil)
                return nowNs;
            _activeFrom = activity.NextActiveNs(nowNs);
            _activeUntil = _activeFrom == long.MaxValue ? long.MaxValue : activity.ActiveUntilNs(_activeFrom);
            return _activeFrom;
        }

        public override void Take()
        {
        }
    }

    /// <summary>Open loop: arrivals do not wait for answers. Those that find no room are sent as soon as there is some, and
    /// keep their times, so that what they waited counts; they are drawn when they are looked at, so that none are stored.</summary>
    private sealed class PoissonArrivals : Arrivals
    {
        private readonly double _meanNs;
        private readonly GuestActivity _activity;
        private SplitMix64 _random;
        private long _nextNs;

        public PoissonArrivals(double meanNs, GuestActivity activity, SplitMix64 random)
        {
            _meanNs = meanNs;
            _activity = activity;
            _random = random;
            _nextNs = activity.NextActiveNs(0);
            Take();
        }

        public override long NextNs(long nowNs) => _nextNs;

        public override void Take()
        {
            // The time to the next arrival does not depend on how long ago the last one was: a draw that goes beyond the end
            // of a burst is made again from the start of the next.
            while (_nextNs != long.MaxValue)
            {
                double pause = _random.Exponential(_meanNs);
                if (pause < _activity.ActiveUntilNs(_nextNs) - _nextNs)
                {
                    _nextNs += (long)pause;
                    return;
                }

                _nextNs = _activity.NextActiveNs(_activity.ActiveUntilNs(_nextNs));
            }
        }
    }

    /// <summary>At the times of a trace, but for those at which the guest is not active.</summary>
    private sealed class TraceArrivals(TraceRequest[] trace, GuestActivity activity) : Arrivals
    {
        private int _next;

        public override long NextNs(long nowNs) => _next == trace.Length ? long.MaxValue : activity.NextActiveNs(trace[_next].TimeNs);

        public override void Take() => _next++;
    }
}
