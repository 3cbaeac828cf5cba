using System.Diagnostics;
using System.Text.Json.Nodes;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Tests.CommandLine.Admin;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary>What bash itself offers after it has read the script.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("scheduler gu", "guest")]
    [InlineData("scheduler guest ", "delete list set show")]
    [InlineData("scheduler guest set web --w", "--weight")]
    [InlineData("scheduler volume set v --cache ", "buffered direct dsync")]
    [InlineData("scheduler token create ci --role o", "operator")]
    [InlineData("scheduler top --sort la", "latency")]
    [InlineData("scheduler completion ", "bash fish zsh")]
    public async Task It_completes_commands_options_and_values(string line, string expected) => Assert.Equal(expected, await CompleteAsync(line));

    [Fact]
    public async Task It_completes_what_the_service_holds()
    {
        await using StandInService service = await StandInService.StartAsync();
        foreach (string name in (string[])["web", "web-2", "db"])
            service.Entities["guests"][name] = JsonNode.Parse($$"""{"name":"{{name}}"}""")!.AsObject();
        Assert.Equal("web web-2", await CompleteAsync($"scheduler guest --admin {service.Url} show we"));
        service.Token = "wanted";
        Assert.Equal("", await CompleteAsync($"scheduler guest --admin {service.Url} show we"));
    }

    [Fact]
    public async Task There_is_a_script_for_each_shell()
    {
        foreach (string shell in (string[])["bash", "zsh", "fish"])
        {
            using StringWriter text = new();
            Assert.Equal(0, await SchedulerCommandLine.RunAsync(["completion", shell], text, text, (_, _) => Task.FromResult(0), CancellationToken.None));
            Assert.StartsWith($"# {shell} completion", text.ToString().Replace("#compdef scheduler\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Equal(2, await SchedulerCommandLine.RunAsync(["completion", "sh"], text, text, (_, _) => Task.FromResult(0), CancellationToken.None));
        }
    }

    // What bash does when somebody presses the tabulator: the words, the line, and the function that the script has named.
    private static async Task<string> CompleteAsync(string line)
    {
        const string Press = """
            scheduler() { dotnet "$PROGRAM" "$@"; }
            source <(scheduler completion bash)
            COMP_LINE=$1 COMP_POINT=${#1}
            read -ra COMP_WORDS <<<"$1"
            [[ $1 == *' ' ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            function=$(complete -p scheduler | sed -E 's/.*-F (\S+) .*/\1/')
            "$function" scheduler "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\n' "${COMPREPLY[@]}" | grep -v '^-[-?h]*\(help\)\?$\|^--\(admin\|ca\|token-file\)$' | sort | paste -sd' '
            """;
        ProcessStartInfo start = new("bash", ["--norc", "-c", Press, "bash", line])
        {
            RedirectStandardOutput = true,
            Environment = { ["PROGRAM"] = typeof(ServeCommand).Assembly.Location },
        };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
        await process.WaitForExitAsync();
        return output.Trim();
    }
}
