// F6: when a sync fails, every request that it covered fails and the domain is fenced; a failed sync is never retried into
// a success. Judged from what the device did, not from what the volume says it noticed (FenceChecker does that):
//
//   - when the volume has handled the failure, the domain is fenced;
//   - a write of which a part was on the domain's device when the sync failed, and no flush that began after that part was
//     over had succeeded, does not succeed: that part may be gone;
//   - a flush or barrier that was waiting does not succeed if a write that it covers is gone.
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>Nothing that a failed sync may have lost is reported as done.</summary>
internal sealed class SyncFailureChecker : Checker
{
    private readonly History _history;
    private readonly DiskMap _map;
    private readonly bool[] _failed;

    /// <summary>Per domain, unanswered requests by how many of their parts have reached its device and are not durable by
    /// themselves.</summary>
    private readonly Dictionary<RequestRecord, int>[] _reached;

    /// <summary>Of these the parts that are over, and what of them each flush in flight makes durable.</summary>
    private readonly Dictionary<RequestRecord, int>[] _cached;
    private readonly Dictionary<(int Domain, int Operation), KeyValuePair<RequestRecord, int>[]> _flushing = [];
    private readonly HashSet<RequestRecord> _mustFail = [];

    /// <summary>Acknowledged writes that are gone, and the domains of failures that the volume has not handled yet.</summary>
    private readonly List<RequestRecord> _gone = [];
    private readonly List<RequestRecord> _atRisk = [];

    public SyncFailureChecker(History history, DiskMap map, SectorLog log)
    {
        _history = history;
        _map = map;
        _failed = new bool[map.Spec.Domains.Count];
        _reached = [.. map.Spec.Domains.Select(_ => new Dictionary<RequestRecord, int>())];
        _cached = [.. _reached.Select(_ => new Dictionary<RequestRecord, int>())];
        log.EraEnds.Add(NoteLoss);
    }

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceStart when happened.DeviceOp == DeviceOp.Write:
                Count(_reached, happened, 1);
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp == DeviceOp.Write && happened.Value == 0 && IsDurable(happened):
                Count(_reached, happened, -1);
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp == DeviceOp.Write:
                Count(_cached, happened, 1);
                break;
            case HistoryKind.DeviceStart when happened.DeviceOp == DeviceOp.Flush:
                _flushing[(happened.Domain, happened.Number)] = [.. _cached[happened.Domain]];
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp == DeviceOp.Flush:
                if (_flushing.Remove((happened.Domain, happened.Number), out KeyValuePair<RequestRecord, int>[]? flushed) && happened.Value == 0)
                    Flushed(happened.Domain, flushed);
                break;
            case HistoryKind.SyncFailed:
                _failed[happened.Domain] = true;
                _atRisk.AddRange(_reached[happened.Domain].Where(pair => pair.Value > 0).Select(pair => pair.Key));
                break;
            case HistoryKind.FaultCleared:
                _failed[happened.Domain] = false;
                break;
            case HistoryKind.Answered:
                foreach (Dictionary<RequestRecord, int> reached in _reached)
                    _ = reached.Remove(_history.Requests[happened.Number]);
                foreach (Dictionary<RequestRecord, int> cached in _cached)
                    _ = cached.Remove(_history.Requests[happened.Number]);
                break;
            case HistoryKind.Reply:
                RequestRecord request = _history.Requests[happened.Number];
                Holds(request.Outcome != Outcome.Ok || !_mustFail.Remove(request), "F6", $"{request} succeeds though a sync failed that may have lost what it reports as done");
                break;
            case HistoryKind.PowerCut or HistoryKind.Killed or HistoryKind.Stopped or HistoryKind.MachineLost or HistoryKind.Moved:
                Array.Clear(_failed);
                foreach (Dictionary<RequestRecord, int> reached in _reached)
                    reached.Clear();
                foreach (Dictionary<RequestRecord, int> cached in _cached)
                    cached.Clear();
                _flushing.Clear();
                _mustFail.Clear();
                _gone.Clear();
                _atRisk.Clear();
                break;
            default:
                break;
        }
    }

    // What the volume has answered by now it answered before it took the failure.
    public override void Rest(Incarnation now)
    {
        if (!Array.Exists(_failed, failed => failed))
            return;
        for (int domain = 0; domain < _failed.Length; domain++)
            Holds(!_failed[domain] || now.Status.Fault(domain) != 0, "F6", $"a sync of domain {domain} failed, and it is not fenced");

        foreach (RequestRecord write in _atRisk)
        {
            if (write.AnsweredTurn == 0)
                _ = _mustFail.Add(write);
        }

        foreach (RingRecord ring in _history.Rings)
        {
            foreach (RequestRecord request in ring.Accepted)
            {
                if (request.Op.IsFlushPoint() && _gone.Exists(write => Covers(request, write)))
                    _ = _mustFail.Add(request);
            }
        }

        _atRisk.Clear();
        _gone.Clear();
    }

    private bool IsDurable(in HistoryEvent write)
    {
        DomainSpec domain = _map.Spec.Domains[write.Domain];
        return write.DeviceFlags.HasFlag(DeviceFlags.Dsync) || !domain.VolatileCache || domain.DurableWrites;
    }

    private void Count(Dictionary<RequestRecord, int>[] parts, in HistoryEvent write, int change)
    {
        RequestRecord request = _history.Requests[write.Request];
        parts[write.Domain][request] = parts[write.Domain].GetValueOrDefault(request) + change;
    }

    // Unless it was answered or another flush was sooner, a part is durable now.
    private void Flushed(int domain, KeyValuePair<RequestRecord, int>[] flushed)
    {
        foreach ((RequestRecord request, int parts) in flushed)
        {
            int durable = Math.Min(parts, _cached[domain].GetValueOrDefault(request));
            if (durable == 0)
                continue;
            _cached[domain][request] -= durable;
            _reached[domain][request] -= durable;
        }
    }

    private static bool Covers(RequestRecord request, RequestRecord write) => write.Disk == request.Disk && write.End < request.Start;

    // At a power cut too, after which all is forgotten here.
    private void NoteLoss(int disk, int sector, SectorLog.Entry era)
    {
        ulong left = _map.Newest(disk, sector);
        foreach (RequestRecord write in era.Writes)
        {
            if (write.CertainFrom < int.MaxValue && !era.MayHold(left, sector, write) && !_gone.Contains(write))
                _gone.Add(write);
        }
    }
}
