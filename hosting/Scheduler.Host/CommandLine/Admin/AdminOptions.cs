using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;
using Scheduler.Host.Api;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary>The options that say which service is asked, and with which token: those of all commands that ask one.</summary>
internal sealed class AdminOptions
{
    /// <summary>Exit code when the service can't be asked, or refuses.</summary>
    public const int ExitFailed = 1;

    /// <summary>The environment variable that has the admin token: other users can read a command line, but not this.</summary>
    internal const string TokenVariable = "SCHEDULER_TOKEN";

    private const string DefaultAddress = "http://127.0.0.1:8080";

    // A token is far shorter; whatever is longer is another file.
    private const int TokenLengthMax = 4096;

    // Somebody waits at a key.
    private static readonly TimeSpan s_completionTimeMax = TimeSpan.FromSeconds(1);

    private readonly Option<string> _address = new("--admin")
    {
        Description = "The running service's admin.listen: http[s]://address:port or unix:path",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => DefaultAddress,
        Recursive = true,
    };

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        Description = $"File with the admin token. Default: the environment variable {TokenVariable}, if it is set",
        HelpName = "FILE",
        Recursive = true,
    };

    private readonly Option<string?> _ca = new("--ca")
    {
        Description = "For https: PEM file of the CA that issued the service's certificate. Default: those of the system",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>Makes them.</summary>
    public AdminOptions() => _address.Validators.Add(result =>
    {
        if (!result.Implicit && !AdminClient.IsAddress(result.Tokens[0].Value))
            result.AddError($"--admin: '{result.Tokens[0].Value}' is not an address; write e.g. {DefaultAddress} or unix:path");
    });

    /// <summary>Gives them to a command and those below it.</summary>
    /// <param name="command">The command.</param>
    /// <returns>The command.</returns>
    public Command AddTo(Command command)
    {
        command.Add(_address);
        command.Add(_tokenFile);
        command.Add(_ca);
        return command;
    }

    /// <summary>Which service they name.</summary>
    /// <param name="parsed">The command line.</param>
    public string Address(ParseResult parsed) => parsed.GetValue(_address)!;

    /// <summary>Does something with the service that they name, and says in one line why it could not.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ask">What to do.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> AskAsync(ParseResult parsed, Func<AdminClient, Task> ask)
    {
        string problem;
        try
        {
            using AdminClient client = Connect(parsed);
            await ask(client);
            return 0;
        }
        catch (AdminException e)
        {
            problem = e.Message;
        }
        catch (OperationCanceledException)
        {
            problem = "cut short; the service may still do what was asked";
        }

        await parsed.InvocationConfiguration.Error.WriteLineAsync(Terminal.Printable(problem));
        return ExitFailed;
    }

    /// <summary>Has a shell complete names of what the service holds, if it answers in time.</summary>
    /// <param name="argument">What to complete.</param>
    /// <param name="path">Where the API has those that are meant.</param>
    /// <returns>The argument.</returns>
    public Argument<string> Completed(Argument<string> argument, string path)
    {
        argument.CompletionSources.Add(context =>
        {
            // Help asks too, without a command line.
            if (context is not TextCompletionContext)
                return Enumerable.Empty<string>();
            try
            {
                using AdminClient client = Connect(context.ParseResult);
                using CancellationTokenSource late = new(s_completionTimeMax);
                return [.. client.ListAsync(path, late.Token).GetAwaiter().GetResult().Select(item => FieldType.TextOf(AdminView.Value(item, "name")))];
            }
            catch (Exception e) when (e is AdminException or OperationCanceledException or InvalidOperationException)
            {
                // Without a service, or with a command line that is not complete, there is nothing to complete.
                return [];
            }
        });
        return argument;
    }

    private AdminClient Connect(ParseResult parsed)
    {
        string? variable = Environment.GetEnvironmentVariable(TokenVariable);
        string? token = parsed.GetValue(_tokenFile) is { } file ? Checked(Read(file), $"--token-file {file}")
            : string.IsNullOrEmpty(variable) ? null
            : Checked(variable, TokenVariable);
        return new AdminClient(Address(parsed), token, parsed.GetValue(_ca));
    }

    private static string Read(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            byte[] bytes = new byte[TokenLengthMax];
            int count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return Encoding.UTF8.GetString(bytes, 0, count);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AdminException($"--token-file {file}: {e.Message}");
        }
    }

    // What goes into a header: one word, and never into a message.
    private static string Checked(string text, string where)
    {
        string token = text.Trim();
        return token.Length is > 0 and < TokenLengthMax && token.All(c => c is > ' ' and <= '~')
            ? token
            : throw new AdminException($"{where}: there is no token in it; it holds one line, as scheduler token create prints it");
    }
}
