namespace Scheduler.Host.Configuration;

/// <summary>
/// What a configuration may grow to, so that a wrong or hostile file ends in an error and not in a full memory.
/// </summary>
internal static class HoconLimits
{
    /// <summary>Bytes of one file.</summary>
    public const int FileBytesMax = 1 << 20;

    /// <summary>Braces, brackets and dotted key parts around a value, all counted together.</summary>
    public const int DepthMax = 64;

    /// <summary>Files that include one another in a chain.</summary>
    public const int IncludeDepthMax = 16;

    /// <summary>
    /// Files read for one configuration: a chain of files that include the next one twice doubles at each step.
    /// </summary>
    public const int FilesMax = 256;

    /// <summary>Values being worked out at once: nesting and substitutions within substitutions.</summary>
    public const int ResolveDepthMax = 256;

    /// <summary>
    /// Values visited while substitutions are carried out. A file of <see cref="FileBytesMax"/> has at most half as
    /// many; the rest is for substitutions, which are worked out anew at each use.
    /// </summary>
    public const int ResolveStepsMax = 1 << 20;

    /// <summary>Characters of one value after concatenation.</summary>
    public const int TextCharsMax = 1 << 16;
}
