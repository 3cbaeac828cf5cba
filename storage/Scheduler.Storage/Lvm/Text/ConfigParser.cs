// Grammar: LVM2's libdm/libdm-config.c (_section, _value, _type).
namespace Scheduler.Storage.Lvm.Text;

/// <summary>
/// Reads a metadata text: <c>name { ... }</c>, <c>name = value</c>, <c>name = [ value, ... ]</c>, comments from <c>#</c>.
/// Depth and number of values are bounded; a name that comes twice is refused, where LVM2 would take one and warn.
/// </summary>
internal sealed class ConfigParser
{
    /// <summary>Most sections, names and values of arrays together; a logical volume takes about twenty.</summary>
    public const int NodesMax = 500_000;

    // LVM2's own texts go down to seven.
    private const int DepthMax = 16;

    private readonly ConfigScanner _scanner;
    private int _nodes;

    private ConfigParser(byte[] text) => _scanner = new ConfigScanner(text);

    /// <returns>The top of the text, without a name.</returns>
    /// <exception cref="MetadataException">The text breaks the grammar or a bound.</exception>
    public static ConfigSection Parse(byte[] text)
    {
        ConfigSection top = new("");
        ConfigParser parser = new(text);
        parser._scanner.Next(valueDue: false);
        while (parser._scanner.Token != ConfigToken.End)
            parser.ReadChild(top, 1);
        return top;
    }

    private void ReadChild(ConfigSection parent, int depth)
    {
        if (_scanner.Token is not (ConfigToken.Name or ConfigToken.Text) || _scanner.Text.Length == 0)
            throw _scanner.Expected("a name");
        string name = _scanner.Text;
        Count();
        _scanner.Next(valueDue: false);
        object child;
        if (IsMark('{'))
            child = ReadSection(name, depth);
        else if (IsMark('='))
            child = ReadValue();
        else
            throw _scanner.Expected("'{' or '='");
        if (!parent.TryAdd(name, child))
            throw _scanner.Expected($"{Printable.Of(name)} once");
    }

    private ConfigSection ReadSection(string name, int depth)
    {
        if (depth == DepthMax)
            throw _scanner.Expected($"no more than {DepthMax} sections in each other");
        ConfigSection section = new(name);
        _scanner.Next(valueDue: false);
        while (!IsMark('}'))
            ReadChild(section, depth + 1);
        _scanner.Next(valueDue: false);
        return section;
    }

    private object ReadValue()
    {
        _scanner.Next(valueDue: true);
        if (!IsMark('['))
            return ReadScalar();

        List<ConfigScalar> array = [];
        _scanner.Next(valueDue: true);
        while (!IsMark(']'))
        {
            Count();
            array.Add(ReadScalar());
            if (IsMark(','))
                _scanner.Next(valueDue: true);
            else if (!IsMark(']'))
                throw _scanner.Expected("',' or ']'");
        }

        _scanner.Next(valueDue: false);
        return array.ToArray();
    }

    private ConfigScalar ReadScalar()
    {
        ConfigScalar scalar = _scanner.Token switch
        {
            ConfigToken.Text => new ConfigScalar(_scanner.Text, 0),
            ConfigToken.Number => new ConfigScalar(null, _scanner.Number),
            _ => throw _scanner.Expected("a value"),
        };
        _scanner.Next(valueDue: false);
        return scalar;
    }

    private bool IsMark(char mark) => _scanner.Token == ConfigToken.Mark && _scanner.Mark == mark;

    private void Count()
    {
        if (++_nodes > NodesMax)
            throw _scanner.Expected($"no more than {NodesMax} values");
    }
}
