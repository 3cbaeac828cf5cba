namespace Scheduler.Host.Configuration;

/// <summary>What is wrong with a configuration: the first mistake ends its reading, or all of them are collected.</summary>
/// <param name="all">Whether all are. Who finds one then goes on with something that causes no further mistakes.</param>
internal sealed class Mistakes(bool all)
{
    private readonly List<HoconException> _found = [];
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    /// <summary>What was found, in the order in which it was; empty unless all are collected.</summary>
    public IReadOnlyList<HoconException> Found => _found;

    /// <summary>Throws a mistake, or remembers it.</summary>
    /// <param name="mistake">The mistake.</param>
    /// <exception cref="HoconException">The mistake, unless all are collected.</exception>
    public void Add(HoconException mistake)
    {
        if (!all)
            throw mistake;
        _found.Add(mistake);
        _ = _keys.Add(mistake.Key);
    }

    /// <summary>Whether there is one of a key, so that what follows from it need not be told.</summary>
    /// <param name="key">The dotted key.</param>
    /// <returns>Whether there is.</returns>
    public bool Has(string key) => _keys.Contains(key);
}
