using System.Globalization;
using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>Reads the characters of one file: blanks, comments, quoted and unquoted text. Counts lines.</summary>
/// <param name="text">The whole file.</param>
/// <param name="start">Its name and first line; line 0 for text that has no lines to speak of.</param>
internal sealed class HoconScanner(string text, HoconPosition start)
{
    /// <summary>
    /// What the HOCON specification forbids in unquoted text; a blank ends it too, and so does a comment.
    /// </summary>
    private const string Reserved = "$\"{}[]:=,+#`^?!@*&\\";

    private int _at;
    private int _line = start.Line;

    public HoconPosition Position => start with { Line = start.Line == 0 ? 0 : _line };

    public bool AtEnd => _at >= text.Length;

    /// <summary>
    /// The next character, or '\0' at the end (a NUL in the file is refused as unquoted text like other controls).
    /// </summary>
    public char Next => _at < text.Length ? text[_at] : '\0';

    /// <summary>Whether the next character starts a comment.</summary>
    public bool AtComment => Next == '#' || Looking("//");

    /// <summary>Whether the next character may stand in unquoted text.</summary>
    public bool AtUnquoted => !AtEnd && !AtComment && (IsPlain(Next) || AtExponentSign);

    /// <summary>The plus sign of a number such as 1e+3.</summary>
    private bool AtExponentSign =>
        Next == '+' && _at >= 2 && text[_at - 1] is 'e' or 'E' && char.IsAsciiDigit(text[_at - 2])
        && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]);

    public bool Looking(string expected) => string.CompareOrdinal(text, _at, expected, 0, expected.Length) == 0;

    /// <summary>Consumes the expected text if it comes next.</summary>
    public bool Take(string expected)
    {
        if (!Looking(expected))
            return false;
        Advance(expected.Length);
        return true;
    }

    public bool Take(char expected)
    {
        if (AtEnd || Next != expected)
            return false;
        Advance(1);
        return true;
    }

    /// <summary>Consumes white space within the line.</summary>
    /// <returns>What was consumed.</returns>
    public string TakeBlank()
    {
        int start = _at;
        while (!AtEnd && Next != '\n' && IsBlank(Next))
            _at++;
        return text[start.._at];
    }

    /// <summary>Consumes white space, comments and line ends.</summary>
    /// <returns>Whether a line ended.</returns>
    public bool SkipToContent()
    {
        int line = _line;
        while (!AtEnd)
        {
            if (IsBlank(Next))
                Advance(1);
            else if (AtComment)
                SkipComment();
            else
                break;
        }

        return _line > line;
    }

    /// <summary>Consumes a run of unquoted text.</summary>
    public string TakeUnquoted()
    {
        int start = _at;
        while (AtUnquoted)
            _at++;
        return text[start.._at];
    }

    /// <summary>Consumes one character of an unquoted key.</summary>
    public char TakeOne() => text[_at++];

    /// <summary>Consumes a string in single or triple quotes, from its first quote on.</summary>
    /// <exception cref="HoconException">It does not end, or has a bad escape.</exception>
    public string TakeQuoted() => Looking("\"\"\"") ? TakeTripleQuoted() : TakeSingleQuoted();

    /// <summary>The next character as a message shows it.</summary>
    public string Describe() => AtEnd ? "the end of the file" : Next == '\n' ? "the end of the line" : $"'{Next}'";

    private static bool IsBlank(char c) => char.IsWhiteSpace(c) || c == '\uFEFF';

    private static bool IsPlain(char c) => !IsBlank(c) && !char.IsControl(c) && !Reserved.Contains(c);

    private void Advance(int count)
    {
        for (int end = _at + count; _at < end; _at++)
        {
            if (text[_at] == '\n')
                _line++;
        }
    }

    private void SkipComment()
    {
        while (!AtEnd && Next != '\n')
            _at++;
    }

    private string TakeTripleQuoted()
    {
        HoconPosition start = Position;
        Advance(3);
        int end = text.IndexOf("\"\"\"", _at, StringComparison.Ordinal);
        if (end < 0)
            throw new HoconException(start, "", "this \"\"\" string is never closed");

        // Quotes before the closing three belong to the text.
        while (end + 3 < text.Length && text[end + 3] == '"')
            end++;
        string content = text[_at..end];
        Advance(end + 3 - _at);
        return content;
    }

    private string TakeSingleQuoted()
    {
        StringBuilder content = new();
        for (_at++; !AtEnd && Next != '\n'; _at++)
        {
            if (Next == '"')
            {
                _at++;
                return content.ToString();
            }

            content.Append(Next == '\\' ? TakeEscape() : Next);
        }

        throw new HoconException(
            Position, "", "a quoted string does not end on its line; use \"\"\" for several lines");
    }

    /// <summary>Reads an escape and leaves the position on its last character.</summary>
    private char TakeEscape()
    {
        _at++;
        switch (Next)
        {
            case '"' or '\\' or '/':
                return Next;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 < text.Length && ushort.TryParse(
                text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code):
                _at += 4;
                return (char)code;
            default:
                throw new HoconException(Position, "", "a bad escape in a quoted string; write \\\\ for a backslash");
        }
    }
}
