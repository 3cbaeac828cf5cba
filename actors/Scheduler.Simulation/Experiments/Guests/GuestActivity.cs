namespace Scheduler.Simulation;

/// <summary>When a guest of an experiment asks for anything: from its start to its stop, in bursts if it has them.</summary>
internal sealed class GuestActivity(ExperimentGroup group)
{
    private readonly long _startNs = group.StartNs;
    private readonly long _stopNs = group.StopNs;
    private readonly long _activeNs = group.Workload.ActiveNs;
    private readonly long _periodNs = group.Workload.ActiveNs + group.Workload.IdleNs;

    private bool HasBursts => _activeNs > 0 && _periodNs > _activeNs;

    /// <summary>The first time from <paramref name="timeNs"/> on at which it is active; <see cref="long.MaxValue"/> for never.</summary>
    public long NextActiveNs(long timeNs)
    {
        long next = Math.Max(timeNs, _startNs);
        if (HasBursts)
        {
            long phase = (next - _startNs) % _periodNs;
            if (phase >= _activeNs)
                next += _periodNs - phase;
        }

        return next < _stopNs ? next : long.MaxValue;
    }

    /// <summary>The end of the activity that <paramref name="timeNs"/> lies in.</summary>
    public long ActiveUntilNs(long timeNs) =>
        HasBursts ? Math.Min(_stopNs, timeNs + _activeNs - ((timeNs - _startNs) % _periodNs)) : _stopNs;

    /// <summary>How much of an interval it is active.</summary>
    /// <returns>Nanoseconds.</returns>
    public long ActiveWithinNs(long fromNs, long toNs)
    {
        long sum = 0;
        for (long time = NextActiveNs(fromNs); time < toNs;)
        {
            long end = Math.Min(toNs, ActiveUntilNs(time));
            sum += end - time;
            time = NextActiveNs(end);
        }

        return sum;
    }
}
