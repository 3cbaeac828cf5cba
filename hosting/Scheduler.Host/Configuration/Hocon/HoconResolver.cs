using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Carries out substitutions, concatenations and merges. Values are worked out on demand and never remembered, since
/// what a substitution means depends on the field that it stands in; <see cref="HoconLimits"/> bound the work.
/// </summary>
/// <param name="root">The merged files.</param>
/// <param name="environment">Gives an environment variable, or null.</param>
internal sealed class HoconResolver(HoconObjectNode root, Func<string, string?> environment)
{
    private readonly HoconLayers _layers = new(root);
    private readonly List<string> _path = [];
    private int _depth;
    private int _steps;

    /// <summary>Works out the whole tree.</summary>
    /// <returns>The root object.</returns>
    /// <exception cref="HoconException">An undefined or circular substitution, values that cannot be joined, or a
    /// bound.</exception>
    public HoconObject Resolve() => ResolveObject(root);

    private HoconValue? Resolve(HoconNode node)
    {
        Step(node.Position);
        if (++_depth > HoconLimits.ResolveDepthMax)
            throw Error(node.Position, "substitutions are nested too deeply");
        HoconValue? value = node switch
        {
            HoconLiteral literal => ResolveLiteral(literal),
            HoconObjectNode members => ResolveObject(members),
            HoconListNode list => new HoconList(list.Position, ResolveItems(list)),
            HoconSubstitution substitution => ResolveSubstitution(substitution),
            HoconConcatenation concatenation => ResolveConcatenation(concatenation),
            _ => throw new InvalidOperationException($"{node.GetType().Name} is not a value."),
        };
        _depth--;
        return value;
    }

    private static HoconScalar ResolveLiteral(HoconLiteral literal) =>
        new(literal.Position, !literal.Quoted && literal.Text == "null" ? null : literal.Text);

    private HoconObject ResolveObject(HoconObjectNode node)
    {
        List<KeyValuePair<string, HoconValue>> members = [];
        foreach (HoconField field in node.Fields)
        {
            _path.Add(field.Name);
            if (ResolveField(field) is { } value)
                members.Add(KeyValuePair.Create(field.Name, value));
            _path.RemoveAt(_path.Count - 1);
        }

        return new HoconObject(node.Position, members);
    }

    private List<HoconValue> ResolveItems(HoconListNode list)
    {
        List<HoconValue> items = [];
        foreach (HoconNode item in list.Items)
        {
            if (Resolve(item) is { } value)
                items.Add(value);
        }

        return items;
    }

    /// <summary>
    /// Newest value first: objects merge downwards, appended items collect, anything else ends the search.
    /// </summary>
    private HoconValue? ResolveField(HoconField field)
    {
        int ceiling = field.Ceiling;
        HoconObject? merged = null;
        List<HoconValue> appended = [];
        HoconPosition? appendedAt = null;
        for (int i = Math.Min(ceiling, field.Values.Count) - 1; i >= 0; i--)
        {
            HoconNode node = field.Values[i];
            field.Ceiling = i;
            HoconValue? value = Resolve(node is HoconAppend append ? append.Item : node);
            field.Ceiling = ceiling;
            if (value is null)
                continue;
            if (node is HoconAppend && merged is null)
            {
                appendedAt ??= node.Position;
                appended.Insert(0, value);
                Step(node.Position, appended.Count);
            }
            else if (appendedAt is { } at)
            {
                HoconList below = value as HoconList ?? throw Error(at, "+= needs a list to add to");
                return new HoconList(at, [.. below.Items, .. appended]);
            }
            else if (value is HoconObject lower && node is not HoconAppend)
            {
                merged = Merge(merged, lower);
            }
            else
            {
                return merged ?? value;
            }
        }

        return appendedAt is { } position ? new HoconList(position, appended) : merged;
    }

    private HoconValue? ResolveSubstitution(HoconSubstitution substitution)
    {
        string[] prefix = substitution.Prefix;
        HoconValue? value = prefix.Length > 0 ? Find([.. prefix, .. substitution.Path]) : null;
        value ??= Find(substitution.Path);
        string name = HoconKey.Render(substitution.Path);
        if (value is null && environment(string.Join('.', substitution.Path)) is { } variable)
            value = new HoconScalar(substitution.Position, variable);
        return value switch
        {
            null when substitution.Optional => null,
            null => throw Error(
                substitution.Position,
                $"${{{name}}} is not set, neither as a key nor in the environment, or refers to itself"),

            // A value that is wrong is best corrected where it is used: there the message finds key and line together.
            HoconScalar scalar => new HoconScalar(substitution.Position, scalar.Text),
            HoconList list => new HoconList(substitution.Position, list.Items),
            _ => value,
        };
    }

    private HoconValue? Find(string[] path)
    {
        HoconObject? merged = null;
        foreach (HoconField field in _layers.FieldsAt(path, Step))
        {
            switch (ResolveField(field))
            {
                case null:
                    break;
                case HoconObject lower:
                    merged = Merge(merged, lower);
                    break;
                case { } other:
                    return merged ?? other;
            }
        }

        return merged;
    }

    private HoconObject Merge(HoconObject? upper, HoconObject lower)
    {
        Step(lower.Position, lower.Names.Count);
        return upper is null ? lower : upper.Over(lower);
    }

    private HoconValue? ResolveConcatenation(HoconConcatenation concatenation)
    {
        HoconPosition at = concatenation.Position;
        List<HoconValue> values = [];
        StringBuilder text = new();
        foreach (HoconNode part in concatenation.Parts)
        {
            if (part is HoconGap gap)
            {
                text.Append(gap.Text);
            }
            else if (Resolve(part) is { } value)
            {
                values.Add(value);
                text.Append(value is HoconScalar scalar ? scalar.Text ?? "null" : "");
                if (text.Length > HoconLimits.TextCharsMax)
                    throw Error(at, $"is longer than {HoconLimits.TextCharsMax} characters");
            }
        }

        if (values.Count == 0)
            return null;
        if (values.TrueForAll(value => value is HoconScalar))
            return new HoconScalar(at, text.ToString());
        if (values.TrueForAll(value => value is HoconObject))
            return values.Cast<HoconObject>().Aggregate((lower, upper) => Merge(upper, lower));
        if (!values.TrueForAll(value => value is HoconList))
            throw Error(at, "text, lists and objects cannot be joined with one another");
        List<HoconValue> items = [.. values.Cast<HoconList>().SelectMany(list => list.Items)];
        Step(at, items.Count);
        return new HoconList(at, items);
    }

    private void Step(HoconPosition position) => Step(position, 1);

    private void Step(HoconPosition position, int count)
    {
        _steps += count;
        if (_steps > HoconLimits.ResolveStepsMax)
            throw Error(position, "substitutions make the configuration too large");
    }

    private HoconException Error(HoconPosition position, string problem) =>
        new(position, HoconKey.Render(_path), problem);
}
