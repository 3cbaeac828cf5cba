using System.Diagnostics;
using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary>The built program as its users start it.</summary>
public class ProgramTests
{
    [Fact]
    public async Task A_bad_value_is_one_line_on_standard_error_and_exit_code_2()
    {
        (int code, string output, string error) = await Run("serve", "--set", "volumes.vol0.size=4GX");
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Equal("--set: scheduler.volumes.vol0.size: '4GX' is not a size; write e.g. 4GiB\n", error);
    }

    [Fact]
    public async Task Version_is_printed()
    {
        (int code, string output, string error) = await Run("--version");
        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", output);
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] args)
    {
        ProcessStartInfo start = new("dotnet", [typeof(ServeCommand).Assembly.Location, .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        return (process.ExitCode, await output, await error);
    }
}
