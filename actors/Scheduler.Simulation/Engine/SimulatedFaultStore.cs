using Scheduler.Actors;

namespace Scheduler.Simulation;

/// <summary>What is left of recorded faults when the machine starts again, per domain: errno or 0.</summary>
internal sealed class FaultRecords(int domains)
{
    private readonly int[] _errors = new int[domains];

    /// <summary>How often a record was removed.</summary>
    public long Clearings { get; set; }

    public int this[int domain]
    {
        get => _errors[domain];
        set => _errors[domain] = value;
    }
}

/// <summary>Makes faults durable after a while, in records that survive power cuts (F6). A record that is under way when
/// the power goes may be there afterwards, or not.</summary>
internal sealed class SimulatedFaultStore(SimulatedSystem system, FaultRecords records, History history, Random random) : IFaultStore
{
    private bool _gone;

    /// <summary>One of so many records fails; 0 for none. The volume has to stop then.</summary>
    public int FailOneOf { get; set; }

    /// <summary>Whether a record has failed.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Its machine is gone: what is not durable by now never is.</summary>
    public void Vanish() => _gone = true;

    public void Record(int domain, int error, Action<string?> done)
    {
        bool fails = FailOneOf > 0 && random.Next(FailOneOf) == 0;
        long delay = random.Next(3_000_000);
        if (!fails)
        {
            // Durable somewhere between the question and the answer.
            system.After(random.NextInt64(delay + 1), () =>
            {
                if (!_gone)
                    records[domain] = error;
            });
        }

        system.After(delay + 1, () =>
        {
            if (_gone)
                return;
            HasFailed |= fails;
            if (!fails)
                history.Add(new HistoryEvent { Kind = HistoryKind.FaultRecorded, Domain = domain, Value = error });
            done(fails ? "the disk with the records is full" : null);
        });
    }

    public void Clear(int domain, string by, Action<string?> done) => system.After(random.Next(3_000_000), () =>
    {
        if (_gone)
            return;
        records[domain] = 0;
        records.Clearings++;
        history.Add(new HistoryEvent { Kind = HistoryKind.RecordCleared, Domain = domain });
        done(null);
    });
}
