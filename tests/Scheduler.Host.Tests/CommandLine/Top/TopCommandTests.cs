using System.Globalization;
using System.Text.Json;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Tests.CommandLine.Admin;

namespace Scheduler.Host.Tests.CommandLine.Top;

/// <summary><c>scheduler top</c> where there is no terminal.</summary>
public sealed class TopCommandTests : IAsyncLifetime
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private StandInService _service = null!;

    public async Task InitializeAsync()
    {
        _service = await StandInService.StartAsync();
        _service.Stats = new GrowingStats().Next;
    }

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await _output.DisposeAsync();
        await _error.DisposeAsync();
    }

    [Fact]
    public async Task Once_is_one_picture_of_one_interval()
    {
        Assert.Equal(0, await Run("--once", "--interval", "100ms", "--sort", "guest"));
        string[] lines = [.. _output.ToString().Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Equal(
            [
                "volume state policy IOPS MB/s flush/s device flush/s served by one queued in flight depth",
                "vol0 ok fair 400 1.6 40 10 4.0 2 1 32",
                "",
                "guest v volume weight share % IOPS MB/s latency ms flush/s drain ms/s rings queued in flight",
                "g0 vol0 100 25.0 100 0.4 2.00 10 5.0 1 7 1",
                "g1 vol0 300 75.0 300 1.2 2.00 30 5.0 1 7 1",
                "",
            ],
            lines);
    }

    [Fact]
    public async Task As_JSON_it_is_a_line_for_each_interval()
    {
        Assert.Equal(0, await Run("--once", "--json", "--interval", "100ms"));
        using JsonDocument line = JsonDocument.Parse(_output.ToString());
        Assert.Equal(1, line.RootElement.GetProperty("seconds").GetDouble());
        Assert.Equal("vol0 4", $"{line.RootElement.GetProperty("volumes")[0].GetProperty("volume")} {line.RootElement.GetProperty("volumes")[0].GetProperty("servedPerFlush")}");
        Assert.Equal([0.25, 0.75], line.RootElement.GetProperty("guests").EnumerateArray().Select(guest => guest.GetProperty("share").GetDouble()));
    }

    [Fact]
    public async Task Into_a_pipe_it_goes_on_until_it_is_told_to_stop()
    {
        using CancellationTokenSource stop = new();
        int asked = 0;
        GrowingStats stats = new();
        _service.Stats = () =>
        {
            if (++asked == 4)
                stop.Cancel();
            return stats.Next();
        };
        Assert.Equal(0, await SchedulerCommandLine.RunAsync(
            ["top", "--interval", "100ms", "--admin", _service.Url], _output, _error, (_, _) => Task.FromResult(0), stop.Token));
        Assert.Equal(2, _output.ToString().Split("served by one").Length - 1);
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task What_is_wrong_is_one_line()
    {
        Assert.Equal(2, await Run("--sort", "size"));
        Assert.StartsWith("--sort: 'size' is not one of guest, volume, weight, share,", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, await Run("--interval", "1ms"));
        _service.Stats = () => """{"at":"2026-01-01T00:00:00Z","guests":[]}""";
        Assert.Equal(1, await Run("--once"));
        Assert.Contains("is not a scheduler's admin address", _error.ToString(), StringComparison.Ordinal);
    }

    private Task<int> Run(params string[] args) =>
        SchedulerCommandLine.RunAsync(["top", .. args, "--admin", _service.Url], _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}

/// <summary>Figures of a service that does the same each second; each time it is asked, one has gone by.</summary>
internal sealed class GrowingStats
{
    private int _seconds;

    public string Next()
    {
        int seconds = Interlocked.Increment(ref _seconds);
        string at = new DateTime(2026, 1, 2, 3, 4, 0, DateTimeKind.Utc).AddSeconds(seconds).ToString("O");
        string guests = string.Join(',', new[] { 1, 3 }.Select(part => string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"volume":"vol0","guest":"g{{part / 2}}","weight":{{part * 100}},"deviceTimeSeconds":{{seconds * part * 0.25}},"requests":{"read":{{seconds * part * 100}},"flush":{{seconds * part * 10}}},
             "bytes":{"read":{{seconds * part * 409_600}}},"flushRequests":{{seconds * part * 10}},"rings":1,"queued":7,"inFlight":1,
             "latencySecondsSum":{{seconds * part * 0.22}},"latencyCount":{{seconds * part * 110}},"drainSecondsSum":{{seconds * 0.005}},"novel":1}
            """)));
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"at":"{{at}}","guests":[{{guests}}],
             "volumes":[{"name":"vol0","policy":"fair","depth":32,"inFlight":1,"queued":2,"deviceFlushes":{{seconds * 10}},"flushesServed":{{seconds * 40}},"fenced":false,"stopped":false}]}
            """);
    }
}
