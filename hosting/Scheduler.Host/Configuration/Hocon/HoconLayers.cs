namespace Scheduler.Host.Configuration;

/// <summary>
/// Finds the fields that a path may mean without working out what they hold, so that <c>${a.b}</c> within <c>a</c> is
/// no cycle. Several fields match where objects are yet to be merged: <c>a = ${base}, a { b = 1 }</c> has a <c>b</c> in
/// both.
/// </summary>
/// <param name="root">The merged files.</param>
internal sealed class HoconLayers(HoconObjectNode root)
{
    /// <summary>Substitutions being followed: one that leads back to itself means what lies below it.</summary>
    private readonly HashSet<HoconNode> _following = [];

    /// <summary>All fields at a path.</summary>
    /// <param name="path">From the root.</param>
    /// <param name="step">Called for each value looked at; throws when it was enough.</param>
    /// <returns>The fields, the one that overrides the others first.</returns>
    public List<HoconField> FieldsAt(string[] path, Action<HoconPosition> step)
    {
        List<HoconObjectNode> scopes = [root];
        List<HoconField> fields = [];
        for (int i = 0; i < path.Length; i++)
        {
            if (i > 0)
                scopes = Scopes(fields, step);
            fields = [.. scopes.Select(scope => scope.Find(path[i])).OfType<HoconField>()];
        }

        return fields;
    }

    private List<HoconObjectNode> Scopes(List<HoconField> fields, Action<HoconPosition> step)
    {
        List<HoconObjectNode> scopes = [];
        foreach (HoconField field in fields)
        {
            if (!Collect(field, scopes, step))
                break;
        }

        return scopes;
    }

    private bool Collect(HoconField field, List<HoconObjectNode> scopes, Action<HoconPosition> step)
    {
        for (int i = field.Values.Count - 1; i >= 0; i--)
        {
            if (!Collect(field.Values[i], scopes, step))
                return false;
        }

        return true;
    }

    /// <summary>Adds the objects that a value stands for, newest first.</summary>
    /// <returns>False if the value hides everything below it, being text or a list.</returns>
    private bool Collect(HoconNode node, List<HoconObjectNode> scopes, Action<HoconPosition> step)
    {
        step(node.Position);
        switch (node)
        {
            case HoconObjectNode members:
                scopes.Add(members);
                return true;
            case HoconSubstitution substitution:
                return Follow(substitution, scopes, step);
            case HoconConcatenation concatenation:
                return Enumerable.Reverse(concatenation.Parts)
                    .Where(part => part is not HoconGap)
                    .All(part => Collect(part, scopes, step));
            default:
                return false;
        }
    }

    private bool Follow(HoconSubstitution substitution, List<HoconObjectNode> scopes, Action<HoconPosition> step)
    {
        if (_following.Count >= HoconLimits.DepthMax)
            throw new HoconException(substitution.Position, "", "substitutions are nested too deeply");
        if (!_following.Add(substitution))
            return true;
        List<HoconField> targets =
            substitution.Prefix.Length > 0 ? FieldsAt([.. substitution.Prefix, .. substitution.Path], step) : [];
        if (targets.Count == 0)
            targets = FieldsAt(substitution.Path, step);
        bool open = targets.All(field => Collect(field, scopes, step));
        _following.Remove(substitution);
        return open;
    }
}
