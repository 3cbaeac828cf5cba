using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

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
    public virtual void See(in HistoryEvent happened)
    {
    }

    /// <summary>The volume has handled all that it was told, so that what it has not done by now it has decided not to do.</summary>
    public virtual void Rest(Incarnation now)
    {
    }

    /// <summary>Ends the run unless a condition holds.</summary>
    protected void Holds([DoesNotReturnIf(false)] bool condition, string rule, [InterpolatedStringHandlerArgument(nameof(condition))] ref Finding what)
    {
        if (!condition)
            Fail(rule, what.Text);
    }

    [DoesNotReturn]
    protected void Fail(string rule, string what) => throw new RuleViolationException(rule, GetType().Name, what);
}

/// <summary>What was seen, put into words only where a condition does not hold: most of a checker's time would go into
/// words otherwise.</summary>
[InterpolatedStringHandler]
internal ref struct Finding
{
    private DefaultInterpolatedStringHandler _text;

    public Finding(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        if (isWanted)
            _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public readonly string Text => _text.ToString();

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);
}
