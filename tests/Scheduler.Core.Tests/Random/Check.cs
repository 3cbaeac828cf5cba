using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Core.Tests.Random;

/// <summary>A rule that the core breaks, seen from outside.</summary>
internal static class Check
{
    public static void That([DoesNotReturnIf(false)] bool condition, string rule, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"{rule}: {what}");
    }
}
