using Scheduler.Actors;
using Scheduler.Storage.Journal;

namespace Scheduler.Simulation;

/// <summary>What is durable in a simulated journal: it survives power cuts.</summary>
internal sealed class JournalRecords
{
    private readonly Dictionary<string, List<JournalEvent>> _events = [];
    private readonly Dictionary<string, JournalSnapshot> _snapshots = [];

    /// <summary>The events of a persistence id; none is ever deleted, so the first has number 1.</summary>
    public IReadOnlyList<JournalEvent> Events(string persistenceId) => _events.GetValueOrDefault(persistenceId) ?? [];

    public JournalSnapshot? Snapshot(string persistenceId) => _snapshots.GetValueOrDefault(persistenceId);

    public void Add(IReadOnlyList<JournalEvent> added)
    {
        foreach (JournalEvent stored in added)
        {
            if (!_events.TryGetValue(stored.PersistenceId, out List<JournalEvent>? events))
                _events[stored.PersistenceId] = events = [];
            if (stored.SequenceNumber != events.Count + 1)
                throw new SequenceConflictException($"event {stored.SequenceNumber} of {stored.PersistenceId} comes after {events.Count}");
            events.Add(stored);
        }
    }

    public void Save(JournalSnapshot snapshot) => _snapshots[snapshot.PersistenceId] = snapshot;
}

/// <summary>
/// A journal of the simulated engine: each call takes a while, what is appended becomes durable somewhere between the call and
/// its answer, and an append may fail, with its events durable or not. Calls are carried out one after the other. A call that
/// is under way when the power goes was carried out, or not.
/// </summary>
internal sealed class SimulatedJournal(SimulatedSystem system, JournalRecords records, Random random) : IJournalCalls
{
    private const int EventsPerPage = 16;
    private long _idleNs;
    private long _lateNs;
    private bool _gone;

    /// <summary>One of so many calls fails; 0 for none.</summary>
    public int FailOneOf { get; set; }

    /// <summary>What is appended becomes durable after the answer.</summary>
    public bool AnswersTooEarly { get; init; }

    /// <summary>Hears of each event when the journal says that it is durable.</summary>
    public Action<JournalEvent>? Acknowledged { get; init; }

    /// <summary>The machine of those that call it is gone: what is under way and not carried out yet never is.</summary>
    public void Vanish() => _gone = true;

    public void Open(string persistenceId, ActorRef actor) => Call(actor, () =>
        new JournalOpened(records.Snapshot(persistenceId), records.Events(persistenceId).Count));

    public void Read(string persistenceId, long from, ActorRef actor) => Call(actor, () =>
        new JournalPage([.. records.Events(persistenceId).Skip((int)from - 1).Take(EventsPerPage)]));

    public void Append(IReadOnlyList<JournalEvent> events, ActorRef actor) => Call(actor, () =>
    {
        if (AnswersTooEarly)
            system.After((_lateNs = Math.Max(_lateNs, system.NowNs + random.Next(100_000_000))) - system.NowNs, () =>
            {
                if (!_gone)
                    records.Add(events);
            });
        else
            records.Add(events);
        return JournalAppended.Instance;
    }, acknowledged: events);

    public void Save(JournalSnapshot snapshot, ActorRef actor) => Call(
        actor,
        () =>
        {
            records.Save(snapshot);
            return new SaveSnapshotSuccess(snapshot.SequenceNumber);
        },
        problem => new SaveSnapshotFailure(snapshot.SequenceNumber, problem.Message));

    private void Call(ActorRef actor, Func<object> carryOut, Func<Exception, object>? failed = null, IReadOnlyList<JournalEvent>? acknowledged = null)
    {
        failed ??= static problem => new JournalFailed(problem);
        bool fails = FailOneOf > 0 && random.Next(FailOneOf) == 0;
        bool carriedOut = !fails || random.Next(2) == 0;
        long durable = Math.Max(_idleNs, system.NowNs) + random.Next(1_000_000);
        _idleNs = durable + random.Next(1_000_000);
        object? answer = null;
        system.After(durable - system.NowNs, () =>
        {
            try
            {
                if (carriedOut && !_gone)
                    answer = carryOut();
            }
            catch (SequenceConflictException conflict)
            {
                answer = failed(conflict);
            }
        });
        system.After(_idleNs - system.NowNs, () =>
        {
            if (_gone)
                return;
            if (answer is JournalAppended && !fails && Acknowledged is not null)
            {
                foreach (JournalEvent stored in acknowledged!)
                    Acknowledged(stored);
            }

            actor.Tell(fails ? failed(new JournalUnavailableException("the journal of the simulation fails")) : answer!);
        });
    }
}
