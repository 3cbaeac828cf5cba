using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>
/// Reads and writes that the volume has taken, of which no part has reached the device, and that nothing but the policy may
/// hold back: neither order (O2, O3) nor a limit (Q3) nor the bound on unflushed bytes (Q1) nor a fault (F6).
/// </summary>
internal sealed class WaitingRequests(History history, DiskMap map) : Checker
{
    private readonly List<RequestRecord> _taken = [];
    private readonly List<RequestRecord> _eligible = [];
    private bool _faults;

    /// <summary>Those requests, when the volume rests; the oldest first.</summary>
    public IReadOnlyList<RequestRecord> Eligible => _eligible;

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Accepted:
                RequestRecord request = history.Requests[happened.Number];
                if (request.Op is RequestOp.Read or RequestOp.Write)
                    _taken.Add(request);
                break;
            case HistoryKind.SyncFailed or HistoryKind.FaultRecorded:
                _faults = true;
                break;
            case HistoryKind.PowerCut or HistoryKind.Killed or HistoryKind.Stopped or HistoryKind.MachineLost or HistoryKind.Moved:
                _taken.Clear();
                _faults = false;
                break;
            default:
                break;
        }
    }

    public override void Rest(Incarnation now)
    {
        _ = _taken.RemoveAll(request => request.Started || request.AnsweredTurn != 0 || history.Rings[request.Ring].Leaving);
        _eligible.Clear();
        foreach (RequestRecord request in _taken)
        {
            if (IsEligible(request))
                _eligible.Add(request);
        }
    }

    /// <summary>The guest of a request.</summary>
    public int GuestOf(RequestRecord request) => map.Spec.Disks[request.Disk].Guest;

    private bool IsEligible(RequestRecord request)
    {
        GuestSpec guest = map.Spec.Guests[GuestOf(request)];
        bool held = guest.Limit > 0
            || (request.Op.IsWrite() && (_faults || guest.UnflushedBytesMax < new GuestSpec { Name = "" }.UnflushedBytesMax));
        return !held && !Array.Exists(request.Earlier, earlier => earlier.Op.IsBarrier() && earlier.AnsweredTurn == 0);
    }
}
