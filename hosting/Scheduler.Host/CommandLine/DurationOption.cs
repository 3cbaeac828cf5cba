using System.CommandLine;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary>An option whose value is a duration.</summary>
internal static class DurationOption
{
    /// <summary>Makes the option.</summary>
    /// <param name="name">With its hyphens.</param>
    /// <param name="description">For the help.</param>
    /// <param name="min">The shortest that it takes.</param>
    /// <param name="max">The longest that it takes.</param>
    public static Option<TimeSpan?> Create(string name, string description, TimeSpan min, TimeSpan max) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (!DurationText.TryParse(text, out TimeSpan parsed, out string? problem))
                argument.AddError($"{name}: {problem}");
            else if (parsed < min || parsed > max)
                argument.AddError($"{name}: '{text}' is out of range; write {DurationText.Format(min)} to {DurationText.Format(max)}");
            return parsed;
        },
    };
}
