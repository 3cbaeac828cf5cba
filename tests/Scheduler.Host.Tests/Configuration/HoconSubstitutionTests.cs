namespace Scheduler.Host.Tests.Configuration;

public class HoconSubstitutionTests
{
    [Theory]
    [InlineData("a = 1, b = ${a}", "{a:1,b:1}")]
    [InlineData("b = ${a}, a = 1", "{b:1,a:1}")]
    [InlineData("b = ${ a.c }, a.c = [1]", "{b:[1],a:{c:[1]}}")]
    [InlineData("""b = ${"a.c".d}, "a.c".d = 1""", "{b:1,a.c:{d:1}}")]
    [InlineData("a = 1, b = ${a}, a = 2", "{a:2,b:2}")]
    [InlineData("dir = data, path = ${dir}/vol0.img", "{dir:data,path:data/vol0.img}")]
    [InlineData("dir = data, path = ${dir}\"/vol 0\".img", "{dir:data,path:data/vol 0.img}")]
    [InlineData("a = null, b = ${?a}x", "{a:null,b:nullx}")]

    // Optional ones.
    [InlineData("a = ${?none}", "{}")]
    [InlineData("a = 1, a = ${?none}", "{a:1}")]
    [InlineData("a = ${?none}${?nor}", "{}")]
    [InlineData("a = x${?none}y", "{a:xy}")]
    [InlineData("a = [1, ${?none}, 2]", "{a:[1,2]}")]
    [InlineData("a { b = 1 }, c = ${?none} ${a}", "{a:{b:1},c:{b:1}}")]

    // Objects and lists.
    [InlineData("base { x = 1, y = 2 }, v = ${base} { y = 3 }", "{base:{x:1,y:2},v:{x:1,y:3}}")]
    [InlineData("base { x = 1, y = 2 }, v = ${base}, v { y = 3 }", "{base:{x:1,y:2},v:{x:1,y:3}}")]
    [InlineData("base { x = 1 }, v { x = 0, y = 0 }, v = ${base}", "{base:{x:1},v:{x:1,y:0}}")]
    [InlineData("base { x = 1 }, v = ${base}, v { y = ${v.x} }", "{base:{x:1},v:{x:1,y:1}}")]
    [InlineData("base { x { p = 1 } }, v = ${base}, v.x.q = 2, w = ${v.x}", "{base:{x:{p:1}},v:{x:{p:1,q:2}},w:{p:1,q:2}}")]
    [InlineData("l = [1], m = ${l} [2] ${l}", "{l:[1],m:[1,2,1]}")]
    [InlineData("l = [1], l = ${l} [2]", "{l:[1,2]}")]
    [InlineData("l = ${?l} [2]", "{l:[2]}")]

    // Self-references look back; a reference to a sibling is none.
    [InlineData("p = a, p = ${p}/b, p = ${p}/c", "{p:a/b/c}")]
    [InlineData("a { b = 1 }, a { b = ${a.b}2 }", "{a:{b:12}}")]
    [InlineData("a = ${?a}x", "{a:x}")]
    [InlineData("bar { foo = 42, baz = ${bar.foo} }", "{bar:{foo:42,baz:42}}")]
    [InlineData("bar { foo = 42, baz = ${bar.foo} }, bar { foo = 43 }", "{bar:{foo:43,baz:43}}")]
    [InlineData("a { c = 1 }, a = ${a} { d = ${a.c} }", "{a:{c:1,d:1}}")]
    [InlineData("a = ${?b}, b = ${?a}", "{}")]
    [InlineData("a = ${b.x}, b { x = 1, y = ${a} }", "{a:1,b:{x:1,y:1}}")]
    public void Substitution_gives(string text, string expected) => Assert.Equal(expected, HoconText.Outcome(text));

    [Theory]
    [InlineData("a = ${HOME}", "{a:/root}")]
    [InlineData("a = ${?HOME}/x", "{a:/root/x}")]
    [InlineData("HOME = mine, a = ${HOME}", "{HOME:mine,a:mine}")]
    [InlineData("HOME = null, a = ${?HOME}", "{HOME:null,a:null}")]
    [InlineData("a = ${?EMPTY}", "{a:}")]
    [InlineData("a = ${with.dot}", "{a:1}")]
    public void Configuration_comes_before_the_environment(string text, string expected) =>
        Assert.Equal(expected, HoconText.Outcome(text, ("HOME", "/root"), ("EMPTY", ""), ("with.dot", "1")));

    [Theory]
    [InlineData("\na.b = ${none}", "x.conf:2: a.b: ${none} is not set, neither as a key nor in the environment, or refers to itself")]
    [InlineData("a = ${a}", "x.conf:1: a: ${a} is not set, neither as a key nor in the environment, or refers to itself")]
    [InlineData("a = ${b}\nb = ${a}", "x.conf:2: a: ${a} is not set, neither as a key nor in the environment, or refers to itself")]
    [InlineData("a { b = ${a} }", "x.conf:1: a.b: ${a} is not set, neither as a key nor in the environment, or refers to itself")]
    [InlineData("a = [1] x", "x.conf:1: a: text, lists and objects cannot be joined with one another")]
    [InlineData("b {}, a = ${b} x", "x.conf:1: a: text, lists and objects cannot be joined with one another")]
    [InlineData("a = 1\na += 2", "x.conf:2: a: += needs a list to add to")]
    public void A_bad_substitution_is_refused(string text, string expected) => Assert.Equal(expected, HoconText.Error(text));

    [Fact]
    public void Doubling_text_ends_in_an_error()
    {
        IEnumerable<string> lines = Enumerable.Range(1, 60).Select(i => $"a{i} = ${{a{i - 1}}}${{a{i - 1}}}");
        Assert.Contains("longer than", HoconText.Error("a0 = x\n" + string.Join('\n', lines)));
    }

    [Fact]
    public void Doubling_nothing_ends_in_an_error()
    {
        IEnumerable<string> lines = Enumerable.Range(1, 60).Select(i => $"a{i} = ${{?a{i - 1}}}${{?a{i - 1}}}");
        Assert.Contains("too large", HoconText.Error("a60 = ${?a59}\n" + string.Join('\n', lines)));
    }

    [Fact]
    public void Doubling_objects_ends_in_an_error()
    {
        IEnumerable<string> lines = Enumerable.Range(1, 60).Select(i => $"a{i} {{ x = ${{a{i - 1}}}, y = ${{a{i - 1}}} }}");
        Assert.Contains("too large", HoconText.Error("a0 = x\n" + string.Join('\n', lines)));
    }

    [Fact]
    public void A_long_chain_ends_in_an_error()
    {
        IEnumerable<string> lines = Enumerable.Range(1, 20_000).Select(i => $"a{i - 1} = ${{a{i}}}");
        Assert.Contains("nested too deeply", HoconText.Error(string.Join('\n', lines)));
    }

    [Fact]
    public void Many_values_on_one_key_are_fine()
    {
        string text = string.Concat(Enumerable.Repeat("a += 1\n", 1000));
        Assert.Equal(1000, ((Scheduler.Host.Configuration.HoconList)HoconText.Resolve(text)["a"]).Items.Count);
    }
}
