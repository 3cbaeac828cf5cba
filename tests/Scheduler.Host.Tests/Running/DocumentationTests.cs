using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Host.Tests.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.Running;

/// <summary>The README says what the program does.</summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public async Task The_README_lists_the_metrics_that_there_are()
    {
        string directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
        try
        {
            SortedSet<string> documented = [.. MetricName().Matches(Readme()).Select(match => match.Value)];
            Assert.Equal(documented, await ScrapedNames(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("config", "check")]
    [InlineData("config", "show")]
    [InlineData("experiment", "run")]
    [InlineData("fault", "list")]
    [InlineData("fault", "clear")]
    [InlineData("guest", "list")]
    [InlineData("guest", "delete")]
    [InlineData("disk", "detach")]
    [InlineData("token", "create")]
    [InlineData("history")]
    [InlineData("top")]
    [InlineData("calibrate")]
    [InlineData("load")]
    [InlineData("journal", "check")]
    [InlineData("journal", "export")]
    [InlineData("journal", "import")]
    public async Task The_README_names_the_options_of(params string[] command)
    {
        StringWriter help = new();
        _ = await SchedulerCommandLine.RunAsync([.. command, "--help"], help, help, (_, _) => Task.FromResult(0), CancellationToken.None);
        IEnumerable<string> options = Option().Matches(help.ToString()).Select(match => match.Value).Distinct().Where(option => option is not "--help" and not "--version");
        Assert.NotEmpty(options);
        Assert.All(options, option => Assert.Contains(option, Readme(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_and_README_say_what_exit_codes_mean()
    {
        StringWriter help = new();
        _ = await SchedulerCommandLine.RunAsync(["--help"], help, help, (_, _) => Task.FromResult(0), CancellationToken.None);
        Assert.Contains(SchedulerCommandLine.ExitCodes, OnOneLine(help.ToString()), StringComparison.Ordinal);
        Assert.Contains(SchedulerCommandLine.ExitCodes, OnOneLine(Readme()), StringComparison.Ordinal);
    }

    [Fact]
    public void The_README_of_experiments_lists_the_keys_that_there_are()
    {
        string section = Between(ExperimentsReadme(), "| section | keys |", "\n\n");
        SortedSet<string> documented = [];
        foreach (Match row in KeyRow().Matches(section))
        {
            string prefix = row.Groups[1].Value switch
            {
                "(top)" => "",
                "`expect`, a list" => "expect.",
                string name => name.Trim('`').Replace("NAME", "<name>", StringComparison.Ordinal) + ".",
            };
            documented.UnionWith(Quoted().Matches(row.Groups[2].Value).Select(key => prefix + key.Groups[1].Value));
        }

        Assert.Equal(new SortedSet<string>(ExperimentLoaderTests.ReferenceKeys().Select(item => item.Key)), documented);
    }

    [Fact]
    public void The_README_of_experiments_lists_the_metrics_that_there_are()
    {
        string table = Between(ExperimentsReadme(), "| metric | unit | of | meaning |\n| --- | --- | --- | --- |\n", "\n\n");
        IEnumerable<string> rows = ExperimentMetrics.All.Select(metric =>
        {
            string of = metric.Scope switch
            {
                MetricScope.Volume => "volume",
                MetricScope.Group => "groups",
                _ => "both",
            };
            return $"| `{metric.Name}` | {metric.Unit} | {of} | {metric.Meaning.Replace("|", "\\|", StringComparison.Ordinal)} |";
        });
        Assert.Equal(rows, table.TrimEnd().Split('\n'));
    }

    [Fact]
    public void The_README_names_no_file_that_is_not_there() =>
        Assert.All(
            RepositoryPath().Matches(Readme()).Select(match => match.Groups[1].Value).Distinct(),
            path => Assert.True(Path.Exists(Path.Combine(Root(), path)), path));

    // The name of each series, without what Prometheus adds to a histogram's.
    private static async Task<SortedSet<string>> ScrapedNames(string directory)
    {
        string file = Path.Combine(directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{directory}}", nbd.listen = ["unix:{{directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
              volumes.v { device = memory, size = 1MiB }
              guests.g {}
              disks.d { volume = v, guest = g, offset = 0, size = 1MiB }
            }
            """);
        ServiceSettings settings = SettingsLoader.Load(file, []);
        using Observability observability = new(settings.Telemetry, 2000);
        await using Service service = await Service.StartAsync(settings, observability.Volumes, NullLoggerFactory.Instance);
        using (RawClient client = new(service.NbdEndpoints[0], "d"))
            _ = client.Call(Nbd.Protocol.NbdCommand.Write, 0, 4096);

        // Some of the runtime's metrics are there after a collection.
        GC.Collect();
        ArrayBufferWriter<byte> text = new();
        Assert.True(observability.Prometheus.TryScrape(text));
        _ = await service.StopAsync();
        return [.. TypeLine().Matches(Encoding.UTF8.GetString(text.WrittenSpan)).Select(match => match.Groups[1].Value)];
    }

    private static string OnOneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Readme() => File.ReadAllText(Path.Combine(Root(), "README.md"));

    private static string ExperimentsReadme() => File.ReadAllText(Path.Combine(Root(), "hocon", "experiments", "README.md"));

    private static string Between(string text, string start, string end)
    {
        int from = text.IndexOf(start, StringComparison.Ordinal) + start.Length;
        int to = text.IndexOf(end, from, StringComparison.Ordinal);
        return to < 0 ? text[from..] : text[from..to];
    }

    private static string Root([CallerFilePath] string here = "")
    {
        string? folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Scheduler.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the repository's root was not found above " + here);
    }

    [GeneratedRegex(@"(?:scheduler|dotnet)_[a-z_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"^# TYPE (\S+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"--[a-z][a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"^\| ([^|]+) \| ([^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex KeyRow();

    [GeneratedRegex(@"`([a-z-]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"`((?:actors|storage|hosting|hocon|tests)/[A-Za-z0-9./_-]+)`")]
    private static partial Regex RepositoryPath();
}
