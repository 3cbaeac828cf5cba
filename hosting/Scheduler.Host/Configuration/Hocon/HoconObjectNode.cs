namespace Scheduler.Host.Configuration;

/// <summary>
/// <c>{ key = value }</c> as written. Each field keeps all the values that it was given, oldest first: a later value
/// may be an object to merge into an earlier one, or name the earlier one in a substitution.
/// </summary>
internal sealed class HoconObjectNode(HoconPosition position) : HoconNode(position)
{
    private readonly Dictionary<string, HoconField> _byName = new(StringComparer.Ordinal);

    /// <summary>Fields in the order of their first appearance.</summary>
    public List<HoconField> Fields { get; } = [];

    /// <summary>The field of that name, or null.</summary>
    public HoconField? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Gives the field at the end of a path one more value, making the objects on the way.</summary>
    public void Set(ReadOnlySpan<string> path, HoconNode value)
    {
        HoconField field = FindOrAdd(path[0]);
        if (path.Length == 1)
            field.Add(value);
        else
            field.ObjectToExtend(value.Position).Set(path[1..], value);
    }

    /// <summary>Adds another object's values over this one's.</summary>
    public void Merge(HoconObjectNode later)
    {
        foreach (HoconField field in later.Fields)
        {
            HoconField mine = FindOrAdd(field.Name);
            foreach (HoconNode value in field.Values)
                mine.Add(value);
        }
    }

    private HoconField FindOrAdd(string name)
    {
        if (_byName.TryGetValue(name, out HoconField? field))
            return field;
        field = new HoconField(name);
        _byName.Add(name, field);
        Fields.Add(field);
        return field;
    }
}

/// <summary>One key of an object and every value that it was given.</summary>
internal sealed class HoconField(string name)
{
    public string Name { get; } = name;

    /// <summary>Oldest first, never empty once parsed; neighbouring plain objects are merged already.</summary>
    public List<HoconNode> Values { get; } = [];

    /// <summary>
    /// While a value is being worked out: its index. A substitution in it that names this very field means the values
    /// below, which is how a self-reference looks back, and why a cycle ends.
    /// </summary>
    public int Ceiling { get; set; } = int.MaxValue;

    public void Add(HoconNode value)
    {
        if (value is HoconObjectNode later && Values.Count > 0 && Values[^1] is HoconObjectNode earlier)
            earlier.Merge(later);
        else
            Values.Add(value);
    }

    /// <summary>The newest value if it is a plain object, or a new one on top.</summary>
    public HoconObjectNode ObjectToExtend(HoconPosition position)
    {
        if (Values.Count > 0 && Values[^1] is HoconObjectNode existing)
            return existing;
        HoconObjectNode added = new(position);
        Values.Add(added);
        return added;
    }
}
