using System.Diagnostics;
using System.Text.RegularExpressions;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Tests.CommandLine.Admin;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Host.Tests.CommandLine.Top;

/// <summary><c>scheduler top</c> at a terminal: what it shows, its keys, and how it leaves the terminal.</summary>
public sealed class TmuxTests : IAsyncLifetime
{
    // The pane's state: other screen, cursor, wrapping, application keys.
    private const string AsUsual = "0 1 1 0 0";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _socket = Path.Combine(Path.GetTempPath(), $"scheduler-test-{Guid.NewGuid():N}");
    private StandInService _service = null!;

    public async Task InitializeAsync()
    {
        _service = await StandInService.StartAsync();
        _service.Stats = new GrowingStats().Next;
    }

    public async Task DisposeAsync()
    {
        if (File.Exists(_socket))
            _ = Tmux("kill-server");
        File.Delete(_socket);
        await _service.DisposeAsync();
    }

    [SkippableTheory]
    [InlineData("q")]
    [InlineData("C-c")]
    public async Task It_shows_figures_until_it_is_left_and_the_terminal_is_as_before(string key)
    {
        await StartAsync();
        await SeeAsync("g1 +vol0 +300 +75.0 +300 +1.2 +2.00 +30 ");
        Assert.Equal("1 0 0", Tmux("display", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}"));
        Press(key);
        await SeeAsync(@"^code 0\b");
        Assert.Equal(AsUsual, State());
        Type("stty -a | grep -o '[-]*icanon\\|[-]*echo '");
        await SeeAsync("^icanon\n^echo");
        Assert.DoesNotContain("vol0", Screen(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Keys_change_the_order()
    {
        await StartAsync();
        await SeeAsync("share % v(.|\n)*g1 (.|\n)*g0 ");
        Press("r");
        await SeeAsync(@"share % \^(.|\n)*g0 (.|\n)*g1 ");
        Press("Left", "<");
        await SeeAsync(@"volume \^ +weight");
        Press(">", "Right", "Right");
        await SeeAsync(@"share % +IOPS \^");
    }

    [SkippableFact]
    public async Task It_fits_a_window_that_becomes_smaller()
    {
        await StartAsync();
        await SeeAsync("g0 ");
        _ = Tmux("resize-window", "-x", "50", "-y", "8");
        await SeeAsync("and 2 more guests");
        Assert.Equal(8, Screen().Split('\n').Length);
        Assert.StartsWith("scheduler top", Screen(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task While_it_is_stopped_the_terminal_is_as_before()
    {
        await StartAsync();
        await SeeAsync("g0 ");
        Press("C-z");
        await SeeAsync("Stopped");
        Assert.Equal("0 1 1", Tmux("display", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}"));
        Type("fg; echo left $?");
        await SeeAsync("g0 ");
        Press("q");
        await SeeAsync("^left 0");
        Assert.Equal(AsUsual, State());
    }

    [SkippableFact]
    public async Task A_service_that_goes_away_is_waited_for()
    {
        await StartAsync();
        await SeeAsync("g0 ");
        _service.Token = "s3cret";
        await SeeAsync("^a token is needed(.|\n)*g0 ");
        _service.Token = null;
        await SeeAsync("^scheduler top +http");
    }

    private async Task StartAsync()
    {
        Requires.Tool("tmux");
        _ = Tmux("-f", "/dev/null", "new-session", "-d", "-x", "130", "-y", "20", "env -u TMUX PS1='$ ' bash --norc");
        await SeeAsync(@"^\$");
        Type($"dotnet {typeof(ServeCommand).Assembly.Location} top --interval 200ms --admin {_service.Url}; echo code $?");
    }

    private string State() => Tmux("display", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag} #{keypad_cursor_flag} #{keypad_flag}");

    private string Screen() => Tmux("capture-pane", "-p");

    private void Press(params string[] keys) => Tmux(["send-keys", .. keys]);

    private void Type(string text)
    {
        _ = Tmux("send-keys", "-l", text);
        Press("Enter");
    }

    // Waits until the screen looks like that.
    private async Task SeeAsync(string pattern)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < s_patience; await Task.Delay(50))
        {
            if (Regex.IsMatch(Screen(), pattern, RegexOptions.Multiline))
                return;
        }

        Assert.Matches(pattern, Screen());
    }

    private string Tmux(params string[] args)
    {
        using Process process = Process.Start(new ProcessStartInfo("tmux", ["-S", _socket, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error.Result);
        return output.TrimEnd('\n');
    }
}
