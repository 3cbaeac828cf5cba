using Scheduler.Host.CommandLine;
using Scheduler.Host.Tests.Configuration;

namespace Scheduler.Host.Tests.CommandLine;

public sealed class ConfigCommandTests : IDisposable
{
    private readonly ConfigFile _file = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _file.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Check_says_what_would_be_served_and_opens_nothing()
    {
        Assert.Equal(0, await Run("check", "--config", _file.Path, "--set", "guests.g0.limit=5000"));
        Assert.Equal(
            $"""
            {_file.Path}: no mistakes
            volume vol0: data/vol0.img, 4GiB, direct, policy fair, depth 32
            volume vol1: memory, 1GiB, policy fair, depth 32
            guest g0: weight 100, reservation none, limit 5000
            guest g1: weight 300, reservation none, limit none
            disk d0: volume vol0, guest g0, 1GiB from 0B
            disk d1: volume vol0, guest g1, 1GiB from 1GiB
            nbd: 127.0.0.1:10809
            nbd: unix:data/nbd.sock
            admin: 127.0.0.1:8080

            """,
            _output.ToString());
        Assert.Equal("", _error.ToString());
        Assert.False(Directory.Exists("data"));
    }

    [Theory]
    [InlineData("check")]
    [InlineData("show")]
    public async Task A_mistake_is_one_line_with_its_place(string command)
    {
        File.AppendAllText(_file.Path, "\nscheduler.volumes.vol0.depth = deep\n");
        int line = File.ReadLines(_file.Path).Count();
        Assert.Equal(2, await Run(command, "--config", _file.Path));
        Assert.Equal($"{_file.Path}:{line}: scheduler.volumes.vol0.depth: 'deep' is not a whole number from 1 to 1024\n", _error.ToString());
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task Check_tells_all_mistakes()
    {
        Assert.Equal(2, await Run("check", "--config", _file.Path, "--set", "volumes.vol0.depth=deep", "--set", "guests.g0.weight=0"));
        Assert.Equal(
            """
            --set: scheduler.volumes.vol0.depth: 'deep' is not a whole number from 1 to 1024
            --set: scheduler.guests.g0.weight: '0' is not a whole number from 1 to 10000

            """,
            _error.ToString());
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task Show_prints_values_and_where_they_are_from()
    {
        Assert.Equal(0, await Run("show", "--config", _file.Path, "--set", "volumes.vol0.depth=8"));
        string[] lines = _output.ToString().Split('\n');
        Assert.Contains("scheduler.volumes.vol0.depth = 8  # --set", lines);
        Assert.Contains(lines, line => line.StartsWith($"scheduler.guests.g1.weight = 300  # {_file.Path}:", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("scheduler.guests.g0.weight = 100  # hocon/reference.conf:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("data-dir=a \"b\" # c\\d")]
    [InlineData("volumes.\"vol.1\"={ device = memory, size = 1MiB }")]
    [InlineData("log.levels.nbd=debug")]
    public async Task What_show_prints_is_the_same_configuration(string set)
    {
        Assert.Equal(0, await Run("show", "--config", _file.Path, "--set", set));
        string shown = _output.ToString();
        _ = _output.GetStringBuilder().Clear();
        using ConfigFile second = new(shown);
        Assert.Equal(0, await Run("show", "--config", second.Path));
        Assert.Equal(WithoutPlaces(shown), WithoutPlaces(_output.ToString()));
        Assert.Equal("", _error.ToString());
    }

    private static IEnumerable<string> WithoutPlaces(string shown) => shown.Split('\n').Select(line => line.Split("  # ")[0]).Order(StringComparer.Ordinal);

    private Task<int> Run(params string[] args) => SchedulerCommandLine.RunAsync(
        ["config", .. args], _output, _error, (_, _) => throw new InvalidOperationException("nothing is to be served"), CancellationToken.None);
}
