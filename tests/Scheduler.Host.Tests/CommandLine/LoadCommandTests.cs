using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary><c>scheduler load</c> against a running service.</summary>
public sealed class LoadCommandTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly VolumeTelemetry _telemetry = new();
    private Service _service = null!;

    public async Task InitializeAsync()
    {
        string file = Path.Combine(_directory, "test.conf");
        await File.WriteAllTextAsync(file, $$"""
            scheduler {
              data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock", "tcp://127.0.0.1:0"], admin.listen = "http://127.0.0.1:0"
              rings.listen = "unix:{{_directory}}/rings.sock"
              volumes.v { device = memory, size = 16MiB }
              guests { g0 {}, g1 {} }
              disks {
                a { volume = v, guest = g0, offset = 0, size = 8MiB, ordered = tag-flush }
                b { volume = v, guest = g1, offset = 8MiB, size = 8MiB }
              }
            }
            """);
        _service = await Service.StartAsync(SettingsLoader.Load(file, []), _telemetry, NullLoggerFactory.Instance);
    }

    public async Task DisposeAsync()
    {
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _telemetry.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("blkif", "--depth", "32", "--block", "4KiB", "--barriers", "4", "--flushes", "8")]
    [InlineData("blkif", "--depth", "1", "--block", "1MiB")]
    [InlineData("blkif", "--depth", "48", "--block", "64KiB", "--guests", "2")]
    [InlineData("unix", "--depth", "32", "--block", "4KiB", "--flushes", "8")]
    [InlineData("tcp", "--depth", "1", "--block", "128KiB", "--guests", "2")]
    public async Task Every_request_that_it_counts_was_answered_by_the_service(string how, params string[] options)
    {
        string address = how switch
        {
            "blkif" => $"blkif:{_directory}/rings.sock",
            "unix" => $"nbd+unix:{_directory}/nbd.sock",
            _ => $"nbd://{_service.NbdEndpoints[1]}",
        };
        VolumeStatus status = _service.Volumes[0].Status;

        int code = await RunAsync(["load", address, "--disk", "a", "--operations", "mixed", "--duration", "300ms", "--json", .. options]);

        Assert.True(code == 0, _error.ToString());
        using JsonDocument result = JsonDocument.Parse(_output.ToString());
        JsonElement operations = result.RootElement.GetProperty("operations");
        Dictionary<string, long> counted = operations.EnumerateObject().ToDictionary(op => op.Name, op => op.Value.GetProperty("requests").GetInt64());
        long served = Enumerable.Range(0, VolumeStatus.OpNames.Count).Sum(op => status.Requests(0, op));
        int underWay = int.Parse(options[1], System.Globalization.CultureInfo.InvariantCulture) * (options.Contains("--guests") ? 2 : 1);

        // What was under way at the end was answered, and is not counted.
        Assert.InRange(counted.Values.Sum(), 10, served);
        Assert.InRange(served - counted.Values.Sum(), 0, underWay);
        Assert.Equal(options.Contains("--barriers"), counted.ContainsKey("barrier"));
        Assert.Equal(options.Contains("--flushes"), counted.ContainsKey("flush"));
        Assert.All(["p50Seconds", "p99Seconds"], name => Assert.InRange(result.RootElement.GetProperty("all").GetProperty(name).GetDouble(), 1e-7, 10));
        Assert.Equal(how == "tcp", result.RootElement.GetProperty("serviceCpuSecondsPerMillion").ValueKind == JsonValueKind.Null);
    }

    [Fact]
    public async Task As_text_it_is_a_table()
    {
        Assert.Equal(0, await RunAsync(["load", $"blkif:{_directory}/rings.sock", "--disk", "a", "--disk", "b", "--duration", "200ms", "--depth", "4"]));
        Assert.Matches("(?s)per second.*all, flushes apart.*read.*guest of a.*guest of b.*a million requests", _output.ToString());
    }

    [Theory]
    [InlineData("disk 'c'", "--disk", "c")]
    [InlineData("takes no barriers here", "--disk", "b", "--operations", "write", "--barriers", "2")]
    [InlineData("blocks of 44 KiB at most", "--disk", "a", "--operations", "write", "--barriers", "2", "--block", "64KiB")]
    public async Task What_the_service_has_not_is_an_error_of_a_line(string problem, params string[] options)
    {
        Assert.Equal(LoadCommand.ExitFailed, await RunAsync(["load", $"blkif:{_directory}/rings.sock", .. options]));
        Assert.Contains(problem, Assert.Single(_error.ToString().TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", "--disk", "a")]
    [InlineData("nbd://example.org", "--disk", "a")]
    [InlineData("blkif:x", "--disk", "a", "--depth", "0")]
    [InlineData("blkif:x", "--disk", "a", "--depth", "513")]
    [InlineData("blkif:x", "--disk", "a", "--block", "512")]
    [InlineData("blkif:x", "--disk", "a", "--block", "2MiB")]
    [InlineData("blkif:x", "--disk", "a", "--operations", "erase")]
    [InlineData("blkif:x")]
    public async Task A_wrong_command_line_is_refused(params string[] arguments)
    {
        Assert.Equal(SchedulerCommandLine.ExitUsage, await RunAsync(["load", .. arguments]));
        Assert.Single(_error.ToString().TrimEnd().Split('\n'));
    }

    private Task<int> RunAsync(string[] arguments) =>
        SchedulerCommandLine.RunAsync(arguments, _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}
