using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary><c>scheduler simulate</c>: what it prints, and its exit codes.</summary>
public sealed class SimulateCommandTests
{
    [Fact]
    public async Task It_prints_seed_and_options_first_and_repeats_itself()
    {
        (int first, string once) = await RunAsync("--seed", "7", "--guests", "2", "--steps", "600", "--faults", "power");
        (int second, string again) = await RunAsync("--seed", "7", "--guests", "2", "--steps", "600", "--faults", "power");
        Assert.Equal((0, 0), (first, second));
        Assert.Contains("--seed 7", once.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal(once.Split('\n')[0], again.Split('\n')[0]);
    }

    [Theory]
    [InlineData("--seed", "x")]
    [InlineData("--guests", "65")]
    [InlineData("--steps", "-1")]
    [InlineData("--faults", "some")]
    [InlineData("--for", "20")]
    public async Task A_bad_option_is_refused(string option, string value)
    {
        (int code, string text) = await RunAsync(option, value);
        Assert.Equal(SchedulerCommandLine.ExitUsage, code);
        Assert.Contains(value, text, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] options)
    {
        StringWriter text = new();
        int code = await SchedulerCommandLine.RunAsync(["simulate", .. options], text, text, (_, _) => Task.FromResult(0), CancellationToken.None);
        return (code, text.ToString());
    }
}
