// F6: when a sync fails, the domain is fenced: until an operator clears it, over restarts too, everything but reads fails
// there; every request that the sync covered fails, after the fault was made durable; and clearing disconnects the rings
// of the disks that lost something.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>A failed sync fences its domain.</summary>
internal sealed class FenceChecker : Checker
{
    private readonly History _history;
    private readonly DiskMap _map;
    private readonly State[] _domains;

    public FenceChecker(History history, DiskMap map, SectorLog log)
    {
        _history = history;
        _map = map;
        _domains = [.. map.Spec.Domains.Select(_ => new State())];
        log.EraEnds.Add(NoteLoss);
    }

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.FaultRecorded:
                _domains[happened.Domain].RecordedAt = happened.Index;
                break;
            case HistoryKind.FaultCleared:
                _domains[happened.Domain].Clear(happened.Index);
                break;
            case HistoryKind.Reply:
                Check(_history.Requests[happened.Number]);
                break;
            case HistoryKind.RecordCleared:
                _domains[happened.Domain].ClearRecord();
                break;
            case HistoryKind.MachineLost or HistoryKind.Moved:
                // The record is gone, which clears the fault; its rings have yet to hear of it.
                foreach (State state in _domains.Where(state => state.Clearing))
                    state.Clear(happened.Index);
                break;
            case HistoryKind.PowerCut or HistoryKind.Killed or HistoryKind.Stopped:
                foreach (State state in _domains)
                    state.Clearing = false;
                break;
            default:
                break;
        }
    }

    // Notes the rings of a disk that lost an acknowledged write.
    private void NoteLoss(int disk, int sector, SectorLog.Entry era)
    {
        ulong left = _map.Newest(disk, sector);
        if (era.Writes.TrueForAll(write => write.CertainFrom == int.MaxValue || era.MayHold(left, sector, write)))
            return;
        foreach (RingRecord ring in _history.Rings)
        {
            if (ring.Disk == disk && ring.WasAttached && !ring.Closed)
                _ = _domains[_map.Domain(disk, sector)].Lost.Add(ring.Id);
        }
    }

    private void Check(RequestRecord request)
    {
        for (int domain = 0; domain < _domains.Length; domain++)
        {
            State state = _domains[domain];
            if (!Touches(request, domain, surely: true))
                continue;
            if (request.Outcome == Outcome.Ok && !request.Op.IsRead())
            {
                Holds(
                    state.RecordedAt < 0 || request.Start < state.RecordedAt,
                    "F6",
                    $"{request} succeeds though domain {domain} is fenced");
            }

            if (request.Outcome == Outcome.Ok)
            {
                Holds(
                    !state.Disconnected.TryGetValue(request.Ring, out int at) || request.Start < at,
                    "F6",
                    $"{request} succeeds on ring {request.Ring}, whose disk lost data when a sync of domain {domain} failed");
            }
        }

        CheckRecorded(request);
    }

    // Where nothing else can fail a flush: it fails only after the fault was recorded.
    private void CheckRecorded(RequestRecord request)
    {
        if (request.Outcome != Outcome.Failed || request.Error != CoreError.Io || request.Op != RequestOp.Flush
            || _map.Spec.Disks[request.Disk].Ordered != OrderedMode.FlushFua)
            return;
        for (int domain = 0; domain < _domains.Length; domain++)
        {
            if (Touches(request, domain, surely: false) && (_domains[domain].RecordedAt >= 0 || _domains[domain].Clearing || _domains[domain].ClearedAt > request.Start))
                return;
        }

        Fail("F6", $"{request} fails before the fault is recorded");
    }

    // A disk may have grown onto a domain since a request of it was sent.
    private bool Touches(RequestRecord request, int domain, bool surely)
    {
        if (!request.Op.HasRange())
            return surely ? (request.Domains & (1UL << domain)) != 0 : _map.IsOn(request.Disk, domain);
        for (int sector = request.FirstSector; sector < request.EndSector; sector++)
        {
            if (_map.Domain(request.Disk, sector) == domain)
                return true;
        }

        return false;
    }

    private sealed class State
    {
        public int RecordedAt { get; set; } = -1;

        public int ClearedAt { get; private set; } = -1;

        /// <summary>The record is gone, and the volume does not know yet.</summary>
        public bool Clearing { get; set; }

        /// <summary>Rings of disks that lost something to the fault.</summary>
        public HashSet<int> Lost { get; } = [];

        /// <summary>Those rings, once it was cleared, and when that was.</summary>
        public Dictionary<int, int> Disconnected { get; } = [];

        public void ClearRecord()
        {
            RecordedAt = -1;
            Clearing = true;
        }

        public void Clear(int index)
        {
            Clearing = false;
            ClearedAt = index;
            foreach (int ring in Lost)
                _ = Disconnected.TryAdd(ring, index);
            Lost.Clear();
        }
    }
}
