using System.Globalization;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Resolved configuration in the form of Microsoft.Extensions.Configuration: flat keys with colons, compared without
/// regard to case. Beside the values it keeps what that form loses: where each key was written, and the order of names.
/// </summary>
internal sealed class HoconDocument
{
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, HoconPosition> _positions = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _lists = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, IReadOnlyList<string>> _names = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Flattens a tree.</summary>
    /// <param name="root">The resolved configuration.</param>
    /// <exception cref="HoconException">A key cannot be told from another, or cannot be written, in flat
    /// form.</exception>
    public HoconDocument(HoconObject root) => Flatten("", root);

    /// <summary>Values by flat key. Null values are left out: they mean that the key is not set.</summary>
    public IReadOnlyDictionary<string, string?> Values => _values;

    /// <summary>Where a key was written; for one that is not there, where its nearest enclosing section was.</summary>
    /// <param name="key">A flat key.</param>
    /// <returns>The position.</returns>
    public HoconPosition PositionOf(string key)
    {
        for (string? at = key; at is not null; at = ConfigurationPath.GetParentPath(at))
        {
            if (_positions.TryGetValue(at, out HoconPosition position))
                return position;
        }

        return _positions[""];
    }

    /// <summary>A key as the file spells it; an item of a list goes by the list's name.</summary>
    /// <param name="key">A flat key.</param>
    /// <returns>The dotted key.</returns>
    public string NameOf(string key)
    {
        string? parent = ConfigurationPath.GetParentPath(key);
        return HoconKey.FromConfiguration(parent is not null && _lists.ContainsKey(parent) ? parent : key);
    }

    /// <summary>The names in a section, in the order in which they were first written.</summary>
    /// <param name="key">The section's flat key.</param>
    /// <returns>The names; none if it is no section.</returns>
    public IReadOnlyList<string> NamesIn(string key) => _names.GetValueOrDefault(key) ?? [];

    /// <summary>Whether a key is a list.</summary>
    /// <param name="key">A flat key.</param>
    /// <returns>Whether it is.</returns>
    public bool IsList(string key) => _lists.ContainsKey(key);

    /// <summary>How many items a list has; their flat keys end in 0, 1 and so on.</summary>
    /// <param name="key">The list's flat key.</param>
    /// <returns>The count; 0 if it is no list.</returns>
    public int CountOf(string key) => _lists.GetValueOrDefault(key);

    private void Flatten(string key, HoconValue value)
    {
        if (value is HoconScalar { Text: null })
            return;
        if (!_positions.TryAdd(key, value.Position))
        {
            throw new HoconException(
                value.Position,
                HoconKey.FromConfiguration(key),
                $"differs only in case from the key at {_positions[key]}");
        }

        switch (value)
        {
            case HoconScalar { Text: var text }:
                _values.Add(key, text);
                break;
            case HoconList list:
                _values.Add(key, null);
                _lists.Add(key, list.Items.Count);
                for (int i = 0; i < list.Items.Count; i++)
                    Flatten(Join(key, i.ToString(CultureInfo.InvariantCulture)), list.Items[i]);
                break;
            case HoconObject members:
                // A section without members must still be seen by the binder: `guests { g0 {} }` declares a guest.
                _values.Add(key, null);
                _names.Add(key, members.Names);
                foreach ((string name, HoconValue member) in members.Members)
                {
                    if (name.Length == 0 || name.Contains(ConfigurationPath.KeyDelimiter))
                    {
                        throw new HoconException(
                            member.Position, HoconKey.FromConfiguration(key), $"'{name}' cannot be a key");
                    }

                    Flatten(Join(key, name), member);
                }

                break;
        }
    }

    private static string Join(string key, string name) =>
        key.Length == 0 ? name : ConfigurationPath.Combine(key, name);
}
