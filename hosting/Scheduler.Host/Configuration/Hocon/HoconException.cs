using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>
/// The configuration cannot be used. The message is one printable line, <c>file:line: key: problem</c>, whatever the
/// file contained.
/// </summary>
public sealed class HoconException : Exception
{
    private const int MessageCharsMax = 400;

    /// <summary>Describes one defect.</summary>
    /// <param name="position">Where it was written.</param>
    /// <param name="key">The dotted key that it belongs to; empty where none is known.</param>
    /// <param name="problem">What is wrong, and what to write instead.</param>
    public HoconException(HoconPosition position, string key, string problem)
        : base(OneLine(key.Length == 0 ? $"{position}: {problem}" : $"{position}: {key}: {problem}"))
    {
        Position = position;
        Key = key;
        Problem = problem;
    }

    /// <summary>Where the defect was written.</summary>
    public HoconPosition Position { get; }

    /// <summary>The dotted key; empty where none is known.</summary>
    public string Key { get; }

    /// <summary>What is wrong, as it was given.</summary>
    internal string Problem { get; }

    /// <summary>
    /// Values come from files and the environment: they must neither break the line nor drive a terminal.
    /// </summary>
    private static string OneLine(string text)
    {
        StringBuilder line = new(Math.Min(text.Length, MessageCharsMax + 3));
        foreach (char c in text)
        {
            if (line.Length >= MessageCharsMax)
                return line.Append("...").ToString();
            if (c == '\n')
                line.Append("\\n");
            else
                line.Append(char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '?' : c);
        }

        return line.ToString();
    }
}
