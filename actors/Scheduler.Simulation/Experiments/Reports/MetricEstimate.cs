namespace Scheduler.Simulation;

/// <summary>A metric over the seeds.</summary>
/// <param name="Mean">Mean of the runs' values.</param>
/// <param name="HalfWidth">Half the width of the 95 % confidence interval of the mean (Student's t); null with fewer than two
/// values.</param>
/// <param name="Runs">Runs that have a value.</param>
public sealed record MetricEstimate(double Mean, double? HalfWidth, int Runs)
{
    // Two-sided 95 % quantiles of Student's t, by degrees of freedom from 1.
    private static readonly double[] _t95 =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>Estimates from the values of runs.</summary>
    /// <param name="values">The values; those that are NaN do not count.</param>
    /// <returns>The estimate, or null if there is no value.</returns>
    internal static MetricEstimate? Of(IEnumerable<double> values)
    {
        double[] numbers = [.. values.Where(value => !double.IsNaN(value))];
        if (numbers.Length == 0)
            return null;
        double mean = numbers.Average();
        if (numbers.Length == 1)
            return new MetricEstimate(mean, null, 1);
        double variance = numbers.Sum(value => (value - mean) * (value - mean)) / (numbers.Length - 1);
        return new MetricEstimate(mean, Quantile(numbers.Length - 1) * Math.Sqrt(variance / numbers.Length), numbers.Length);
    }

    // Beyond the table the quantile falls towards the normal distribution's about as 1 / freedom.
    private static double Quantile(int freedom) => freedom <= _t95.Length ? _t95[freedom - 1] : 1.96 + (2.45 / freedom);
}
