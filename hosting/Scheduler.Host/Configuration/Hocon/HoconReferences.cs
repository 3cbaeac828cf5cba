namespace Scheduler.Host.Configuration;

/// <summary>Tells which keys a tree's substitutions name, overridden values included.</summary>
internal static class HoconReferences
{
    /// <summary>Collects the first elements of the paths of all substitutions.</summary>
    /// <param name="node">Where to look.</param>
    /// <returns>Names of top-level keys, whether they exist or not.</returns>
    public static HashSet<string> RootKeys(HoconNode node)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        Collect(node, keys);
        return keys;
    }

    /// <summary>As deep as the parser lets values nest, at most.</summary>
    private static void Collect(HoconNode node, HashSet<string> keys)
    {
        if (node is HoconSubstitution substitution)
            keys.Add(substitution.Path[0]);
        IEnumerable<HoconNode> children = node switch
        {
            HoconObjectNode members => members.Fields.SelectMany(field => field.Values),
            HoconListNode list => list.Items,
            HoconConcatenation concatenation => concatenation.Parts,
            HoconAppend append => [append.Item],
            _ => [],
        };
        foreach (HoconNode child in children)
            Collect(child, keys);
    }
}
