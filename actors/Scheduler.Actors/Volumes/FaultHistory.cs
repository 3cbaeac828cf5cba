// The history of a volume's faults, in the journal. Which faults fence a volume (F6) is said by one place:
//
// - On one machine by the markers beside the volume (HistoricFaultStore): they are durable before replies leave, and I/O goes
//   on while the journal is away. What the journal misses then is written when it is back; what it missed because the service
//   ended is written at the next start, from the markers. A clearing is another matter: who asks for it is durable in the
//   journal before the marker goes. If the service ends in between, the next start finds no marker, and knows who it was. So
//   nothing is cleared while the journal is away.
// - Where the next owner may be on another machine, by the history itself (JournalFaultStore).
using System.Text.Json.Serialization;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>Something that happened to a volume's faults.</summary>
public abstract record VolumeFaultEvent
{
    /// <summary>Index of the flush domain.</summary>
    public required int Domain { get; init; }

    /// <summary>When, in UTC.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>A sync failed; the domain is fenced.</summary>
public sealed record VolumeFaultRecorded : VolumeFaultEvent
{
    /// <summary>Errno of the sync.</summary>
    public required int Errno { get; init; }
}

/// <summary>An operator is about to clear the fault; it is, or the service has ended, unless the fault is recorded once more.</summary>
public sealed record VolumeFaultClearing : VolumeFaultEvent
{
    /// <summary>Who.</summary>
    public required string By { get; init; }
}

/// <summary>An operator has cleared the fault.</summary>
public sealed record VolumeFaultCleared : VolumeFaultEvent
{
    /// <summary>In the place of who it was: the service was started, and there was no marker any more.</summary>
    public const string FoundAtStart = "found cleared at start";

    /// <summary>Who.</summary>
    public required string By { get; init; }

    /// <summary>In a cluster: the epoch of the volume's owner, for who reads the journal; else 0, which is not stored.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Epoch { get; init; }
}

/// <summary>How faults are stored.</summary>
public static class VolumeFaultFormat
{
    /// <summary>The kinds of events.</summary>
    public static IReadOnlyList<EventKind> Kinds { get; } =
    [
        new("fault-recorded", VolumeFaultJson.Default.VolumeFaultRecorded),
        new("fault-clearing", VolumeFaultJson.Default.VolumeFaultClearing),
        new("fault-cleared", VolumeFaultJson.Default.VolumeFaultCleared),
    ];
}

/// <summary>To the history of a volume's faults: write this, unless it is there.</summary>
/// <param name="Happened">What happened.</param>
/// <param name="Done">Called once, from any thread: null when it is durable, otherwise why that is not known.</param>
internal sealed record WriteFault(VolumeFaultEvent Happened, Action<string?> Done) : IExpectsAnswer
{
    public void Refuse(string reason) => Done(reason);
}

/// <summary>To the history of a volume's faults: which are not cleared?</summary>
/// <param name="Done">Called once, from any thread: the faults, a domain each, and how often one was cleared; or null and why it
/// can't be said.</param>
internal sealed record ReadFaults(Action<(IReadOnlyList<VolumeFaultRecorded> Faults, long Clearings)?, string?> Done) : IExpectsAnswer
{
    public void Refuse(string reason) => Done(null, reason);
}

/// <summary>The faults of one volume, as events. A domain's fault is recorded once until it is cleared, so that what may have
/// been written already can be sent again.</summary>
/// <param name="volume">Name of the volume.</param>
public sealed class FaultHistory(string volume) : PersistentActor
{
    // The domains with a fault, and who is clearing it. An old history may begin with a clearing.
    private readonly SortedDictionary<int, (VolumeFaultRecorded? Fault, VolumeFaultClearing? Clearing)> _fenced = [];

    private long _clearings;

    /// <inheritdoc/>
    public override string PersistenceId => IdOf(volume);

    /// <summary>Whose events a volume's faults are.</summary>
    /// <param name="volume">Name of the volume.</param>
    public static string IdOf(string volume) => "volume-" + volume;

    /// <summary>What happened to a volume's faults, the newest first.</summary>
    /// <param name="volume">Name of the volume; it need not be there any more.</param>
    /// <param name="journal">The journal.</param>
    /// <param name="format">Reads it.</param>
    /// <param name="to">The newest; <see cref="long.MaxValue"/> for the newest there is.</param>
    /// <param name="count">So many at most; 1 to <see cref="CatalogHistory.CountMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The events with their numbers; ask again with one below the last one's.</returns>
    /// <exception cref="PersistenceException">An event can't be read.</exception>
    /// <exception cref="JournalUnavailableException">The journal can't be reached.</exception>
    public static async Task<IReadOnlyList<(long Number, VolumeFaultEvent Happened)>> ReadAsync(
        string volume, IEventJournal journal, EventFormat format, long to, int count, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CatalogHistory.CountMax);
        List<(long, VolumeFaultEvent)> events = [];
        await foreach ((long number, object happened) in format.ReadUpToAsync(journal, IdOf(volume), to, count, cancellation).ConfigureAwait(false))
            events.Add((number, (VolumeFaultEvent)happened));
        events.Reverse();
        return events;
    }

    /// <inheritdoc/>
    public override void OnRecover(object message)
    {
        if (message is VolumeFaultEvent happened)
            Apply(happened);
    }

    /// <inheritdoc/>
    public override void OnCommand(object message)
    {
        if (message is ReadFaults read)
            read.Done(([.. _fenced.Values.Select(fenced => fenced.Fault).OfType<VolumeFaultRecorded>()], _clearings), null);
        if (message is not WriteFault write)
            return;
        VolumeFaultEvent happened = write.Happened;
        bool isFenced = _fenced.TryGetValue(happened.Domain, out (VolumeFaultRecorded? Fault, VolumeFaultClearing? Clearing) known);
        switch (happened)
        {
            // A clearing that did not come about is not to be taken for who removes the marker some day.
            case VolumeFaultRecorded when isFenced && known.Clearing is null:
            case VolumeFaultCleared when !isFenced:
                write.Done(null);
                return;
            case VolumeFaultCleared { By: VolumeFaultCleared.FoundAtStart } cleared when known.Clearing is { } clearing:
                happened = cleared with { By = clearing.By, At = clearing.At };
                break;
        }

        Persist(happened, _ =>
        {
            Apply(happened);
            write.Done(null);
        });
    }

    private void Apply(VolumeFaultEvent happened)
    {
        switch (happened)
        {
            case VolumeFaultRecorded fault:
                _fenced[happened.Domain] = (fault, null);
                break;
            case VolumeFaultClearing clearing:
                _fenced[happened.Domain] = (_fenced.GetValueOrDefault(happened.Domain).Fault, clearing);
                break;
            case VolumeFaultCleared:
                _ = _fenced.Remove(happened.Domain);
                _clearings++;
                break;
        }
    }
}

/// <summary>To a <see cref="FaultFeed"/>: write this before it happens.</summary>
/// <param name="Happened">What is about to happen.</param>
/// <param name="Done">Called once: true when it is durable, false when the journal is away; null: nobody waits for it.</param>
internal sealed record FaultIntent(VolumeFaultEvent Happened, Action<bool>? Done);

/// <summary>
/// Sends what happens to the history, in order, again and again until it is there: tell it a <see cref="VolumeFaultEvent"/>. A
/// <see cref="FaultIntent"/> is sent once, when all before it is there.
/// </summary>
/// <param name="history">The <see cref="FaultHistory"/>, or its owner.</param>
public sealed class FaultFeed(ActorRef history) : Actor
{
    /// <summary>Between attempts.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // Of each domain a fault and its clearing by hand, many times over. What comes beyond that while the journal is away is in
    // the log only.
    private const int WaitingMax = 1_024;

    private readonly Queue<FaultIntent> _waiting = new();

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case VolumeFaultEvent happened:
                Add(new FaultIntent(happened, null));
                break;
            case FaultIntent intent:
                Add(intent);
                break;
            case Written { Done: true }:
                _waiting.Dequeue().Done?.Invoke(true);
                SendNext();
                break;
            case Written:
                GiveUpIntents();
                if (_waiting.Count > 0)
                    Context.TellSelfAfter(Pause, Again.Instance);
                break;
            case Again:
                Send();
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop() => GiveUpIntents();

    private void Add(FaultIntent intent)
    {
        if (_waiting.Count >= WaitingMax)
        {
            intent.Done?.Invoke(false);
            return;
        }

        _waiting.Enqueue(intent);
        if (_waiting.Count == 1)
            Send();
    }

    // Who waits for an answer does not wait for the journal to come back.
    private void GiveUpIntents()
    {
        for (int left = _waiting.Count; left > 0; left--)
        {
            FaultIntent intent = _waiting.Dequeue();
            if (intent.Done is null)
                _waiting.Enqueue(intent);
            else
                intent.Done(false);
        }
    }

    private void SendNext()
    {
        if (_waiting.Count > 0)
            Send();
    }

    private void Send()
    {
        ActorRef self = Self;
        history.Tell(new WriteFault(_waiting.Peek().Happened, problem => self.Tell(new Written(problem is null))), Self);
    }

    private sealed record Written(bool Done);

    private sealed record Again
    {
        public static readonly Again Instance = new();
    }
}

/// <summary>A fault store whose changes are in the history too. The inner store alone decides when a fault is durable; who clears
/// one is in the history before.</summary>
/// <param name="inner">Where faults are durable: markers.</param>
/// <param name="feed">The volume's <see cref="FaultFeed"/>.</param>
/// <param name="clock">The time of events.</param>
public sealed class HistoricFaultStore(IFaultStore inner, ActorRef feed, TimeProvider clock) : IFaultStore
{
    /// <summary>A fault was recorded before this start: the history may not know it.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <param name="error">Errno of the sync.</param>
    /// <param name="at">When it failed.</param>
    public void Found(int domain, int error, DateTimeOffset at) =>
        feed.Tell(new VolumeFaultRecorded { Domain = domain, Errno = error, At = at });

    /// <summary>There was no fault when this service started: the history may know of one.</summary>
    /// <param name="domain">Index of the domain.</param>
    public void FoundNone(int domain) =>
        feed.Tell(new VolumeFaultCleared { Domain = domain, By = VolumeFaultCleared.FoundAtStart, At = clock.GetUtcNow() });

    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done)
    {
        feed.Tell(new VolumeFaultRecorded { Domain = domain, Errno = error, At = clock.GetUtcNow() });
        inner.Record(domain, error, done);
    }

    /// <inheritdoc/>
    public void Clear(int domain, string by, Action<string?> done) =>
        feed.Tell(new FaultIntent(new VolumeFaultClearing { Domain = domain, By = by, At = clock.GetUtcNow() }, isDurable =>
        {
            if (!isDurable)
            {
                done("who clears it can't be written to the journal now, and nothing was changed; try again when the journal is back");
                return;
            }

            inner.Clear(domain, by, problem =>
            {
                if (problem is null)
                    feed.Tell(new VolumeFaultCleared { Domain = domain, By = by, At = clock.GetUtcNow() });
                done(problem);
            });
        }));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VolumeFaultRecorded))]
[JsonSerializable(typeof(VolumeFaultClearing))]
[JsonSerializable(typeof(VolumeFaultCleared))]
internal sealed partial class VolumeFaultJson : JsonSerializerContext;
