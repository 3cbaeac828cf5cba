// Grammar: LVM2's libdm/libdm-config.c (_get_token, _eat_space).
using System.Globalization;
using System.Text;

namespace Scheduler.Storage.Lvm.Text;

/// <summary>What a token of a metadata text is.</summary>
internal enum ConfigToken
{
    /// <summary>The text is over.</summary>
    End,

    /// <summary>One of <c>{ } [ ] , =</c>.</summary>
    Mark,

    /// <summary>A word where a name is due.</summary>
    Name,

    /// <summary>A string, quoted or bare.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,
}

/// <summary>Cuts a metadata text into tokens.</summary>
/// <param name="text">The text. Its first zero byte ends it, as LVM2 writes one behind it.</param>
internal sealed class ConfigScanner(byte[] text)
{
    private int _at;
    private int _line = 1;

    /// <summary>The token that <see cref="Next"/> found.</summary>
    public ConfigToken Token { get; private set; }

    /// <summary>For <see cref="ConfigToken.Mark"/>, which.</summary>
    public char Mark { get; private set; }

    /// <summary>For <see cref="ConfigToken.Name"/> and <see cref="ConfigToken.Text"/>, the string.</summary>
    public string Text { get; private set; } = "";

    /// <summary>For <see cref="ConfigToken.Number"/>.</summary>
    public long Number { get; private set; }

    /// <summary>Finds the next token.</summary>
    /// <param name="valueDue">A value is due, not a name: what a bare word is depends on it.</param>
    public void Next(bool valueDue)
    {
        SkipSpace();
        if (AtEnd)
        {
            Token = ConfigToken.End;
            return;
        }

        char c = (char)text[_at];
        switch (c)
        {
            case '{' or '}' or '[' or ']' or ',' or '=':
                _at++;
                Mark = c;
                Token = ConfigToken.Mark;
                break;
            case '"' or '\'':
                Text = Quoted(c);
                Token = ConfigToken.Text;
                break;
            default:
                Bare(valueDue);
                break;
        }
    }

    /// <summary>The error that the present token is not what is due.</summary>
    public MetadataException Expected(string what) => new($"line {_line} of the text: expected {what}");

    private bool AtEnd => _at == text.Length || text[_at] == 0;

    private static bool IsSpace(byte c) => c is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private void SkipSpace()
    {
        while (!AtEnd)
        {
            if (text[_at] == '#')
            {
                while (!AtEnd && text[_at] != '\n')
                    _at++;
            }
            else if (IsSpace(text[_at]))
            {
                if (text[_at++] == '\n')
                    _line++;
            }
            else
            {
                return;
            }
        }
    }

    // Between double quotes a backslash hides a quote or a backslash, and is a character like others elsewhere; between single
    // quotes it always is.
    private string Quoted(char quote)
    {
        int start = ++_at;
        bool escapes = false;
        while (!AtEnd && text[_at] != quote)
        {
            if (quote == '"' && text[_at] == '\\' && _at + 1 < text.Length && text[_at + 1] is (byte)'"' or (byte)'\\')
            {
                escapes = true;
                _at++;
            }

            if (text[_at++] == '\n')
                _line++;
        }

        if (AtEnd)
            throw Expected("the end of a string");
        string found = Encoding.Latin1.GetString(text, start, _at++ - start);
        return escapes ? Unescape(found) : found;
    }

    private static string Unescape(string quoted)
    {
        StringBuilder plain = new(quoted.Length);
        for (int i = 0; i < quoted.Length; i++)
        {
            if (quoted[i] == '\\' && i + 1 < quoted.Length && quoted[i + 1] is '"' or '\\')
                i++;
            plain.Append(quoted[i]);
        }

        return plain.ToString();
    }

    private void Bare(bool valueDue)
    {
        int start = _at;
        while (!AtEnd && !IsSpace(text[_at]) && text[_at] is not ((byte)'#' or (byte)'=' or (byte)'{' or (byte)'}')
            && !(valueDue && text[_at] is (byte)',' or (byte)']'))
            _at++;
        Text = Encoding.Latin1.GetString(text, start, _at - start);
        Token = valueDue ? ConfigToken.Text : ConfigToken.Name;
        if (!valueDue || !(char.IsAsciiDigit(Text[0]) || Text[0] is '-' or '+'))
            return;

        // LVM2 would take a leading zero for an octal number, and writes none.
        string digits = Text.TrimStart('-', '+');
        if (digits.Length > 1 && digits[0] == '0'
            || !long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            throw Expected("a whole number");
        Number = number;
        Token = ConfigToken.Number;
    }
}
