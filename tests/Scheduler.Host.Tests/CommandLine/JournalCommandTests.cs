using System.Text;
using Scheduler.Actors;
using Scheduler.Host.CommandLine;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Tests.CommandLine;

/// <summary><c>scheduler journal</c>: what it prints, and its exit codes.</summary>
public sealed class JournalCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;

    private string Journal => File("scheduler.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_sound_journal_has_no_problem()
    {
        await FillAsync();
        Assert.Equal((0, $"{Journal}: 3 events, 1 snapshot of 2 persistence ids, no problem\n"), await RunAsync("check", "--journal", Journal));
    }

    [Fact]
    public async Task A_missing_event_is_a_problem()
    {
        await using (SqliteJournal journal = await SqliteJournal.OpenAsync(Journal))
        {
            await journal.SaveSnapshotAsync(new JournalSnapshot("a", 2, "", 1, default));
            await journal.AppendAsync([Event("a", 3, "x")]);
        }

        (int code, string text) = await RunAsync("check", "--journal", Journal);

        Assert.Equal($"a: event 1 is missing, the next one is 3\n{Journal}: 1 event, 1 snapshot of 1 persistence ids, 1 problem\n", text);
        Assert.Equal(JournalCommand.ExitFailed, code);
    }

    [Theory]
    [InlineData("guest-deleted/1", "{", "it (guest-deleted/1) is damaged: ")]
    [InlineData("guest-renamed/1", "{}", "it is 'guest-renamed/1', which this version of the program does not know")]
    public async Task An_event_that_the_service_could_not_read_is_a_problem(string manifest, string message, string problem)
    {
        await using (SqliteJournal journal = await SqliteJournal.OpenAsync(Journal))
            await journal.AppendAsync([new JournalEvent("catalog", 1, manifest, EventFormat.SerializerId, Encoding.UTF8.GetBytes(message))]);

        (int code, string text) = await RunAsync("check", "--journal", Journal);

        Assert.StartsWith($"catalog: event 1: {problem}", text, StringComparison.Ordinal);
        Assert.Equal(JournalCommand.ExitFailed, code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_changed_byte_that_leaves_a_valid_event_or_snapshot_is_a_problem(bool inSnapshot)
    {
        CatalogGuest guest = new() { Name = "g", Weight = 100 };
        (string manifest, byte[] text) = Host.Running.Service.JournalFormat.Write(new EntityAdded<CatalogGuest> { Entity = guest, By = "me", At = DateTimeOffset.UnixEpoch });
        (string snapshotManifest, byte[] snapshot) = Host.Running.Service.JournalFormat.Write(new CatalogSnapshot([], [new RevisedEntity<CatalogGuest>(1, guest)], [], [], []));
        await using (SqliteJournal journal = await SqliteJournal.OpenAsync(Journal))
        {
            await journal.AppendAsync([new JournalEvent("catalog", 1, manifest, EventFormat.SerializerId, inSnapshot ? text : Changed(text))]);
            await journal.SaveSnapshotAsync(new JournalSnapshot("catalog", 1, snapshotManifest, EventFormat.SerializerId, inSnapshot ? Changed(snapshot) : snapshot));
        }

        (int code, string answer) = await RunAsync("check", "--journal", Journal);

        Assert.StartsWith($"catalog: {(inSnapshot ? "snapshot" : "event")} 1: it ({(inSnapshot ? "catalog/2" : "guest-added/2")}) is damaged: its checksum", answer, StringComparison.Ordinal);
        Assert.EndsWith("1 event, 1 snapshot of 1 persistence ids, 1 problem\n", answer, StringComparison.Ordinal);
        Assert.Equal(JournalCommand.ExitFailed, code);

        static byte[] Changed(byte[] text) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text).Replace("\"weight\":100", "\"weight\":900", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_exported_is_imported_as_it_was()
    {
        await FillAsync();
        (int code, string exported) = await RunAsync("export", "--journal", Journal);
        Assert.Equal(0, code);
        string[] lines = exported.TrimEnd().Split('\n');
        Assert.Equal("""{"format":"scheduler-journal","version":1}""", lines[0]);
        Assert.Contains("\"deleted\":true", lines[1], StringComparison.Ordinal);
        Assert.Contains("""
            "message":{"weight": 1.0, "name":"ä"}}
            """, lines[2], StringComparison.Ordinal);
        Assert.Contains("\"message_base64\":\"/w==\"", lines[3], StringComparison.Ordinal);
        Assert.Contains("\"message_base64\":\"ewp9\"", lines[4], StringComparison.Ordinal);
        Assert.Equal("""{"events":4,"snapshots":1}""", lines[^1]);

        Assert.Equal((0, $"{File("e.json")}: 4 events, 1 snapshot\n"), await RunAsync("export", "--journal", Journal, "--output", File("e.json")));
        Assert.Equal(exported, System.IO.File.ReadAllText(File("e.json")));
        Assert.Equal((0, $"{File("copy.db")}: 4 events, 1 snapshot\n"), await RunAsync("import", "--journal", File("copy.db"), File("e.json")));
        Assert.Equal((0, exported), await RunAsync("export", "--journal", File("copy.db")));

        (code, string text) = await RunAsync("import", "--journal", Journal, File("e.json"));
        Assert.Equal(JournalCommand.ExitFailed, code);
        Assert.Contains("it is not empty", text, StringComparison.Ordinal);
        Assert.Equal(JournalCommand.ExitFailed, (await RunAsync("export", "--journal", Journal, "--output", File("e.json"))).Code);
    }

    [Theory]
    [InlineData(-1, "", "it is cut off after line 6")]
    [InlineData(0, "{}", "line 1 is not of a journal's export")]
    [InlineData(0, """{"format":"scheduler-journal","version":2}""", "its version 2 is unknown")]
    [InlineData(2, "x", "line 3 is not of a journal's export")]
    [InlineData(2, """{"event":"a","sequence_number":"1"}""", "line 3 is not of a journal's export")]
    [InlineData(6, """{"events":3,"snapshots":1}""", "there were 4 events and 1 snapshots")]
    public async Task A_wrong_export_changes_nothing(int line, string instead, string expected)
    {
        await FillAsync();
        List<string> lines = [.. (await RunAsync("export", "--journal", Journal)).Text.TrimEnd().Split('\n')];
        if (line < 0)
            lines.RemoveAt(lines.Count - 1);
        else
            lines[line] = instead;
        System.IO.File.WriteAllLines(File("e.json"), lines);

        (int code, string text) = await RunAsync("import", "--journal", File("copy.db"), File("e.json"));

        Assert.Equal(JournalCommand.ExitFailed, code);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.Single(text.TrimEnd().Split('\n'));
        Assert.Equal((0, $"{File("copy.db")}: 0 events, 0 snapshots of 0 persistence ids, no problem\n"), await RunAsync("check", "--journal", File("copy.db")));
    }

    [Fact]
    public async Task What_cannot_be_used_is_one_line_and_exit_code_1()
    {
        (int code, string text) = await RunAsync("check", "--journal", Journal);
        Assert.Equal((JournalCommand.ExitFailed, $"Journal {Journal}: there is no such file; check the path\n"), (code, text));
        Assert.False(Path.Exists(Journal));

        (code, text) = await RunAsync("check", "--journal", $"Host={_directory};Username=nobody;Password=secret");
        Assert.Equal(JournalCommand.ExitFailed, code);
        Assert.Contains("check that it runs there", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.Equal(JournalCommand.ExitFailed, (await RunAsync("check", "--journal", "Host=a;Pasword=secret")).Code);
        Assert.Equal(JournalCommand.ExitFailed, (await RunAsync("import", "--journal", Journal, File("none"))).Code);
    }

    [Fact]
    public async Task Without_a_journal_it_is_a_usage_error() => Assert.Equal(SchedulerCommandLine.ExitUsage, (await RunAsync("check")).Code);

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        using StringWriter text = new() { NewLine = "\n" };
        int code = await SchedulerCommandLine.RunAsync(["journal", .. arguments], text, text, (_, _) => Task.FromResult(0), CancellationToken.None);
        return (code, text.ToString());
    }

    private static JournalEvent Event(string id, long number, string message) => new(id, number, "thing/1", 17, Encoding.Latin1.GetBytes(message));

    private string File(string name) => Path.Combine(_directory, name);

    private async Task FillAsync()
    {
        await using SqliteJournal journal = await SqliteJournal.OpenAsync(Journal);
        await journal.AppendAsync([Event("a", 1, "{}"), new JournalEvent("a", 2, "thing/1", 17, Encoding.UTF8.GetBytes("""{"weight": 1.0, "name":"ä"}"""))]);
        await journal.AppendAsync([Event("a", 3, "\u00ff"), Event("b", 1, "{\n}")]);
        await journal.DeleteAsync("a", 1);
        await journal.SaveSnapshotAsync(new JournalSnapshot("a", 2, "state/1", 17, "[1]"u8.ToArray()));
    }
}
