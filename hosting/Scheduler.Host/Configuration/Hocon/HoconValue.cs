using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Host.Configuration;

/// <summary>A value with every substitution carried out. Immutable.</summary>
/// <param name="position">Where it was written.</param>
internal abstract class HoconValue(HoconPosition position)
{
    public HoconPosition Position { get; } = position;
}

/// <summary>Text: a string, number or boolean; or null.</summary>
internal sealed class HoconScalar(HoconPosition position, string? text) : HoconValue(position)
{
    /// <summary>Null for the null value, which means: as if the key were not set.</summary>
    public string? Text { get; } = text;
}

/// <summary>Values in order.</summary>
internal sealed class HoconList(HoconPosition position, IReadOnlyList<HoconValue> items) : HoconValue(position)
{
    public IReadOnlyList<HoconValue> Items { get; } = items;
}

/// <summary>Named values, in the order in which the names first appeared.</summary>
internal sealed class HoconObject : HoconValue
{
    private readonly Dictionary<string, HoconValue> _byName = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    public HoconObject(HoconPosition position, IEnumerable<KeyValuePair<string, HoconValue>> members)
        : base(position)
    {
        foreach ((string name, HoconValue value) in members)
        {
            if (_byName.TryAdd(name, value))
                _names.Add(name);
            else
                _byName[name] = value;
        }
    }

    public IReadOnlyList<string> Names => _names;

    public HoconValue this[string name] => _byName[name];

    public bool TryGet(string name, [NotNullWhen(true)] out HoconValue? value) => _byName.TryGetValue(name, out value);

    /// <summary>Members in order.</summary>
    public IEnumerable<KeyValuePair<string, HoconValue>> Members =>
        _names.Select(name => KeyValuePair.Create(name, _byName[name]));

    /// <summary>This object's values over another's: objects merge, anything else replaces.</summary>
    /// <param name="lower">What is overridden; its members come first.</param>
    /// <returns>A new object at this one's position.</returns>
    public HoconObject Over(HoconObject lower)
    {
        IEnumerable<KeyValuePair<string, HoconValue>> merged = Members.Select(member =>
        {
            HoconObject? theirs = lower.TryGet(member.Key, out HoconValue? below) ? below as HoconObject : null;
            return theirs is not null && member.Value is HoconObject mine
                ? KeyValuePair.Create<string, HoconValue>(member.Key, mine.Over(theirs))
                : member;
        });
        return new HoconObject(Position, lower.Members.Concat(merged));
    }
}
