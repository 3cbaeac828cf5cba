namespace Scheduler.Simulation;

/// <summary>What each guest of a group should have got over the window.</summary>
/// <param name="Share">Part of what all together should have got.</param>
/// <param name="Seconds">Device time.</param>
/// <param name="IsCapped">Whether at some time it could not use more, or was not active.</param>
internal readonly record struct IdealShare(double Share, double Seconds, bool IsCapped);

/// <summary>Ideal shares over a window in which groups come and go.</summary>
internal static class IdealRun
{
    /// <summary>Computes them.</summary>
    /// <param name="spec">The experiment.</param>
    /// <param name="capacitySeconds">Device time that there is for all, evenly over the time in which anybody is active.</param>
    /// <param name="usableSeconds">By group: device time that each guest can use over the window; infinite if unknown.</param>
    /// <returns>By group: what each guest should get.</returns>
    public static IdealShare[] Compute(ExperimentSpec spec, double capacitySeconds, IReadOnlyList<double> usableSeconds)
    {
        MeasuredWindow window = new(spec);
        GuestActivity[] activities = [.. spec.Groups.Select(group => new GuestActivity(group))];
        double[] seconds = new double[spec.Groups.Count];
        bool[] capped = [.. activities.Select(activity => activity.ActiveWithinNs(window.FromNs, window.ToNs) < window.ToNs - window.FromNs)];
        List<Segment> segments = [.. Segments(activities, window)];
        double rate = capacitySeconds / Math.Max(1e-9, segments.Sum(segment => segment.Seconds));
        double[] demands = [.. usableSeconds.Select((usable, i) => usable / Math.Max(1e-9, activities[i].ActiveWithinNs(window.FromNs, window.ToNs) / 1e9))];
        double unitSeconds = ExperimentCosts.ModelOf(spec.Device).UnitNs / 1e9;
        foreach (Segment segment in segments)
        {
            Claim[] claims = [.. segment.Groups.Select(ClaimOf)];
            double[] shares = IdealShares.Fill(claims, rate);
            for (int i = 0; i < shares.Length; i++)
            {
                int group = segment.Groups[i];
                seconds[group] += shares[i] * segment.Seconds;
                capped[group] |= shares[i] >= demands[group] * (1 - 1e-9);
            }
        }

        double all = Math.Max(double.Epsilon, seconds.Select((each, i) => each * spec.Groups[i].Count).Sum());
        return [.. seconds.Select((each, i) => new IdealShare(each / all, each, capped[i]))];

        Claim ClaimOf(int index)
        {
            ExperimentGroup group = spec.Groups[index];
            double limit = group.Limit > 0 ? group.Limit * unitSeconds : double.PositiveInfinity;
            return new Claim(group.Count, group.Weight, group.Reservation * unitSeconds, Math.Min(limit, demands[index]));
        }
    }

    /// <summary>How much of the window anybody is active.</summary>
    public static double ActiveSeconds(ExperimentSpec spec) =>
        Segments([.. spec.Groups.Select(group => new GuestActivity(group))], new MeasuredWindow(spec)).Sum(segment => segment.Seconds);

    // The times in which the same groups, at least one, are active.
    private static IEnumerable<Segment> Segments(GuestActivity[] activities, MeasuredWindow window)
    {
        for (long time = window.FromNs; time < window.ToNs;)
        {
            List<int> active = [];
            long end = window.ToNs;
            for (int group = 0; group < activities.Length; group++)
            {
                long next = activities[group].NextActiveNs(time);
                if (next == time)
                {
                    active.Add(group);
                    next = activities[group].ActiveUntilNs(time);
                }

                end = Math.Min(end, next);
            }

            if (active.Count > 0)
                yield return new Segment((end - time) / 1e9, active);
            time = end;
        }
    }

    private sealed record Segment(double Seconds, List<int> Groups);
}
