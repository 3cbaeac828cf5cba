// SplitMix64 (Steele, Lea, Flood 2014): one addition and a few shifts for a number. A seeded System.Random costs several
// times that, and the engine draws at every step. Part of the engine because runs are to be the same on every runtime.
using System.Runtime.CompilerServices;

namespace Scheduler.Simulation;

/// <summary>A seeded generator of random numbers. A mutable value: keep it in a field that is not readonly.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A generator of its own for each part of a run that draws, so that none changes what another gets.</summary>
    public static SplitMix64 For(int seed, int stream)
    {
        SplitMix64 mixed = new(((ulong)(uint)seed << 32) | (uint)stream);
        return new SplitMix64(mixed.Next());
    }

    /// <summary>64 random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to below <paramref name="bound"/>, which is 1 or more. The bias is below bound / 2^64.</summary>
    public long Below(long bound) => (long)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>From 0 to below 1.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Exponentially distributed.</summary>
    public double Exponential(double mean) => -mean * Math.Log(1 - Fraction());
}
