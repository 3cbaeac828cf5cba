using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors.Tests;

/// <summary>F6: the marker fences, the journal remembers.</summary>
public sealed class FaultHistoryTests : IFaultStore
{
    private static readonly DateTimeOffset s_at = CatalogSamples.At;
    private readonly TestJournal _journal = new();
    private readonly EventFormat _format = new(VolumeFaultFormat.Kinds);
    private readonly LocalSystem _system;
    private string? _problem;
    private bool _dies;

    public FaultHistoryTests() => _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
    {
        Persistence = new PersistenceSetup(new LocalJournal(_journal), _format),
    };

    [Theory]
    [InlineData("fault-recorded", """{"errno":5,"domain":1,"at":"2026-03-01T12:00:00+00:00"}""")]
    [InlineData("fault-clearing", """{"by":"me","domain":1,"at":"2026-03-01T12:00:00+00:00"}""")]
    [InlineData("fault-cleared", """{"by":"me","domain":1,"at":"2026-03-01T12:00:00+00:00"}""")]
    public void Manifest_and_text_are_pinned(string name, string text)
    {
        object happened = _format.Read(name + "/1", EventFormat.SerializerId, Encoding.UTF8.GetBytes(text), "it");
        Assert.Equal(
            name == "fault-recorded"
                ? new VolumeFaultRecorded { Domain = 1, At = s_at, Errno = 5 }
                : name == "fault-clearing" ? new VolumeFaultClearing { Domain = 1, At = s_at, By = "me" }
                : new VolumeFaultCleared { Domain = 1, At = s_at, By = "me" },
            happened);
        (string writtenManifest, byte[] written) = _format.Write(happened);
        string manifest = name + "/2";
        Assert.Equal((manifest, Checksum.Added(manifest, text)), (writtenManifest, Encoding.UTF8.GetString(written)));
        Assert.Equal(happened, _format.Read(manifest, EventFormat.SerializerId, written, "it"));
    }

    [Fact]
    public async Task Faults_and_their_clearing_are_in_the_journal_once()
    {
        HistoricFaultStore store = Start();
        Do(done => store.Record(0, 5, done));
        Do(done => store.Record(1, 5, done));
        await Clear(store, 0, "me");

        // The next start finds the other domain's marker.
        store.Found(1, 5, s_at);
        await Clear(store, 1, "you");
        await Holds(
            "fault-recorded 0", "fault-recorded 1", "fault-clearing 0 by me", "fault-cleared 0 by me", "fault-clearing 1 by you", "fault-cleared 1 by you");
    }

    [Fact]
    public async Task Who_cleared_a_fault_is_known_though_the_service_ended_in_between()
    {
        HistoricFaultStore store = Start();
        Do(done => store.Record(0, 5, done));
        _dies = true;
        store.Clear(0, "me", _ => Assert.Fail("it was answered"));
        await Holds("fault-recorded 0", "fault-clearing 0 by me");
        Start().FoundNone(0);
        await Holds("fault-recorded 0", "fault-clearing 0 by me", "fault-cleared 0 by me");
    }

    [Fact]
    public async Task A_marker_that_was_removed_by_hand_is_not_laid_to_who_cleared_in_vain()
    {
        HistoricFaultStore store = Start();
        Do(done => store.Record(0, 5, done));
        _dies = true;
        store.Clear(0, "me", _ => Assert.Fail("it was answered"));
        await Holds("fault-recorded 0", "fault-clearing 0 by me");
        Start().Found(0, 5, s_at);
        await Holds("fault-recorded 0", "fault-clearing 0 by me", "fault-recorded 0");
        Start().FoundNone(0);
        await Holds("fault-recorded 0", "fault-clearing 0 by me", "fault-recorded 0", $"fault-cleared 0 by {VolumeFaultCleared.FoundAtStart}");
    }

    [Fact]
    public async Task Io_goes_on_while_the_journal_is_away_and_what_it_missed_is_written_later_and_once()
    {
        HistoricFaultStore store = Start();
        _journal.FailNext = true;
        Do(done => store.Record(0, 5, done));

        // Who clears it can't be written down, so it stays.
        TaskCompletionSource<string?> refused = new();
        store.Clear(0, "me", refused.SetResult);
        Assert.Contains("try again when the journal is back", await refused.Task.WaitAsync(TimeSpan.FromSeconds(60)), StringComparison.Ordinal);
        await Holds("fault-recorded 0");
        await Clear(store, 0, "me");
        await Holds("fault-recorded 0", "fault-clearing 0 by me", "fault-cleared 0 by me");
    }

    [Fact]
    public async Task What_the_marker_does_not_let_go_is_not_cleared_in_the_history()
    {
        HistoricFaultStore store = Start();
        Do(done => store.Record(0, 5, done));
        _problem = "the marker stays";
        TaskCompletionSource<string?> answer = new();
        store.Clear(0, "me", answer.SetResult);
        Assert.Equal("the marker stays", await answer.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        _problem = null;
        Do(done => store.Record(1, 5, done));
        await Holds("fault-recorded 0", "fault-clearing 0 by me", "fault-recorded 1");
    }

    void IFaultStore.Record(int domain, int error, Action<string?> done) => done(_problem);

    void IFaultStore.Clear(int domain, string by, Action<string?> done)
    {
        Assert.Equal($"fault-clearing {domain} by {by}", Shown(_journal.Events[^1]));
        if (!_dies)
            done(_problem);
    }

    private static async Task Clear(HistoricFaultStore store, int domain, string by)
    {
        TaskCompletionSource<string?> answer = new();
        store.Clear(domain, by, answer.SetResult);
        Assert.Null(await answer.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    private static void Do(Action<Action<string?>> act)
    {
        // The inner store's answer, at once: nothing waits for the journal.
        bool answered = false;
        act(problem => answered = problem is null);
        Assert.True(answered);
    }

    private HistoricFaultStore Start()
    {
        ActorRef history = Actor(new Props(() => new PersistentOwner("the history", new Props(() => new FaultHistory("v")), Actor)));
        return new HistoricFaultStore(this, Actor(new Props(() => new FaultFeed(history))), TimeProvider.System);
    }

    private ActorRef Actor(Props props) => _system.ActorOf(props, "actor", ThreadPoolDispatcher.Instance);

    private async Task Holds(params string[] expected)
    {
        for (DateTime end = DateTime.UtcNow + TimeSpan.FromSeconds(60); _journal.Events.Count < expected.Length && DateTime.UtcNow < end;)
            await Task.Delay(10);
        Assert.All(_journal.Events, stored => Assert.Equal("volume-v", stored.PersistenceId));
        Assert.Equal(expected, _journal.Events.Select(Shown));
    }

    private string Shown(JournalEvent stored) => _format.Read(stored.Manifest, stored.SerializerId, stored.Message, "it") switch
    {
        VolumeFaultRecorded recorded => $"fault-recorded {recorded.Domain}",
        VolumeFaultClearing clearing => $"fault-clearing {clearing.Domain} by {clearing.By}",
        VolumeFaultCleared cleared => $"fault-cleared {cleared.Domain} by {cleared.By}",
        object other => other.ToString()!,
    };
}
