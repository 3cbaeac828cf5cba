namespace Scheduler.Host.Configuration;

/// <summary>Where a piece of configuration was written.</summary>
/// <param name="File">The file as the operator named it, or <c>--set</c> for the command line.</param>
/// <param name="Line">1 for the first line; 0 where there is no line (the file as a whole, or the command
/// line).</param>
public readonly record struct HoconPosition(string File, int Line)
{
    /// <summary><c>file:line</c>, or the file alone.</summary>
    /// <returns>The prefix of an error message.</returns>
    public override string ToString() => Line > 0 ? $"{File}:{Line}" : File;
}
