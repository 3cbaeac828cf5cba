// S6: invariants are checked in release builds too; a broken one stops the volume and says which rule broke.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Scheduler.Core;

/// <summary>A rule of the design does not hold: a defect. The volume must stop.</summary>
public sealed class InvariantException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="rule">The rule that broke, such as "F1".</param>
    /// <param name="what">What was found, with the values.</param>
    public InvariantException(string rule, string what)
        : base($"rule {rule} is broken: {what}")
    {
        Rule = rule;
    }

    /// <summary>The rule that broke.</summary>
    public string Rule { get; }
}

/// <summary>Checks that stay on in release builds.</summary>
internal static class Invariant
{
    /// <summary>Stops the volume unless a condition holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Holds([DoesNotReturnIf(false)] bool condition, string rule, string what)
    {
        if (!condition)
            Broken(rule, what);
    }

    [DoesNotReturn]
    private static void Broken(string rule, string what) => throw new InvariantException(rule, what);
}
