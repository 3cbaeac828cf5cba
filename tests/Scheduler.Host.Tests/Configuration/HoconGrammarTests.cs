namespace Scheduler.Host.Tests.Configuration;

public class HoconGrammarTests
{
    [Theory]

    // Separators, braces, blanks.
    [InlineData("", "{}")]
    [InlineData("{}", "{}")]
    [InlineData(" \n\t{ a = 1 } \n# end", "{a:1}")]
    [InlineData("\uFEFFa = 1", "{a:1}")]
    [InlineData("a = 1\nb : 2\r\nc=3", "{a:1,b:2,c:3}")]
    [InlineData("a=1,b=2,", "{a:1,b:2}")]
    [InlineData("a=1\n,\nb=2\n\n,c=3", "{a:1,b:2,c:3}")]
    [InlineData("a =\n  1", "{a:1}")]
    [InlineData("a\n{ b = 1 }", "{a:{b:1}}")]
    [InlineData("a { b = 1 }", "{a:{b:1}}")]
    [InlineData("a : { b = 1, c { d = 2 } }", "{a:{b:1,c:{d:2}}}")]
    [InlineData("""{ "a": 1, "b": [true, null, "x"], "c": {} }""", "{a:1,b:[true,null,x],c:{}}")]

    // Comments.
    [InlineData("# a\n// b\na = 1 # c\nb = 2 // d\n", "{a:1,b:2}")]
    [InlineData("a = [ 1 # one\n 2 // two\n ]", "{a:[1,2]}")]
    [InlineData("""a = "# no comment // at all" """, "{a:# no comment // at all}")]

    // Keys.
    [InlineData("a.b.c = 1", "{a:{b:{c:1}}}")]
    [InlineData("a.b = 1\na.c = 2", "{a:{b:1,c:2}}")]
    [InlineData("\"a.b\".c = 1", "{a.b:{c:1}}")]
    [InlineData("\"\" = 1", "{:1}")]
    [InlineData("a b = 1", "{a b:1}")]
    [InlineData("a . b = 1", "{a:{b:1}}")]
    [InlineData("1.5 = x", "{1:{5:x}}")]
    [InlineData("a\"b.c\"d = 1", "{ab.cd:1}")]
    [InlineData("includes = 1, include.x = 2", "{includes:1,include:{x:2}}")]

    // Scalars.
    [InlineData("a = text", "{a:text}")]
    [InlineData("a = two words ", "{a:two words}")]
    [InlineData("a =   two   words   # comment", "{a:two   words}")]
    [InlineData("a = -1.5e+3", "{a:-1.5e+3}")]
    [InlineData("a = 4GiB, b = 1.5 MiB, c = 100ms", "{a:4GiB,b:1.5 MiB,c:100ms}")]
    [InlineData("a = true, b = null, c = \"null\"", "{a:true,b:null,c:null}")]
    [InlineData("a = data/vol0.img", "{a:data/vol0.img}")]
    [InlineData("a = x-y_z.1<2>(3)'4'~|;%", "{a:x-y_z.1<2>(3)'4'~|;%}")]
    [InlineData("""a = "q" """, "{a:q}")]
    [InlineData("""a = "" """, "{a:}")]
    [InlineData("""a = "\"\\\/\t\u0041" """, "{a:\"\\/\tA}")]
    [InlineData("""a = x "y" z""", "{a:x y z}")]
    [InlineData("""a = x"y"z""", "{a:xyz}")]
    [InlineData("a = \"\"\"one\n  \"two\"\\n\"\"\"", "{a:one\n  \"two\"\\n}")]
    [InlineData("a = \"\"\"quoted\"\"\"\"", "{a:quoted\"}")]
    [InlineData("a = \"\"\"\"\"\"", "{a:}")]

    // Lists.
    [InlineData("a = []", "{a:[]}")]
    [InlineData("a = [1, 2,]", "{a:[1,2]}")]
    [InlineData("a = [\n1\n2\n\n3 4\n]", "{a:[1,2,3 4]}")]
    [InlineData("a = [[1], {b = 2}]", "{a:[[1],{b:2}]}")]
    [InlineData("a = [1] [2]\nb = [1]\\\n", null)]
    [InlineData("a = [1] [2, 3]", "{a:[1,2,3]}")]
    [InlineData("a = [1]\na += 2\na += [3]", "{a:[1,2,[3]]}")]
    [InlineData("a += 1", "{a:[1]}")]

    // Merging and overriding.
    [InlineData("a = 1\na = 2", "{a:2}")]
    [InlineData("a = [1, 2]\na = [3]", "{a:[3]}")]
    [InlineData("a { b = 1, c = 2 }\na { c = 3, d = 4 }", "{a:{b:1,c:3,d:4}}")]
    [InlineData("a { b { c = 1 } }\na.b.d = 2", "{a:{b:{c:1,d:2}}}")]
    [InlineData("a { b = 1 }\na = 2\na { c = 3 }", "{a:{c:3}}")]
    [InlineData("a { b = 1 }\na = null\na { c = 3 }", "{a:{c:3}}")]
    [InlineData("a = 1\na.b = 2", "{a:{b:2}}")]
    [InlineData("a = { b = 1 } { c = 2, b = 3 }", "{a:{b:3,c:2}}")]
    [InlineData("z = 1, y = 2, z = 3, x = 4", "{z:3,y:2,x:4}")]
    public void Text_gives_this_tree(string text, string? expected)
    {
        if (expected is null)
            _ = HoconText.Error(text);
        else
            Assert.Equal(expected, HoconText.Outcome(text));
    }
}
