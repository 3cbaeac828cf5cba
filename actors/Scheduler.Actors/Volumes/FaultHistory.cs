// The history of a volume's faults, in the journal. The marker beside the volume is what fences it (F6): it is durable before
// replies leave, and I/O goes on while the journal is away. What the journal misses then is written when it is back; what it
// missed because the service ended is written at the next start, from the markers.
using System.Text.Json.Serialization;

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

/// <summary>An operator has cleared the fault.</summary>
public sealed record VolumeFaultCleared : VolumeFaultEvent
{
    /// <summary>Who.</summary>
    public required string By { get; init; }
}

/// <summary>How faults are stored.</summary>
public static class VolumeFaultFormat
{
    /// <summary>The kinds of events.</summary>
    public static IReadOnlyList<EventKind> Kinds { get; } =
    [
        new("fault-recorded", VolumeFaultJson.Default.VolumeFaultRecorded),
        new("fault-cleared", VolumeFaultJson.Default.VolumeFaultCleared),
    ];
}

/// <summary>To the history of a volume's faults: write this, unless it is there.</summary>
/// <param name="Happened">What happened.</param>
/// <param name="Done">Called once, from any thread: true when it is durable.</param>
internal sealed record WriteFault(VolumeFaultEvent Happened, Action<bool> Done) : IExpectsAnswer
{
    public void Refuse(string reason) => Done(false);
}

/// <summary>The faults of one volume, as events. A domain's fault is recorded once until it is cleared, so that what may have
/// been written already can be sent again.</summary>
/// <param name="volume">Name of the volume.</param>
public sealed class FaultHistory(string volume) : PersistentActor
{
    private readonly HashSet<int> _fenced = [];

    /// <inheritdoc/>
    public override string PersistenceId => "volume-" + volume;

    /// <inheritdoc/>
    public override void OnRecover(object message)
    {
        if (message is VolumeFaultEvent happened)
            Apply(happened);
    }

    /// <inheritdoc/>
    public override void OnCommand(object message)
    {
        if (message is not WriteFault write)
            return;
        if (_fenced.Contains(write.Happened.Domain) == write.Happened is VolumeFaultRecorded)
        {
            write.Done(true);
            return;
        }

        Persist(write.Happened, _ =>
        {
            Apply(write.Happened);
            write.Done(true);
        });
    }

    private void Apply(VolumeFaultEvent happened)
    {
        if (happened is VolumeFaultRecorded)
            _ = _fenced.Add(happened.Domain);
        else
            _ = _fenced.Remove(happened.Domain);
    }
}

/// <summary>
/// Sends what happens to the history, in order, again and again until it is there. Tell it a <see cref="VolumeFaultEvent"/>.
/// </summary>
/// <param name="history">The <see cref="FaultHistory"/>, or its owner.</param>
public sealed class FaultFeed(ActorRef history) : Actor
{
    /// <summary>Between attempts.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // Of each domain a fault and its clearing by hand, many times over. What comes beyond that while the journal is away is in
    // the log only.
    private const int WaitingMax = 1_024;

    private readonly Queue<VolumeFaultEvent> _waiting = new();

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case VolumeFaultEvent happened when _waiting.Count < WaitingMax:
                _waiting.Enqueue(happened);
                if (_waiting.Count == 1)
                    Send();
                break;
            case Written { Done: true }:
                _ = _waiting.Dequeue();
                if (_waiting.Count > 0)
                    Send();
                break;
            case Written:
                Context.TellSelfAfter(Pause, Again.Instance);
                break;
            case Again:
                Send();
                break;
        }
    }

    private void Send()
    {
        ActorRef self = Self;
        history.Tell(new WriteFault(_waiting.Peek(), done => self.Tell(new Written(done))), Self);
    }

    private sealed record Written(bool Done);

    private sealed record Again
    {
        public static readonly Again Instance = new();
    }
}

/// <summary>A fault store whose changes are in the history too. The inner store alone decides when a fault is durable.</summary>
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

    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done)
    {
        feed.Tell(new VolumeFaultRecorded { Domain = domain, Errno = error, At = clock.GetUtcNow() });
        inner.Record(domain, error, done);
    }

    /// <inheritdoc/>
    public void Clear(int domain, string by, Action<string?> done) => inner.Clear(domain, by, problem =>
    {
        if (problem is null)
            feed.Tell(new VolumeFaultCleared { Domain = domain, By = by, At = clock.GetUtcNow() });
        done(problem);
    });
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VolumeFaultRecorded))]
[JsonSerializable(typeof(VolumeFaultCleared))]
internal sealed partial class VolumeFaultJson : JsonSerializerContext;
