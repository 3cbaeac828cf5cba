using Scheduler.Host.CommandLine;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.Experiments;

/// <summary><c>scheduler experiment</c>: what it prints and writes, and its exit codes.</summary>
public sealed class ExperimentCommandTests : IDisposable
{
    private readonly ExperimentFile _file = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private string Results => Path.Combine(_file.Folder, "results");

    public void Dispose()
    {
        _file.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Run_prints_tables_and_writes_both_files()
    {
        Assert.Equal(0, await Run("run", _file.Path, "--output", Results));
        string text = _output.ToString();
        Assert.StartsWith("x: a reader beside two that flush\n", text, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^fair +reader +[\d,]+", text);
        Assert.Matches(@"(?m)^fifo +flusher +[\d,]+", text);
        Assert.Matches(@"(?m)^met +fair +reader +throughput +1\.000 +- +[\d,]+ *$", text);
        Assert.Matches(@"(?m)^[\d,]+ requests in [\d.,]+ s, [\d,]+ a second of CPU time on a core$", text);
        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain("partial", text, StringComparison.Ordinal);

        ExperimentReport report = ReadReport();
        Assert.Equal(("x", false), (report.Name, report.Partial));
        Assert.Equal([1, 2], report.Policies[0].Seeds);
        string[] csv = File.ReadAllLines(Path.Combine(Results, "report.csv"));
        Assert.StartsWith("experiment,", csv[0], StringComparison.Ordinal);
        Assert.Contains(csv, line => line.StartsWith("x,false,fair,group,reader,throughput,", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Options_take_the_place_of_what_the_file_says()
    {
        Assert.Equal(0, await Run("run", _file.Path, "--policy", "queue-drain", "--policy", "ring-drain", "--seed", "9", "--duration", "10ms", "--output", Results));
        ExperimentReport report = ReadReport();
        Assert.Equal([Core.PolicyKind.QueueDrain, Core.PolicyKind.RingDrain], report.Policies.Select(policy => policy.Policy));
        Assert.All(report.Policies, policy => Assert.Equal([9], policy.Seeds));
        Assert.Empty(report.Expectations);
    }

    [Fact]
    public async Task What_does_not_come_out_as_expected_is_exit_code_1()
    {
        _file.Write("x.conf", ExperimentFile.Valid.Replace("at-least = 1", "at-least = 1e9", StringComparison.Ordinal));
        Assert.Equal(1, await Run("run", _file.Path, "--output", Results));
        Assert.Matches(@"(?m)^NOT MET +fair +reader +throughput +1,000,000,000 +- +[\d,]+ *$", _output.ToString());
    }

    [Fact]
    public async Task What_had_finished_when_it_was_stopped_is_printed_and_written_as_partial()
    {
        _file.Write("x.conf", ExperimentFile.Valid.Replace("duration = 20ms", "duration = 1h", StringComparison.Ordinal));
        using CancellationTokenSource stop = new();
        Task<int> running = Run(stop.Token, "run", _file.Path, "--output", Results);
        stop.CancelAfter(TimeSpan.FromMilliseconds(300));
        Assert.Equal(1, await running);
        Assert.Contains("partial", _output.ToString(), StringComparison.Ordinal);
        Assert.True(ReadReport().Partial);
    }

    [Theory]
    [InlineData("there is no group 'nobody'", "run", "bad.conf")]
    [InlineData("none: no such file", "run", "none")]
    [InlineData("'cfq'", "run", "x.conf", "--policy", "cfq")]
    [InlineData("'soon'", "run", "x.conf", "--duration", "soon")]
    [InlineData("'2h' is out of range", "run", "x.conf", "--duration", "2h")]
    [InlineData("'-1'", "run", "x.conf", "--seed", "-1")]
    [InlineData("--output: 'x.conf' cannot be made", "run", "x.conf", "--output", "x.conf")]
    [InlineData("none: no such directory", "list", "none")]
    [InlineData("none.json: no such file", "compare", "none.json", "none.json")]
    [InlineData("x.conf: cannot be read", "compare", "x.conf", "x.conf")]
    [InlineData("nulls.json: cannot be read: no report:", "compare", "nulls.json", "nulls.json")]
    public async Task Bad_input_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        _file.Write("bad.conf", ExperimentFile.Valid.Replace("group = reader", "group = nobody", StringComparison.Ordinal));
        _file.Write("nulls.json", """{"name":"x","policies":[{"policy":"fair","seeds":null,"volume":null,"groups":null}]}""");
        string[] names = ["x.conf", "bad.conf", "none.json", "nulls.json"];
        Assert.Equal(2, await Run([.. args.Select(arg => names.Contains(arg) ? Path.Combine(_file.Folder, arg) : arg)]));
        string error = _error.ToString().Replace(_file.Folder + "/", "", StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(1, error.Count(c => c == '\n'));
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task List_shows_the_shipped_files_or_those_of_a_directory()
    {
        Assert.Equal(0, await Run("list"));
        Assert.Matches(@"(?m)^flush-storm +32 queue-drain ring-drain fifo fair +One reader", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await Run("list", _file.Folder));
        Assert.Matches(@"\Aexperiment +guests policies +description *\nx +3 fair fifo +a reader beside two that flush *\n\z", _output.ToString());
    }

    [Fact]
    public async Task A_shipped_file_is_found_by_its_name()
    {
        Assert.Equal(0, await Run("run", "discard-burst", "--policy", "fair", "--seed", "1", "--output", Results));
        Assert.Equal("discard-burst", ReadReport().Name);
    }

    [Fact]
    public async Task Compare_sets_two_reports_side_by_side()
    {
        string other = Path.Combine(_file.Folder, "other");
        Assert.Equal(0, await Run("run", _file.Path, "--output", Results));
        Assert.Equal(0, await Run("run", _file.Path, "--policy", "fair", "--output", other));
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await Run("compare", Path.Combine(Results, "report.json"), Path.Combine(other, "report.json")));
        Assert.Matches(@"(?m)^fair +reader +throughput +[\d,]+.* 1\.000 *$", _output.ToString());
        Assert.Matches(@"(?m)^fifo +reader +throughput +[\d,]+.* - +- *$", _output.ToString());
    }

    private ExperimentReport ReadReport()
    {
        using FileStream json = File.OpenRead(Path.Combine(Results, "report.json"));
        return ExperimentFiles.ReadJson(json);
    }

    private Task<int> Run(params string[] args) => Run(CancellationToken.None, args);

    private Task<int> Run(CancellationToken cancellation, params string[] args) => SchedulerCommandLine.RunAsync(
        ["experiment", .. args], _output, _error, (_, _) => Task.FromResult(0), cancellation);
}
