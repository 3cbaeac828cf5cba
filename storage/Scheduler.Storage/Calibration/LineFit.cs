// A line y = base + slope * x through measured points, by least squares of the relative errors: each point weighs 1 / y^2, so
// that the time of a 4 KiB request counts as much as that of 256 KiB. Neither parameter is below 0: where the best line has
// one below, the best without it is taken.
namespace Scheduler.Storage.Calibration;

/// <summary>A fitted line.</summary>
/// <param name="Base">Its value at 0.</param>
/// <param name="Slope">Its slope.</param>
public readonly record struct LineFit(double Base, double Slope)
{
    /// <summary>The value at a place.</summary>
    /// <param name="x">The place.</param>
    /// <returns>Base plus slope times x.</returns>
    public double At(double x) => Base + (Slope * x);

    /// <summary>Fits.</summary>
    /// <param name="points">One or more, each with y above 0.</param>
    /// <returns>The line; a level one through a single point, or where all have the same place.</returns>
    public static LineFit Through(IReadOnlyList<(double X, double Y)> points)
    {
        double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
        foreach ((double x, double y) in points)
        {
            double weight = 1 / (y * y);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }

        LineFit level = new(wy / w, 0);
        double determinant = (w * wxx) - (wx * wx);
        if (determinant <= 1e-12 * w * wxx)
            return level;
        LineFit best = new(((wxx * wy) - (wx * wxy)) / determinant, ((w * wxy) - (wx * wy)) / determinant);
        return best.Slope < 0 ? level
            : best.Base < 0 ? new LineFit(0, wxy / wxx)
            : best;
    }
}
