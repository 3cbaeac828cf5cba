namespace Scheduler.Host.Configuration;

/// <summary>A value as it was written, before substitutions are carried out.</summary>
/// <param name="position">Where it begins.</param>
internal abstract class HoconNode(HoconPosition position)
{
    public HoconPosition Position { get; } = position;
}

/// <summary>Text, quoted or not; a number, a boolean and null are text too.</summary>
internal sealed class HoconLiteral(HoconPosition position, string text, bool quoted) : HoconNode(position)
{
    public string Text { get; } = text;

    /// <summary>Quoted text is never the null value.</summary>
    public bool Quoted { get; } = quoted;
}

/// <summary>
/// White space between two parts of a concatenation: part of a string, nothing between objects or lists.
/// </summary>
internal sealed class HoconGap(HoconPosition position, string text) : HoconNode(position)
{
    public string Text { get; } = text;
}

/// <summary><c>[a, b]</c></summary>
internal sealed class HoconListNode(HoconPosition position) : HoconNode(position)
{
    public List<HoconNode> Items { get; } = [];
}

/// <summary><c>${path}</c> or <c>${?path}</c></summary>
/// <param name="position">Where it begins.</param>
/// <param name="path">What is named.</param>
/// <param name="prefix">Where the file that it stands in was included; looked up there first. Empty in a file that was
/// not.</param>
/// <param name="optional">Whether an undefined path leaves the value out.</param>
internal sealed class HoconSubstitution(HoconPosition position, string[] path, string[] prefix, bool optional)
    : HoconNode(position)
{
    public string[] Path { get; } = path;

    public string[] Prefix { get; } = prefix;

    public bool Optional { get; } = optional;
}

/// <summary>Several values side by side, at least one of them a substitution, a list or an object.</summary>
internal sealed class HoconConcatenation(HoconPosition position, List<HoconNode> parts) : HoconNode(position)
{
    public List<HoconNode> Parts { get; } = parts;
}

/// <summary>The right side of <c>+=</c>: one more item for the list that the key had before.</summary>
internal sealed class HoconAppend(HoconPosition position, HoconNode item) : HoconNode(position)
{
    public HoconNode Item { get; } = item;
}
