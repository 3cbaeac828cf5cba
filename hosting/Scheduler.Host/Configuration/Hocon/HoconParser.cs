using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Reads one HOCON text into a tree of values as written. Grammar: the HOCON specification of the Lightbend "config"
/// library, without <c>include url()</c>, <c>include classpath()</c> and properties files.
/// </summary>
internal sealed class HoconParser
{
    private readonly HoconScanner _scanner;
    private readonly HoconFiles _files;
    private readonly string? _directory;
    private readonly string[] _prefix;
    private readonly List<string> _path = [];
    private int _depth;

    /// <summary>Prepares to read.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="start">What messages call it, and its first line.</param>
    /// <param name="files">Where included files come from.</param>
    /// <param name="directory">What included names are relative to; null where nothing may be included.</param>
    /// <param name="prefix">The key under which this text is being included; empty at the top.</param>
    public HoconParser(
        string text, HoconPosition start, HoconFiles files, string? directory = null, string[]? prefix = null)
    {
        _scanner = new HoconScanner(text, start);
        _files = files;
        _directory = directory;
        _prefix = prefix ?? [];
        _depth = _prefix.Length;
    }

    /// <summary>Reads the whole text, an object with or without its braces.</summary>
    /// <returns>The object.</returns>
    /// <exception cref="HoconException">The text is not HOCON, or exceeds <see cref="HoconLimits"/>.</exception>
    public HoconObjectNode ParseDocument()
    {
        HoconObjectNode root = new(_scanner.Position);
        _scanner.SkipToContent();
        if (_scanner.Next == '[')
            throw Error("a configuration is an object, not a list");
        if (_scanner.Take('{'))
        {
            ParseFields(root, root.Position, braced: true);
            _scanner.SkipToContent();
            return _scanner.AtEnd ? root : throw Error($"unexpected {_scanner.Describe()} after the closing '}}'");
        }

        ParseFields(root, root.Position, braced: false);
        return root;
    }

    /// <summary>Reads the text as one value, as on the right of an equals sign.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="HoconException">The text is not one HOCON value.</exception>
    public HoconNode ParseWholeValue()
    {
        _scanner.SkipToContent();
        HoconNode value = ParseValue();
        _scanner.SkipToContent();
        return _scanner.AtEnd ? value : throw Error($"unexpected {_scanner.Describe()} after the value");
    }

    /// <summary>Reads the text as one dotted key.</summary>
    /// <returns>Its elements.</returns>
    /// <exception cref="HoconException">The text is not a key.</exception>
    public string[] ParseWholePath()
    {
        string[] path = ParsePath();
        return _scanner.AtEnd ? path : throw Error($"unexpected {_scanner.Describe()} in the key");
    }

    private void ParseFields(HoconObjectNode target, HoconPosition opened, bool braced)
    {
        while (true)
        {
            _scanner.SkipToContent();
            if (_scanner.AtEnd)
            {
                if (braced)
                    throw new HoconException(opened, KeyText(), "this '{' is never closed");
                return;
            }

            if (braced && _scanner.Take('}'))
                return;
            ParseField(target);
            ExpectSeparator('}');
        }
    }

    private void ParseField(HoconObjectNode target)
    {
        if (TryParseInclude(target))
            return;
        HoconPosition start = _scanner.Position;
        string[] path = ParsePath();
        _path.AddRange(path);
        Enter(path.Length);
        _scanner.SkipToContent();
        if (_scanner.Take("+="))
        {
            _scanner.SkipToContent();
            target.Set(path, new HoconAppend(start, ParseValue()));
        }
        else
        {
            bool assigned = _scanner.Take('=') || _scanner.Take(':');
            if (!assigned && _scanner.Next != '{')
            {
                throw new HoconException(
                    start, KeyText(), $"expected '=' or '{{' after the key, found {_scanner.Describe()}");
            }

            _scanner.SkipToContent();
            target.Set(path, ParseValue());
        }

        _depth -= path.Length;
        _path.RemoveRange(_path.Count - path.Length, path.Length);
    }

    /// <summary>After a field or an item: a comma, a line end, or the closing character, which stays.</summary>
    private void ExpectSeparator(char closing)
    {
        bool separated = _scanner.SkipToContent();
        if (_scanner.Take(',') || separated || _scanner.AtEnd || _scanner.Next == closing)
            return;
        throw Error($"expected a comma or a new line before {_scanner.Describe()}; put special characters in quotes");
    }

    private HoconNode ParseValue()
    {
        HoconPosition start = _scanner.Position;
        List<HoconNode> parts = [];
        while (true)
        {
            string gap = _scanner.TakeBlank();
            if (_scanner.AtEnd || _scanner.AtComment || _scanner.Next is '\n' or ',' or '}' or ']')
                break;
            HoconPosition position = _scanner.Position;
            if (gap.Length > 0 && parts.Count > 0)
                parts.Add(new HoconGap(position, gap));
            parts.Add(ParsePart(position));
        }

        if (parts.Count == 0)
            throw new HoconException(start, KeyText(), $"has no value; found {_scanner.Describe()}");
        if (parts.Count == 1)
            return parts[0];
        return parts.TrueForAll(part => part is HoconLiteral or HoconGap)
            ? new HoconLiteral(start, Join(parts), quoted: true)
            : new HoconConcatenation(start, parts);
    }

    private static string Join(List<HoconNode> parts) =>
        string.Concat(parts.Select(part => part is HoconLiteral literal ? literal.Text : ((HoconGap)part).Text));

    private HoconNode ParsePart(HoconPosition position)
    {
        if (_scanner.Take('{'))
        {
            HoconObjectNode value = new(position);
            Enter(1);
            ParseFields(value, position, braced: true);
            _depth--;
            return value;
        }

        if (_scanner.Take('['))
            return ParseList(position);
        if (_scanner.Next == '"')
            return new HoconLiteral(position, Quoted(), quoted: true);
        if (_scanner.Take("${"))
            return ParseSubstitution(position);
        if (_scanner.AtUnquoted)
            return new HoconLiteral(position, _scanner.TakeUnquoted(), quoted: false);
        throw Error($"unexpected {_scanner.Describe()} in a value; put text with special characters in quotes");
    }

    private HoconListNode ParseList(HoconPosition position)
    {
        HoconListNode list = new(position);
        Enter(1);
        while (true)
        {
            _scanner.SkipToContent();
            if (_scanner.AtEnd)
                throw new HoconException(position, KeyText(), "this '[' is never closed");
            if (_scanner.Take(']'))
                break;
            list.Items.Add(ParseValue());
            ExpectSeparator(']');
        }

        _depth--;
        return list;
    }

    private HoconSubstitution ParseSubstitution(HoconPosition position)
    {
        bool optional = _scanner.Take('?');
        string[] path = ParsePath();
        return _scanner.Take('}')
            ? new HoconSubstitution(position, path, _prefix, optional)
            : throw Error($"expected '}}' at the end of a substitution, found {_scanner.Describe()}");
    }

    private string[] ParsePath()
    {
        List<string> elements = [];
        StringBuilder element = new();
        bool started = false;
        while (true)
        {
            string gap = _scanner.TakeBlank();
            bool quoted = _scanner.Next == '"';
            if (!quoted && !_scanner.AtUnquoted)
                break;
            if (!quoted && _scanner.Next == '.')
            {
                elements.Add(started ? element.ToString() : throw Error("a key has an empty part before '.'"));
                element.Clear();
                started = false;
                _ = _scanner.TakeOne();
                continue;
            }

            if (started)
                element.Append(gap);
            if (quoted)
                element.Append(Quoted());
            else
                element.Append(_scanner.TakeOne());
            started = true;
        }

        if (!started)
            throw Error($"expected a key, found {_scanner.Describe()}");
        elements.Add(element.ToString());
        return elements.Count <= HoconLimits.DepthMax ? [.. elements] : throw TooDeep();
    }

    private bool TryParseInclude(HoconObjectNode target)
    {
        HoconPosition position = _scanner.Position;
        if (!_scanner.Looking("include ") && !_scanner.Looking("include\t"))
            return false;
        _scanner.Take("include");
        _scanner.TakeBlank();
        int open = 0;
        bool required = TakeCall("required(", ref open);
        if (_scanner.Looking("url(") || _scanner.Looking("classpath("))
            throw Error("only files can be included; write include \"name.conf\"");
        TakeCall("file(", ref open);
        if (_scanner.Next != '"')
            throw Error("expected a file name in quotes after include");
        string name = Quoted();
        for (; open > 0; open--)
        {
            _scanner.TakeBlank();
            if (!_scanner.Take(')'))
                throw Error($"expected ')', found {_scanner.Describe()}");
        }

        string[] prefix = [.. _prefix, .. _path];
        if (_files.Include(position, name, _directory, required, prefix) is { } included)
            target.Merge(included);
        return true;
    }

    private bool TakeCall(string call, ref int open)
    {
        if (!_scanner.Take(call))
            return false;
        open++;
        _scanner.TakeBlank();
        return true;
    }

    private string Quoted()
    {
        try
        {
            return _scanner.TakeQuoted();
        }
        catch (HoconException e)
        {
            // The scanner knows the line, this parser the key.
            throw new HoconException(e.Position, KeyText(), e.Problem);
        }
    }

    private void Enter(int levels)
    {
        _depth += levels;
        if (_depth > HoconLimits.DepthMax)
            throw TooDeep();
    }

    private string KeyText() => HoconKey.Render(_prefix.Concat(_path));

    private HoconException Error(string problem) => new(_scanner.Position, KeyText(), problem);

    private HoconException TooDeep() =>
        new(_scanner.Position, HoconKey.Render(_path.Take(4)), $"is nested deeper than {HoconLimits.DepthMax} levels");
}
