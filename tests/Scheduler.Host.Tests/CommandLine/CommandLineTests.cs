using Scheduler.Host.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Tests.Configuration;

namespace Scheduler.Host.Tests.CommandLine;

public sealed class CommandLineTests : IDisposable
{
    private readonly ConfigFile _file = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private ServiceSettings? _served;

    public void Dispose()
    {
        _file.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Serve_without_options_takes_the_default_file()
    {
        Assert.Equal(0, await Run("serve"));
        Assert.Equal(4, _served!.Disks.Count);
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Serve_takes_a_file_and_settings_in_order()
    {
        Assert.Equal(
            0, await Run("serve", "--set", "guests.g0.weight=1", "--config", _file.Path, "--set=guests.g0.weight=2"));
        Assert.Equal(2, _served!.Guests[0].Weight);
        Assert.Equal(2, _served.Disks.Count);
    }

    [Fact]
    public async Task The_exit_code_is_the_services() => Assert.Equal(7, await RunWith(7, "serve"));

    [Fact]
    public async Task Version_and_help_go_to_the_output()
    {
        Assert.Equal(0, await Run("--version"));
        Assert.Matches(@"^\d+\.\d+\.\d+", _output.ToString());
        Assert.Equal(0, await Run("--help"));
        Assert.Contains("serve", _output.ToString());
        Assert.Equal(0, await Run("serve", "--help"));
        Assert.Contains("--config <FILE>", _output.ToString());
        Assert.Contains("--set <key=value>", _output.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Theory]
    [InlineData("Required command was not provided. See scheduler --help.")]
    [InlineData("'listen' is neither a command nor an option. See scheduler --help.", "listen")]
    [InlineData("'--depth' is neither a command nor an option. See scheduler --help.", "serve", "--depth")]
    [InlineData("'extra' is neither a command nor an option. See scheduler --help.", "serve", "extra")]
    [InlineData("Required argument missing for option: '--config'. See scheduler --help.", "serve", "--config")]
    [InlineData("--set: 'depth' is not key=value", "serve", "--set", "depth")]
    [InlineData("--set: '=4' is not key=value", "serve", "--set", "=4")]
    [InlineData("--set: expected a key, found '{'", "serve", "--set", "{}=4")]
    [InlineData("--set: scheduler.xyzzy: unknown key", "serve", "--set", "xyzzy=4")]
    [InlineData("none.conf: no such file", "serve", "--config", "none.conf")]
    [InlineData("@none.conf: no such file", "serve", "--config", "@none.conf")]
    [InlineData("--config: needs the name of a file", "serve", "--config", "")]
    public async Task A_usage_error_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        Assert.Equal(2, await Run(args));
        Assert.Equal(message + "\n", _error.ToString());
        Assert.Equal("", _output.ToString());
        Assert.Null(_served);
    }

    [Fact]
    public async Task The_service_is_told_to_stop()
    {
        using CancellationTokenSource stop = new();
        Task<int> running = SchedulerCommandLine.RunAsync(
            ["serve"],
            _output,
            _error,
            async (_, cancellation) =>
            {
                TaskCompletionSource stopped = new();
                using CancellationTokenRegistration registration = cancellation.Register(stopped.SetResult);
                await stopped.Task;
                return 0;
            },
            stop.Token);
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        Assert.Equal(0, await running);
    }

    private Task<int> Run(params string[] args) => RunWith(0, args);

    private Task<int> RunWith(int exitCode, params string[] args) => SchedulerCommandLine.RunAsync(
        args,
        _output,
        _error,
        (source, _) =>
        {
            _served = source.Load();
            return Task.FromResult(exitCode);
        },
        CancellationToken.None);
}
