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
    private readonly SectorLog _log;
    private readonly State[] _domains;

    public FenceChecker(History history, DiskMap map, SectorLog log)
    {
        _history = history;
        _map = map;
        _log = log;
        _domains = [.. map.Spec.Domains.Select(_ => new State())];
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
            case HistoryKind.SyncFailed:
                _domains[happened.Domain].Fail(happened.Index);
                break;
            case HistoryKind.PowerCut or HistoryKind.Killed or HistoryKind.Stopped:
                // What was recorded stays; the rings are gone.
                foreach (State state in _domains)
                    state.FailedAt = -1;
                break;
            default:
                break;
        }
    }

    /// <summary>Notes the rings of a disk that lost an acknowledged write.</summary>
    public void Lost(int disk, int domain)
    {
        foreach (RingRecord ring in _history.Rings)
        {
            if (ring.Disk == disk && !ring.Closed)
                _ = _domains[domain].Lost.Add(ring.Id);
        }
    }

    private void Check(RequestRecord request)
    {
        for (int domain = 0; domain < _domains.Length; domain++)
        {
            State state = _domains[domain];
            if (!Touches(request, domain))
                continue;
            if (request.Outcome == Outcome.Ok && !request.Op.IsRead())
            {
                Holds(
                    state.RecordedAt < 0 || request.Start < state.RecordedAt,
                    "F6",
                    $"{request} succeeds though domain {domain} is fenced");
                Holds(
                    request.Op != RequestOp.Flush || state.FailedAt < 0 || request.Start < state.FailedAt,
                    "F6",
                    $"{request} succeeds though a sync of domain {domain} has failed");
            }

            if (request.Outcome == Outcome.Ok)
            {
                Holds(
                    state.ClearedAt < 0 || request.Start < state.ClearedAt || !state.Lost.Contains(request.Ring),
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
            if (Touches(request, domain) && (_domains[domain].RecordedAt >= 0 || _domains[domain].ClearedAt > request.Start))
                return;
        }

        Fail("F6", $"{request} fails before the fault is recorded");
    }

    private bool Touches(RequestRecord request, int domain)
    {
        if (!request.Op.HasRange())
            return _map.IsOn(request.Disk, domain);
        for (int sector = request.FirstSector; sector < request.EndSector; sector++)
        {
            if (_map.Domain(request.Disk, sector) == domain)
                return true;
        }

        return false;
    }

    private sealed class State
    {
        public int FailedAt { get; set; } = -1;

        public int RecordedAt { get; set; } = -1;

        public int ClearedAt { get; private set; } = -1;

        public HashSet<int> Lost { get; } = [];

        public void Fail(int index)
        {
            if (FailedAt < 0)
                FailedAt = index;
        }

        public void Clear(int index)
        {
            FailedAt = -1;
            RecordedAt = -1;
            ClearedAt = index;
        }
    }
}
