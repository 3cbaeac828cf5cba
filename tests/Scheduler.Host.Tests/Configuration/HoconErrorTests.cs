using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

public class HoconErrorTests
{
    [Theory]
    [InlineData("a = 1\nb\nc = 2", "x.conf:2: b: expected '=' or '{' after the key, found 'c'")]
    [InlineData("a", "x.conf:1: a: expected '=' or '{' after the key, found the end of the file")]
    [InlineData("a.b =", "x.conf:1: a.b: has no value; found the end of the file")]
    [InlineData("a { b = , c = 1 }", "x.conf:1: a.b: has no value; found ','")]
    [InlineData("a {\n b = 1\n", "x.conf:1: a: this '{' is never closed")]
    [InlineData("a = [1,\n 2", "x.conf:1: a: this '[' is never closed")]
    [InlineData("a = 1 }", "x.conf:1: expected a key, found '}'")]
    [InlineData("{ a = 1 } b = 2", "x.conf:1: unexpected 'b' after the closing '}'")]
    [InlineData("{ a = 1", "x.conf:1: this '{' is never closed")]
    [InlineData("[1]", "x.conf:1: a configuration is an object, not a list")]
    [InlineData(", a = 1", "x.conf:1: expected a key, found ','")]
    [InlineData("a = 1,, b = 2", "x.conf:1: expected a key, found ','")]
    [InlineData("a = [1,,2]", "x.conf:1: a: has no value; found ','")]
    [InlineData("a = [1}", "x.conf:1: a: expected a comma or a new line before '}'; put special characters in quotes")]
    [InlineData("a..b = 1", "x.conf:1: a key has an empty part before '.'")]
    [InlineData("a. = 1", "x.conf:1: expected a key, found '='")]
    [InlineData("a = tcp://127.0.0.1", "x.conf:1: a: unexpected ':' in a value; put text with special characters in quotes")]
    [InlineData("a = x@y", "x.conf:1: a: unexpected '@' in a value; put text with special characters in quotes")]
    [InlineData("a = $x", "x.conf:1: a: unexpected '$' in a value; put text with special characters in quotes")]
    [InlineData("a = x\0", "x.conf:1: a: unexpected '?' in a value; put text with special characters in quotes")]
    [InlineData("\na = \"x\nb = 2", "x.conf:2: a: a quoted string does not end on its line; use \"\"\" for several lines")]
    [InlineData("\na = \"\"\"x\nb = 2", "x.conf:2: a: this \"\"\" string is never closed")]
    [InlineData("a = \"\\x\"", "x.conf:1: a: a bad escape in a quoted string; write \\\\ for a backslash")]
    [InlineData("a = \"\\u12\"", "x.conf:1: a: a bad escape in a quoted string; write \\\\ for a backslash")]
    [InlineData("a = ${b", "x.conf:1: a: expected '}' at the end of a substitution, found the end of the file")]
    [InlineData("a = ${}", "x.conf:1: a: expected a key, found '}'")]
    [InlineData("include \"x\"", "x.conf:1: include works in files only")]
    [InlineData("include x", "x.conf:1: expected a file name in quotes after include")]
    [InlineData("include url(\"x\")", "x.conf:1: only files can be included; write include \"name.conf\"")]
    [InlineData("a = \"\"\"\n\n\"\"\"\nb", "x.conf:4: b: expected '=' or '{' after the key, found the end of the file")]
    public void The_error_names_file_line_and_key(string text, string expected) =>
        Assert.Equal(expected, HoconText.Error(text));

    [Theory]
    [InlineData("a {")]
    [InlineData("a = [")]
    [InlineData("a = [{")]
    [InlineData("a = ")]
    public void Nesting_is_bounded(string opening)
    {
        string more = opening.EndsWith('{') ? opening : "[";
        string text = opening + string.Concat(Enumerable.Repeat(more, 100_000));
        Assert.Contains("nested deeper than 64 levels", HoconText.Error(text));
    }

    [Fact]
    public void A_dotted_key_is_bounded() =>
        Assert.Contains("nested deeper", HoconText.Error(string.Join('.', Enumerable.Repeat("a", 65)) + " = 1"));

    [Fact]
    public void A_message_is_one_short_line()
    {
        string message = new HoconException(new("x", 3), "k", "bad '\r\n\x1b[31m\u2028" + new string('y', 10_000)).Message;
        Assert.StartsWith("x:3: k: bad '?\\n?[31m?yyy", message);
        Assert.InRange(message.Length, 100, 410);
    }
}
