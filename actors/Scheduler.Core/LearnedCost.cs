// Q1: one class of operations, time = base + bytes * time of a byte, fitted to what is measured.
//
// Normalised least mean squares (Widrow and Hoff 1960; Haykin, Adaptive Filter Theory): each measurement moves both
// parameters towards it along (1, bytes / scale), by a part of what it is off. Sizes below the scale teach the base, sizes
// above it the bytes, and of several sizes both are learned, with no memory but the two.
//
// A measurement counts for no more than four times what was expected, nor less than a quarter: a stall of the device moves
// the cost by a third or so, and the next ones move it back.
namespace Scheduler.Core;

/// <summary>Service time of a class of operations, learned.</summary>
/// <param name="baseNs">First guess besides the bytes.</param>
/// <param name="byteNs">First guess of a byte.</param>
/// <param name="scaleBytes">The size that teaches both alike.</param>
internal struct LearnedCost(double baseNs, double byteNs, double scaleBytes)
{
    /// <summary>Most that a measurement counts for, times what was expected.</summary>
    public const double FactorMax = 4;

    private const double BaseNsMin = 100;

    /// <summary>Nanoseconds besides the bytes.</summary>
    public double BaseNs { get; private set; } = baseNs;

    /// <summary>Nanoseconds of a byte.</summary>
    public double ByteNs { get; private set; } = byteNs;

    /// <summary>What an operation takes.</summary>
    public readonly double Of(long bytes) => BaseNs + (bytes * ByteNs);

    /// <summary>One took so long.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="tookNs">Its time.</param>
    /// <param name="part">How much of the way is gone; above 0, at most 1.</param>
    public void Learn(long bytes, double tookNs, double part)
    {
        double expected = Of(bytes);
        double error = Bounded(expected, tookNs) - expected;
        double x = bytes / scaleBytes;
        double move = part * error / (1 + (x * x));
        BaseNs = Math.Max(BaseNsMin, BaseNs + move);
        ByteNs = Math.Max(0, ByteNs + (move * x / scaleBytes));
    }

    /// <summary>A measurement, as far as it counts.</summary>
    public static double Bounded(double expected, double measured) =>
        Math.Clamp(measured, expected / FactorMax, expected * FactorMax);
}
