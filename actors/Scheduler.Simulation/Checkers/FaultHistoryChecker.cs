// F6: the history of faults, in the journal. After each crash all of it is there that was said to be durable, as it was said
// (what was being written may be there too); of each domain a fault and its clearing take turns, and a clearing is somebody's, also
// where the power failed in the middle; and when all is quiet, the faults that are recovered from it are those that the markers say.

namespace Scheduler.Simulation;

/// <summary>What of faults was acknowledged is recovered.</summary>
internal sealed class FaultHistoryChecker(JournalRecords journal, FaultRecords markers) : Checker
{
    private readonly List<(int Number, int Domain, int Error)> _acknowledged = [];
    private readonly Dictionary<int, int> _removed = [];
    private bool _isKept;

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.FaultWritten:
                _acknowledged.Add((happened.Number, happened.Domain, happened.Value));
                break;
            case HistoryKind.Started:
                _ = Recovered();
                break;
            case HistoryKind.Quiet when _isKept:
                foreach ((int domain, (int error, int cleared, int again)) in Recovered())
                {
                    Holds(error == 0 == (markers[domain] == 0), "F6", $"domain {domain} has error {markers[domain]} by its marker, and {error} by its history");

                    // A marker that went and came again before its machine was lost looks like one that was never removed.
                    int removed = _removed.GetValueOrDefault(domain);
                    Holds(cleared <= removed && removed <= cleared + again, "F6", $"{removed} markers of domain {domain} were removed for somebody, and its history knows of {cleared}");
                }

                break;
            case HistoryKind.RecordCleared:
                _removed[happened.Domain] = _removed.GetValueOrDefault(happened.Domain) + 1;
                break;
            default:
                break;
        }
    }

    public override void Rest(Incarnation now) => _isKept = now.Journal is not null;

    // Errors by domain, as recovery finds them, how often somebody has cleared one, and how often somebody was about to when there was
    // the next.
    private Dictionary<int, (int Error, int Cleared, int Again)> Recovered()
    {
        List<(int Domain, int Error)> events = [.. journal.Events($"volume-{Run.VolumeName}").Select(FaultJournal.Read)];
        foreach ((int number, int domain, int error) in _acknowledged)
            Holds(number <= events.Count && events[number - 1] == (domain, error), "F6", $"event {number} of the history of faults (domain {domain}, error {error}) was acknowledged and is lost");
        Dictionary<int, (int Error, int Cleared, int Again)> states = [];
        HashSet<int> clearing = [];
        foreach ((int domain, int happened) in events)
        {
            (int before, int cleared, int again) = states.GetValueOrDefault(domain);
            if (happened == FaultJournal.Clearing)
            {
                Holds(before != 0, "F6", $"the history of domain {domain} has a clearing, and no fault before it");
                _ = clearing.Add(domain);
                continue;
            }

            // Nobody clears a fault whose marker the power has cut off. A clearing that did not come about has the fault once more.
            int error = happened == FaultJournal.ClearedByNobody ? 0 : happened;
            Holds(error == 0 != (before == 0) || (error != 0 && clearing.Contains(domain)), "F6", $"the history of domain {domain} has the same thing twice");
            Holds(error != 0 || clearing.Contains(domain) == (happened == 0), "F6", $"the history of domain {domain} has it cleared by somebody who did not say so before, or nobody who did");
            bool wasClearing = clearing.Remove(domain);
            states[domain] = (error, cleared + (happened == 0 ? 1 : 0), again + (wasClearing && error != 0 ? 1 : 0));
        }

        return states;
    }
}
