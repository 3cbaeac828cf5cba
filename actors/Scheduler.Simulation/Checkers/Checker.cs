using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Simulation;

/// <summary>A rule of the design was seen broken.</summary>
/// <param name="rule">The rule.</param>
/// <param name="checker">Which checker saw it.</param>
/// <param name="what">What was seen.</param>
public sealed class RuleViolationException(string rule, string checker, string what) : Exception($"rule {rule} is broken ({checker}): {what}")
{
    /// <summary>The rule.</summary>
    public string Rule { get; } = rule;

    /// <summary>Which checker saw it.</summary>
    public string Checker { get; } = checker;
}

/// <summary>Judges a history, event by event, by some of the design's rules.</summary>
internal abstract class Checker
{
    /// <summary>Takes the next event.</summary>
    public abstract void See(in HistoryEvent happened);

    /// <summary>The volume has handled all that it was told, so that what it has not done by now it has decided not to do.</summary>
    public virtual void Rest(Incarnation now)
    {
    }

    /// <summary>Ends the run unless a condition holds.</summary>
    protected void Holds([DoesNotReturnIf(false)] bool condition, string rule, string what)
    {
        if (!condition)
            Fail(rule, what);
    }

    [DoesNotReturn]
    protected void Fail(string rule, string what) => throw new RuleViolationException(rule, GetType().Name, what);
}
