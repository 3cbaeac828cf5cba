using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;

namespace Scheduler.Actors.Tests;

/// <summary>F6: the marker fences, the journal remembers.</summary>
public sealed class FaultHistoryTests : IFaultStore
{
    private static readonly DateTimeOffset s_at = CatalogSamples.At;
    private readonly TestJournal _journal = new();
    private readonly EventFormat _format = new(VolumeFaultFormat.Kinds);
    private readonly LocalSystem _system;
    private string? _problem;

    public FaultHistoryTests() => _system = new LocalSystem(NullLogger<LocalSystem>.Instance)
    {
        Persistence = new PersistenceSetup(new LocalJournal(_journal), _format),
    };

    [Theory]
    [InlineData("fault-recorded", """{"errno":5,"domain":1,"at":"2026-03-01T12:00:00+00:00"}""")]
    [InlineData("fault-cleared", """{"by":"me","domain":1,"at":"2026-03-01T12:00:00+00:00"}""")]
    public void Manifest_and_text_are_pinned(string name, string text)
    {
        object happened = _format.Read(name + "/1", EventFormat.SerializerId, Encoding.UTF8.GetBytes(text), "it");
        Assert.Equal(
            name == "fault-recorded"
                ? new VolumeFaultRecorded { Domain = 1, At = s_at, Errno = 5 }
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
        Do(done => store.Clear(0, "me", done));

        // The next start finds the other domain's marker.
        store.Found(1, 5, s_at);
        Do(done => store.Clear(1, "you", done));
        await Holds("fault-recorded 0", "fault-recorded 1", "fault-cleared 0 by me", "fault-cleared 1 by you");
    }

    [Fact]
    public async Task Io_goes_on_while_the_journal_is_away_and_what_it_missed_is_written_later_and_once()
    {
        HistoricFaultStore store = Start();
        _journal.FailNext = true;
        Do(done => store.Record(0, 5, done));
        Do(done => store.Clear(0, "me", done));
        await Holds("fault-recorded 0", "fault-cleared 0 by me");
    }

    [Fact]
    public async Task What_the_marker_does_not_let_go_is_not_cleared_in_the_history()
    {
        HistoricFaultStore store = Start();
        Do(done => store.Record(0, 5, done));
        _problem = "the marker stays";
        string? answer = null;
        store.Clear(0, "me", problem => answer = problem);
        Assert.Equal("the marker stays", answer);
        _problem = null;
        Do(done => store.Record(1, 5, done));
        await Holds("fault-recorded 0", "fault-recorded 1");
    }

    void IFaultStore.Record(int domain, int error, Action<string?> done) => done(_problem);

    void IFaultStore.Clear(int domain, string by, Action<string?> done) => done(_problem);

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
        Assert.Equal(expected, _journal.Events.Select(stored => _format.Read(stored.Manifest, stored.SerializerId, stored.Message, "it") switch
        {
            VolumeFaultRecorded recorded => $"fault-recorded {recorded.Domain}",
            VolumeFaultCleared cleared => $"fault-cleared {cleared.Domain} by {cleared.By}",
            object other => other.ToString()!,
        }));
    }
}
