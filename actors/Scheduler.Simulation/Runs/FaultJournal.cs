using Scheduler.Actors;
using Scheduler.Storage.Journal;

namespace Scheduler.Simulation;

/// <summary>The history of the volume's faults, by the actors that keep it in the service, over a simulated journal.</summary>
internal sealed class FaultJournal
{
    /// <summary>How its events are written.</summary>
    public static readonly EventFormat Format = new(VolumeFaultFormat.Kinds);

    /// <summary>In the place of an errno: an operator is about to clear the fault.</summary>
    public const int Clearing = -1;

    /// <summary>In the place of an errno: it was found cleared, and nobody knows who did it.</summary>
    public const int ClearedByNobody = -2;

    private readonly SimulatedJournal _journal;
    private readonly List<SimulatedActor> _actors = [];

    /// <summary>Starts its actors, and tells them what the markers say, as the service does at its start.</summary>
    public FaultJournal(Run run, SimulatedSystem system, IFaultStore markers, FaultRecords records, Chaos chaos, Random random)
    {
        _journal = new SimulatedJournal(system, run.Journal, random)
        {
            FailOneOf = chaos.JournalFailsOneOf,
            AnswersTooEarly = run.Bug == PlantedBug.JournalAnswersTooEarly,
            Acknowledged = stored => run.History.Add(Note(stored)),
        };
        system.Persistence = new PersistenceSetup(_journal, Format);
        ActorRef history = Start(
            new Props(() => new PersistentOwner("the history of faults", new Props(() => new FaultHistory(Run.VolumeName)), props => Start(props, "faults"))),
            "faults-owner");
        ActorRef feed = Start(new Props(() => new FaultFeed(history)), "fault-feed");
        SimulatedClock clock = new(system);
        HistoricFaultStore store = new(markers, feed, clock);
        Store = store;
        for (int domain = 0; domain < run.Map.Spec.Domains.Count; domain++)
        {
            if (records[domain] != 0)
                store.Found(domain, records[domain], clock.GetUtcNow());
            else
                store.FoundNone(domain);
        }

        SimulatedActor Start(Props props, string name)
        {
            SimulatedActor actor = system.ActorOf(props, name);
            _actors.Add(actor);
            return actor;
        }
    }

    /// <summary>The markers, with the history beside them.</summary>
    public IFaultStore Store { get; }

    /// <summary>From now on the journal does not fail.</summary>
    public void StopFaults() => _journal.FailOneOf = 0;

    /// <summary>Its machine is gone.</summary>
    public void Vanish()
    {
        _journal.Vanish();
        foreach (SimulatedActor actor in _actors)
            actor.Vanish(0);
    }

    /// <summary>Domain, and errno or 0 for a clearing, of an event.</summary>
    public static (int Domain, int Error) Read(JournalEvent stored) =>
        (VolumeFaultEvent)Format.Read(stored.Manifest, stored.SerializerId, stored.Message, "event") switch
        {
            VolumeFaultRecorded recorded => (recorded.Domain, recorded.Errno),
            VolumeFaultClearing clearing => (clearing.Domain, Clearing),
            VolumeFaultCleared { By: VolumeFaultCleared.FoundAtStart } cleared => (cleared.Domain, ClearedByNobody),
            VolumeFaultEvent cleared => (cleared.Domain, 0),
        };

    private static HistoryEvent Note(JournalEvent stored)
    {
        (int domain, int error) = Read(stored);
        return new HistoryEvent { Kind = HistoryKind.FaultWritten, Number = (int)stored.SequenceNumber, Domain = domain, Value = error };
    }
}
