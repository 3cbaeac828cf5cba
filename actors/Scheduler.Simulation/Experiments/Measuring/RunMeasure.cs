namespace Scheduler.Simulation;

/// <summary>Works out a run's metrics from what was counted, and from what its guests did alone with the same seed.</summary>
internal sealed class RunMeasure
{
    private readonly ExperimentSpec _spec;
    private readonly MeasuredWindow _window;
    private readonly IReadOnlyList<GuestPlan> _plans;
    private readonly RunResult _run;
    private readonly GuestResult?[] _alone;
    private readonly bool[] _backlogged;
    private readonly bool[] _isUsableKnown;
    private readonly IdealShare[] _ideal;
    private readonly IdealShare[] _entitled;
    private readonly GuestActivity[] _activities;
    private readonly double _allSeconds;

    private RunMeasure(ExperimentSpec spec, IReadOnlyList<GuestPlan> plans, RunResult run, GuestResult?[] alone)
    {
        _spec = spec;
        _window = new MeasuredWindow(spec);
        _plans = plans;
        _run = run;
        _alone = alone;
        _activities = [.. spec.Groups.Select(group => new GuestActivity(group))];
        _allSeconds = run.Guests.Sum(guest => guest.DeviceSeconds);

        // A guest can use what it uses alone. Of one that did not run alone it is known only if it had something queued all the
        // time: then it could use more than it got. What the others did use is left to them, but says nothing about them.
        _backlogged = [.. spec.Groups.Select((_, i) => IsBacklogged(i))];
        _isUsableKnown = [.. alone.Select((guest, i) => guest is not null || _backlogged[i])];
        double[] usable = [.. alone.Select((guest, i) => guest?.DeviceSeconds ?? (_backlogged[i] ? double.PositiveInfinity : Used(i)))];
        _ideal = IdealRun.Compute(spec, _allSeconds, usable);

        // One yardstick for all policies: what the device has, used up or not. A second of cost is a second of the device.
        _entitled = IdealRun.Compute(spec, IdealRun.ActiveSeconds(spec), usable);
    }

    /// <summary>Works them out.</summary>
    /// <param name="spec">The experiment.</param>
    /// <param name="plans">Its guests.</param>
    /// <param name="run">The run.</param>
    /// <param name="alone">By group: its first guest in a run of its own; null if there was none.</param>
    public static RunMetrics Of(ExperimentSpec spec, IReadOnlyList<GuestPlan> plans, RunResult run, GuestResult?[] alone) =>
        new RunMeasure(spec, plans, run, alone).All();

    private RunMetrics All()
    {
        MetricValues[] guests = [.. _plans.Select((plan, i) => OfGuests(plan.GroupIndex, [_run.Guests[i]]))];
        MetricValues[] groups = [.. _spec.Groups.Select((_, i) => OfGuests(i, [.. GuestsOf(i)]))];
        return new RunMetrics(OfVolume(guests), groups, guests);
    }

    private IEnumerable<GuestResult> GuestsOf(int group) => _run.Guests.Where((_, guest) => _plans[guest].GroupIndex == group);

    private double Used(int group) => GuestsOf(group).Average(guest => guest.DeviceSeconds);

    // Nearly always when it was active: a guest with few requests at once has none queued while all are on the device.
    private bool IsBacklogged(int group) => GuestsOf(group).Average(guest => guest.BackloggedSeconds)
        >= 0.9 * _activities[group].ActiveWithinNs(_window.FromNs, _window.ToNs) / 1e9;

    private bool IsClosedLoop(int group) =>
        _spec.Groups[group].Workload is { RatePerSecond: 0, Kind: not ExperimentWorkloadKind.Replay };

    // A group's metrics, or with one of them a guest's.
    private MetricValues OfGuests(int group, GuestResult[] guests)
    {
        MetricValues values = new();
        long answered = guests.Sum(guest => guest.Answered);
        values[ExperimentMetrics.Throughput] = answered / _window.Seconds;
        values[ExperimentMetrics.Bandwidth] = guests.Sum(guest => guest.Record.Bytes) / _window.Seconds;
        values[ExperimentMetrics.Errors] = guests.Sum(guest => guest.Record.Errors);
        if (!IsClosedLoop(group))
            values[ExperimentMetrics.Late] = guests.Sum(guest => guest.Record.LateCount) / (double)guests.Sum(guest => guest.Record.SentCount);

        values[ExperimentMetrics.WaitDrain] = guests.Sum(guest => guest.Record.DrainNs) / (double)answered;
        values[ExperimentMetrics.WaitQueue] = guests.Sum(guest => guest.Record.QueueNs) / (double)answered;
        values[ExperimentMetrics.WaitBatch] = guests.Sum(guest => guest.Record.BatchNs) / (double)answered;
        values[ExperimentMetrics.WaitDevice] = guests.Sum(guest => guest.Record.DeviceNs) / (double)answered;

        LatencyRecorder latency = guests[0].Latency;
        if (guests.Length > 1)
        {
            latency = new LatencyRecorder();
            foreach (GuestResult guest in guests)
                latency.Add(guest.Latency);
        }

        LatencyRecorder? alone = _alone[group]?.Latency;
        AddLatency(values, ExperimentMetrics.Latency50, ExperimentMetrics.Latency50Rise, 0.5, latency, alone);
        AddLatency(values, ExperimentMetrics.Latency99, ExperimentMetrics.Latency99Rise, 0.99, latency, alone);
        AddLatency(values, ExperimentMetrics.Latency999, ExperimentMetrics.Latency999Rise, 0.999, latency, alone);
        if (_alone[group] is { } one)
        {
            values[ExperimentMetrics.AloneThroughput] = one.Answered / _window.Seconds;
            values[ExperimentMetrics.Slowdown] = one.Answered / (Math.Max(1, answered) / (double)guests.Length);
        }

        AddShare(values, group, guests);
        values[ExperimentMetrics.Isolation] = Isolation(group, guests);
        return values;
    }

    private static void AddLatency(
        MetricValues values, ExperimentMetric metric, ExperimentMetric rise, double part, LatencyRecorder latency, LatencyRecorder? alone)
    {
        values[metric] = latency.Percentile(part);
        values[rise] = latency.Percentile(part) / (alone?.Percentile(part) ?? double.NaN);
    }

    private void AddShare(MetricValues values, int group, GuestResult[] guests)
    {
        double share = guests.Sum(guest => guest.DeviceSeconds) / _allSeconds;
        double ideal = _ideal[group].Share * guests.Length;
        values[ExperimentMetrics.DeviceTimeShare] = share;
        if (!_isUsableKnown[group])
            return;
        values[ExperimentMetrics.IdealShare] = ideal;
        if (IsClosedLoop(group))
            values[ExperimentMetrics.ShareError] = Math.Abs(share - ideal) / ideal;
    }

    // As resctl-bench's isolation: how much of what it can expect a guest gets when it gets least. What it can expect is what
    // it does alone with as much device time as it is entitled to. Nothing of this run is in that: neither what the device did
    // nor what a request was charged under its policy. Only slices in which it is mostly active count.
    private double Isolation(int group, GuestResult[] guests)
    {
        if (_alone[group] is not { DeviceSeconds: > 0 } alone)
            return double.NaN;
        double activeSeconds = _activities[group].ActiveWithinNs(_window.FromNs, _window.ToNs) / 1e9;
        double expectedRate = alone.Answered / activeSeconds * Math.Min(1, _entitled[group].Seconds / alone.DeviceSeconds);
        List<double> parts = [];
        for (int slice = 0; slice < MeasuredWindow.Slices; slice++)
        {
            (long fromNs, long toNs) = _window.Slice(slice);
            long activeNs = _activities[group].ActiveWithinNs(fromNs, toNs);
            if (activeNs * 2 < toNs - fromNs)
                continue;
            double expected = expectedRate * activeNs / 1e9;
            if (expected > 0 && double.IsFinite(expected))
                parts.AddRange(guests.Select(guest => guest.Slices[slice] / expected));
        }

        if (parts.Count == 0)
            return double.NaN;
        parts.Sort();
        return parts[Math.Max(0, (int)Math.Ceiling(parts.Count * 0.01) - 1)];
    }

    private MetricValues OfVolume(MetricValues[] guests)
    {
        MetricValues values = new();
        values[ExperimentMetrics.Requests] = _run.Requests;
        values[ExperimentMetrics.Throughput] = guests.Sum(guest => guest[ExperimentMetrics.Throughput]);
        values[ExperimentMetrics.Bandwidth] = guests.Sum(guest => guest[ExperimentMetrics.Bandwidth]);
        values[ExperimentMetrics.Errors] = guests.Sum(guest => guest[ExperimentMetrics.Errors]);
        values[ExperimentMetrics.WorkConservation] = _run.WorkConservation;
        if (_run.FlushRequests > 0)
            values[ExperimentMetrics.FlushesPerRequest] = _run.DeviceFlushes / (double)_run.FlushRequests;
        if (_run.Bound is { } bound)
        {
            values[ExperimentMetrics.Bound] = bound.BoundNs;
            values[ExperimentMetrics.BoundUsed] = bound.Used;
        }

        double sum = 0;
        double squares = 0;
        int count = 0;
        double worst = double.NaN;
        for (int i = 0; i < guests.Length; i++)
        {
            int group = _plans[i].GroupIndex;
            if (!_backlogged[group] || _ideal[group].IsCapped)
                continue;
            double error = guests[i][ExperimentMetrics.ShareError];
            if (!double.IsNaN(error))
                worst = double.IsNaN(worst) ? error : Math.Max(worst, error);
            if (_plans[i].Group is not { Reservation: 0, Limit: 0 })
                continue;
            double perWeight = _run.Guests[i].DeviceSeconds / _plans[i].Group.Weight;
            sum += perWeight;
            squares += perWeight * perWeight;
            count++;
        }

        values[ExperimentMetrics.ShareErrorMax] = worst;
        if (count > 1)
            values[ExperimentMetrics.Jain] = sum * sum / (count * squares);
        return values;
    }
}
