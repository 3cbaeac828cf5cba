using System.Diagnostics;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>Runs a program to its end, within a time limit.</summary>
internal static class Tool
{
    public static readonly TimeSpan OrdinaryLimit = TimeSpan.FromSeconds(60);

    public static ToolResult Run(string program, params string[] arguments) => Run(OrdinaryLimit, program, arguments);

    public static ToolResult Run(TimeSpan limit, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        SetEnvironment(start);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(limit);
        if (!ended)
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        string commandLine = $"{program} {string.Join(' ', arguments)}";
        return new ToolResult(
            commandLine, ended ? process.ExitCode : null, output.Result.Trim(), error.Result.Trim());
    }

    /// <summary>Messages in English, and programs for administrators found.</summary>
    public static void SetEnvironment(ProcessStartInfo start)
    {
        start.Environment["LC_ALL"] = "C";
        start.Environment["PATH"] = string.Join(':', Requires.SearchPath);
    }
}

/// <summary>How a program ended.</summary>
/// <param name="CommandLine">What ran.</param>
/// <param name="Status">Exit code; null: it took too long and was killed.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record ToolResult(string CommandLine, int? Status, string Output, string Error)
{
    public ToolResult Succeeded()
    {
        Assert.True(Status == 0, ToString());
        return this;
    }

    public override string ToString() =>
        $"{CommandLine}: {(Status is { } code ? $"exit code {code}" : "took too long")}\n{Output}\n{Error}";
}
