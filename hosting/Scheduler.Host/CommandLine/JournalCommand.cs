using System.CommandLine;
using System.Globalization;
using Scheduler.Actors;
using Scheduler.Host.Running;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler journal check | export | import</c></summary>
public static class JournalCommand
{
    /// <summary>Exit code when a journal can't be used, or is damaged.</summary>
    public const int ExitFailed = 1;

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create() => new("journal", "Looks after the event journal, whether the service runs or not.")
    {
        Check(),
        Export(),
        Import(),
    };

    private static Command Check()
    {
        Option<string> journal = JournalOption();
        Command command = new("check", "Looks for damage, missing events, and events and snapshots that the service could not read. Changes nothing.") { journal };
        command.SetAction((parsed, cancellation) => RunAsync(parsed, parsed.GetValue(journal)!, create: false, async (opened, output) =>
        {
            JournalFindings found = await JournalCheck.RunAsync(opened, ProblemOf, cancellation);
            foreach (string problem in found.Problems)
                await output.WriteLineAsync(problem.ReplaceLineEndings(" "));
            string problems = found.Problems.Count switch
            {
                0 => "no problem",
                JournalCheck.ProblemsMax => $"{JournalCheck.ProblemsMax} problems or more",
                int count => count.ToString(CultureInfo.InvariantCulture) + (count == 1 ? " problem" : " problems"),
            };
            await output.WriteLineAsync($"{opened.Name}: {Counts(found.Events, found.Snapshots)} of {found.PersistenceIds} persistence ids, {problems}");
            return found.Problems.Count == 0 ? 0 : ExitFailed;
        }));
        return command;
    }

    // What is of another program, whose serializer it names, is that program's to judge.
    private static string? ProblemOf(string? manifest, int serializer, ReadOnlyMemory<byte> text)
    {
        if (serializer != EventFormat.SerializerId)
            return null;
        try
        {
            _ = Service.JournalFormat.Read(manifest ?? "", serializer, text, "it");
            return null;
        }
        catch (PersistenceException exception)
        {
            return exception.Message;
        }
    }

    private static Command Export()
    {
        Option<string> journal = JournalOption();
        Option<string?> file = new("--output") { Description = "Where to write. Default: standard output", HelpName = "FILE" };
        Command command = new("export", "Writes all events and snapshots as lines of JSON.") { journal, file };
        command.SetAction((parsed, cancellation) => RunAsync(parsed, parsed.GetValue(journal)!, create: false, async (opened, output) =>
        {
            if (parsed.GetValue(file) is not string path)
            {
                _ = await JournalArchive.ExportAsync(opened, output, cancellation);
                return 0;
            }

            // A file that is there may be the only copy of another journal.
            await using StreamWriter writer = new(new FileStream(path, FileMode.CreateNew, FileAccess.Write));
            (long events, long snapshots) = await JournalArchive.ExportAsync(opened, writer, cancellation);
            await output.WriteLineAsync($"{path}: {Counts(events, snapshots)}");
            return 0;
        }));
        return command;
    }

    private static Command Import()
    {
        Option<string> journal = JournalOption();
        Argument<string> file = new("FILE") { Description = "What export has written" };
        Command command = new("import", "Fills an empty or new journal with what export has written, all or nothing.") { file, journal };
        command.SetAction((parsed, cancellation) => RunAsync(parsed, parsed.GetValue(journal)!, create: true, async (opened, output) =>
        {
            string path = parsed.GetValue(file)!;
            using StreamReader reader = new(path);
            try
            {
                if (await JournalArchive.ImportAsync(opened, reader, cancellation) is not (long events, long snapshots))
                    throw new JournalUnavailableException($"Journal {opened.Name}: it is not empty, so nothing was imported; name another one");
                await output.WriteLineAsync($"{opened.Name}: {Counts(events, snapshots)}");
                return 0;
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"{path}: {e.Message}; nothing was imported", e);
            }
        }));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, string place, bool create, Func<SqlJournal, TextWriter, Task<int>> run)
    {
        try
        {
            await using SqlJournal journal = await EventJournals.OpenAsync(place, create);
            return await run(journal, parsed.InvocationConfiguration.Output);
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalDamagedException
            or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message.ReplaceLineEndings(" "));
            return ExitFailed;
        }
    }

    private static string Counts(long events, long snapshots) => string.Create(
        CultureInfo.InvariantCulture, $"{events} {(events == 1 ? "event" : "events")}, {snapshots} {(snapshots == 1 ? "snapshot" : "snapshots")}");

    private static Option<string> JournalOption() => new("--journal")
    {
        Description = "A SQLite file's path, or a PostgreSQL connection string: Host=...;Database=...;Username=...",
        HelpName = "JOURNAL",
        Required = true,
    };
}
