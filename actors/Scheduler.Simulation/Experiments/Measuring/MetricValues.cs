namespace Scheduler.Simulation;

/// <summary>Metrics of one run, of a volume, a group or a guest. NaN where there is none.</summary>
internal sealed class MetricValues
{
    private readonly double[] _values = CreateValues();

    public double this[ExperimentMetric metric]
    {
        get => _values[metric.Index];
        set => _values[metric.Index] = double.IsFinite(value) ? value : double.NaN;
    }

    private static double[] CreateValues()
    {
        double[] values = new double[ExperimentMetrics.All.Count];
        Array.Fill(values, double.NaN);
        return values;
    }
}

/// <summary>All metrics of one run.</summary>
/// <param name="Volume">Of the volume.</param>
/// <param name="Groups">By group.</param>
/// <param name="Guests">By guest, group by group.</param>
internal sealed record RunMetrics(MetricValues Volume, MetricValues[] Groups, MetricValues[] Guests);
