// F2-F5: an acknowledged flush, FUA write or flushing barrier: all that it covers survives every later crash.
//
// Asked at each acknowledgement (would the worst power cut, now, lose something that it covers?) and at each power cut
// (does each sector hold the last write that had to be durable, or a later one?). A stop in good order counts as a flush of all
// disks, of those too that were taken away meanwhile; but for one that was not there from the start to the stop, of which a
// service that was killed may have left something unflushed.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Acknowledged durability over every crash.</summary>
internal sealed class DurabilityChecker : Checker
{
    private readonly History _history;
    private readonly DiskMap _map;
    private readonly SectorLog _log;
    private readonly HashSet<RequestRecord> _durable = [];
    private readonly List<RequestRecord>[] _acknowledged;
    private readonly bool[] _absent;

    public DurabilityChecker(History history, DiskMap map, SectorLog log)
    {
        _history = history;
        _map = map;
        _log = log;
        _acknowledged = [.. map.Spec.Disks.Select(_ => new List<RequestRecord>())];
        _absent = new bool[_acknowledged.Length];
        log.EraEnds.Add(CheckSurvivor);
    }

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Reply:
                Acknowledge(_history.Requests[happened.Number]);
                break;
            case HistoryKind.Started:
                for (int disk = 0; disk < _absent.Length; disk++)
                    _absent[disk] = !_map.IsServed(disk);
                break;
            case HistoryKind.DiskServed:
                _absent[happened.Number] = false;
                break;
            case HistoryKind.Stopped or HistoryKind.Moved when happened.Value == 0:
                // S3: stopping flushes what was answered.
                for (int disk = 0; disk < _acknowledged.Length; disk++)
                {
                    if (!_absent[disk])
                        Require(disk, int.MaxValue, null, "F2", "the volume has stopped");
                }

                break;
            case HistoryKind.PowerCut:
                foreach (List<RequestRecord> writes in _acknowledged)
                    writes.Clear();
                _durable.Clear();
                break;
            default:
                break;
        }
    }

    private void Acknowledge(RequestRecord request)
    {
        if (request.Outcome != Outcome.Ok)
            return;
        if (request.Op.IsFlushPoint())
            Require(request.Disk, request.Start, request.Op.IsBarrier() ? request : null, request.Op.IsBarrier() ? "O2" : "F2", $"{request} is answered");
        if (!request.Op.IsWrite())
            return;
        if (request.IsFua || request.Op.IsBarrier())
            RequireOne(request, "F5", "it is answered");
        else
            _acknowledged[request.Disk].Add(request);
    }

    // All that was answered before, and for a barrier all that came before in its stream.
    private void Require(int disk, int before, RequestRecord? barrier, string rule, string why)
    {
        _ = _acknowledged[disk].RemoveAll(write =>
        {
            if (write.End >= before && !(barrier is not null && write.Ring == barrier.Ring && write.Stream == barrier.Stream && write.Start < before))
                return false;
            RequireOne(write, rule, why);
            return true;
        });
    }

    private void RequireOne(RequestRecord write, string rule, string why)
    {
        if (write.Uncertain || write.Op == RequestOp.Discard)
            return;
        _ = _durable.Add(write);
        for (int sector = write.FirstSector; sector < write.EndSector; sector++)
        {
            SectorLog.Entry entry = _log[write.Disk, sector];
            ulong left = _map.Durable(write.Disk, sector);
            if (entry.Since < write.Start && !entry.MayHold(left, sector, write))
                Fail(rule, $"{why}, and a power cut now would leave {Stamp.Text(left)} in sector {sector} of disk {write.Disk}, not {write}");
        }
    }

    private void CheckSurvivor(int disk, int sector, SectorLog.Entry era)
    {
        ulong left = _map.Newest(disk, sector);
        Holds(era.IsKnown(left, sector), "S2", $"sector {sector} of disk {disk} holds {Stamp.Text(left)} after a crash, which nobody wrote there");
        foreach (RequestRecord write in era.Writes)
        {
            if (_durable.Contains(write) && !era.MayHold(left, sector, write))
                Fail("F2", $"sector {sector} of disk {disk} holds {Stamp.Text(left)} after a crash, older than the durable {write}");
        }
    }
}
