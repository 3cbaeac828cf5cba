// O2: in the flushing modes, no write after a barrier survives a crash unless everything before the barrier in its stream
// does. What failed before the barrier is excused: then the barrier fails (O6, BarrierFailureChecker). A barrier binds what
// was sent behind it, unless it failed and its guest knew when it sent.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Barrier order after a crash.</summary>
internal sealed class BarrierCrashChecker(History history, DiskMap map, SectorLog log) : Checker
{
    private readonly Dictionary<(int Ring, byte Stream), List<RequestRecord>> _streams = [];

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Submit:
                RequestRecord request = history.Requests[happened.Number];
                if (!map.Spec.Disks[request.Disk].Ordered.TakesBarriers() || request.Op.IsRead())
                    return;
                if (!_streams.TryGetValue((request.Ring, request.Stream), out List<RequestRecord>? stream))
                    _streams[(request.Ring, request.Stream)] = stream = [];
                stream.Add(request);
                break;
            case HistoryKind.PowerCut:
                foreach (List<RequestRecord> requests in _streams.Values)
                    Check(requests);
                _streams.Clear();
                break;
            default:
                break;
        }
    }

    private void Check(List<RequestRecord> stream)
    {
        for (int after = stream.Count - 1; after > 0; after--)
        {
            if (!Survived(stream[after]))
                continue;
            for (int barrier = after - 1; barrier >= 0; barrier--)
            {
                if (Binds(stream[barrier], stream[after]))
                {
                    CheckBefore(stream, barrier, stream[after]);
                    return;
                }
            }
        }
    }

    private static bool Binds(RequestRecord barrier, RequestRecord after) =>
        barrier.Op.IsBarrier() && (barrier.Outcome != Outcome.Failed || after.Start < barrier.End);

    private void CheckBefore(List<RequestRecord> stream, int barrier, RequestRecord after)
    {
        for (int i = 0; i < barrier; i++)
        {
            RequestRecord before = stream[i];
            if (!before.Op.IsWrite() || before.Op == RequestOp.Discard || before.Outcome == Outcome.Failed || before.Uncertain)
                continue;
            for (int sector = before.FirstSector; sector < before.EndSector; sector++)
            {
                SectorLog.Entry era = log[before.Disk, sector];
                ulong left = map.Newest(before.Disk, sector);
                Holds(
                    before.Start < era.Since || era.MayHold(left, sector, before),
                    "O2",
                    $"{after} survived a crash, which follows {stream[barrier]}, and {before} before it did not: sector {sector} of disk {before.Disk} holds {Stamp.Text(left)}");
            }
        }
    }

    private bool Survived(RequestRecord write)
    {
        for (int sector = write.FirstSector; sector < write.EndSector; sector++)
        {
            ulong stamp = write.StampOf(sector);
            if (stamp != 0 && map.Newest(write.Disk, sector) == stamp)
                return true;
        }

        return false;
    }
}
