using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

public sealed class HoconFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hocon").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Include_merges_in_place_and_is_relative_to_its_file()
    {
        Write("sub/inner.conf", "x = inner, y = inner, z = ${?y}");
        Write("sub/outer.conf", "a { x = 0, include \"inner.conf\", y = 2 }");
        string main = Write("main.conf", "before = 1\ninclude \"sub/outer.conf\"\na.x = 3");
        Assert.Equal("{before:1,a:{x:3,y:2,z:2}}", Outcome(main));
    }

    [Theory]
    [InlineData("include \"b.conf\"")]
    [InlineData("include \"b\"")]
    [InlineData("include file(\"b.conf\")")]
    [InlineData("include required(\"b.conf\")")]
    [InlineData("include required( file( \"b.conf\" ) ), ")]
    public void Include_has_these_forms(string include)
    {
        Write("b.conf", "b = 1");
        Assert.Equal("{b:1}", Outcome(Write("a.conf", include)));
    }

    [Fact]
    public void Substitutions_of_an_included_file_look_below_the_include_first()
    {
        Write("b.conf", "n = near, v = ${n} ${f}");
        Assert.Equal("{f:far,n:other,s:{n:near,v:near far}}", Outcome(Write("a.conf", "f = far, n = other, s { include \"b.conf\" }")));
    }

    [Fact]
    public void A_missing_included_file_is_left_out_unless_required()
    {
        Assert.Equal("{a:1}", Outcome(Write("a.conf", "include \"none.conf\"\na = 1")));
        string required = Write("b.conf", "\ninclude required(\"none.conf\")");
        Assert.Equal($"{required}:2: cannot include '{Path.Combine(_directory, "none.conf")}': no such file", Error(required));
    }

    [Fact]
    public void A_cycle_is_refused()
    {
        string a = Write("a.conf", "include \"b.conf\"");
        string b = Write("b.conf", "x = 1\ninclude \"./a.conf\"");
        Assert.StartsWith($"{b}:2: cannot include", Error(a));
        Assert.EndsWith("it includes itself", Error(a));
    }

    [Fact]
    public void Depth_and_number_of_includes_are_bounded()
    {
        for (int i = 0; i < 40; i++)
            Write($"d{i}.conf", $"include \"d{i + 1}.conf\"");
        Assert.Contains("nested deeper than 16 files", Error(Path.Combine(_directory, "d0.conf")));
        for (int i = 0; i < 12; i++)
            Write($"w{i}.conf", $"include \"w{i + 1}.conf\"\ninclude \"w{i + 1}.conf\"");
        Write("w12.conf", "");
        Assert.Contains("more than 256 files", Error(Path.Combine(_directory, "w0.conf")));
    }

    [Fact]
    public void An_error_in_an_included_file_names_that_file()
    {
        string b = Write("b.conf", "\n\nx = [");
        Assert.Equal($"{b}:3: s.x: this '[' is never closed", Error(Write("a.conf", "s { include \"b.conf\" }")));
    }

    [Fact]
    public void Unreadable_files_are_one_line()
    {
        Assert.Equal("none.conf: no such file", Error("none.conf"));
        Assert.Equal($"{_directory}: is a directory, not a file", Error(_directory));
        string binary = Path.Combine(_directory, "binary.conf");
        File.WriteAllBytes(binary, [0x61, 0x3d, 0xff, 0xfe]);
        Assert.Equal($"{binary}: is not UTF-8 text", Error(binary));
        string large = Write("large.conf", new string('#', HoconLimits.FileBytesMax + 1));
        Assert.Equal($"{large}: is larger than 1048576 bytes", Error(large));
        Assert.Equal("/dev/zero: is larger than 1048576 bytes", Error("/dev/zero"));
    }

    private static string Outcome(string path) => HoconText.Render(HoconText.Resolve(new HoconFiles().Load(path)));

    private static string Error(string path) => Assert.Throws<HoconException>(() => new HoconFiles().Load(path)).Message;

    private string Write(string name, string content)
    {
        string path = Path.Combine(_directory, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }
}
