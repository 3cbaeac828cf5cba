using System.CommandLine;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler completion bash|zsh|fish</c></summary>
internal static class CompletionCommand
{
    // All of them hand the text up to the cursor, without the program's name, to the directive that knows what may follow.
    // The program that is asked is the one whose command line it is: there may be several.
    private const string Bash = """
        # bash completion of scheduler: source <(scheduler completion bash)
        _scheduler() {
            local program=${COMP_WORDS[0]} line=${COMP_LINE:0:COMP_POINT}
            local text=${line#*"$program"} word=${COMP_WORDS[COMP_CWORD]}
            mapfile -t COMPREPLY < <(compgen -W "$("$program" "[suggest:${#text}]" "$text" 2>/dev/null)" -- "$word")
        }
        complete -o default -F _scheduler scheduler
        """;

    private const string Zsh = """
        #compdef scheduler
        # zsh completion of scheduler: source <(scheduler completion zsh), after compinit
        _scheduler() {
            local text=" ${(j: :)words[2,CURRENT]}"
            local -a found=("${(@f)$(${words[1]} "[suggest:${#text}]" "$text" 2>/dev/null)}")
            compadd -a found || _files
        }
        compdef _scheduler scheduler
        """;

    private const string Fish = """
        # fish completion of scheduler: scheduler completion fish | source
        function __scheduler_complete
            set -l program (commandline -opc)[1]
            set -l text (string replace -r '^\s*\S+' '' -- (commandline -cp))
            $program "[suggest:"(string length -- $text)"]" $text 2>/dev/null
        end
        complete -c scheduler -a '(__scheduler_complete)'
        """;

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        Argument<string> shell = new Argument<string>("SHELL") { Description = "Which shell completes" }.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completion", "Prints a script that has a shell complete commands, options and names.") { shell };
        command.SetAction(async (parsed, _) =>
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync(parsed.GetValue(shell) switch
            {
                "zsh" => Zsh,
                "fish" => Fish,
                _ => Bash,
            });
            return 0;
        });
        return command;
    }
}
