// F1: at most one device flush is in flight per domain, unless the policy passes flushes through. Device flushes never exceed flush points: a flush, an empty
// barrier, FUA, before and after a barrier write, start, stop, and Q1's own.
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>Flush counts per domain.</summary>
internal sealed class FlushCountChecker(History history, DiskMap map) : Checker
{
    private readonly int[] _inFlight = new int[map.Spec.Domains.Count];
    private readonly long[] _flushes = new long[map.Spec.Domains.Count];
    private readonly long[] _points = new long[map.Spec.Domains.Count];

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Submit:
                Count(history.Requests[happened.Number]);
                break;
            case HistoryKind.GuestChanged when IsBounded(happened.Number):
                CountNewBound(happened.Number);
                break;
            case HistoryKind.MachineLost:
                // They come again.
                foreach (RequestRecord request in history.Rings.SelectMany(ring => ring.Pending))
                    Count(request);
                break;
            case HistoryKind.Started:
                // Its stop.
                Array.Clear(_inFlight);
                for (int domain = 0; domain < _points.Length; domain++)
                    _points[domain]++;
                break;
            case HistoryKind.DeviceStart when happened.DeviceOp == DeviceOp.Flush:
                int at = happened.Domain;
                Holds(++_inFlight[at] == 1 || map.Spec.Policy != PolicyKind.Fair, "F1", $"{_inFlight[at]} flushes of domain {at} are in flight");
                Holds(++_flushes[at] <= _points[at], "F1", $"domain {at} was flushed {_flushes[at]} times for {_points[at]} flush points");
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp == DeviceOp.Flush:
                _inFlight[happened.Domain]--;
                break;
            default:
                break;
        }
    }

    private bool IsBounded(int guest) => map.Spec.Guests[guest].UnflushedBytesMax < 1 << 20;

    // What it has written already may be beyond its new bound, and so may be what is under way.
    private void CountNewBound(int guest)
    {
        for (int domain = 0; domain < _points.Length; domain++)
            _points[domain]++;
        foreach (RequestRecord request in history.Rings.SelectMany(ring => ring.Pending))
        {
            if (map.Spec.Disks[request.Disk].Guest == guest)
                Add(request, OwnPoints(request));
        }
    }

    private void Count(RequestRecord request)
    {
        int points = request.Op switch
        {
            RequestOp.BarrierWrite => 2,
            RequestOp.Flush or RequestOp.EmptyBarrier => 1,
            _ => request.IsFua ? 1 : 0,
        };

        Add(request, IsBounded(map.Spec.Disks[request.Disk].Guest) ? points + OwnPoints(request) : points);
    }

    // Q1's own: at most one for each piece of a write, of a guest whose bound is within reach.
    private int OwnPoints(RequestRecord request) => request.Op.IsWrite()
        ? 2 + (int)(request.Length >> 18)
            + map.Spec.Disks[request.Disk].Extents.Sum(extent => extent.Stripes is { } stripes ? (int)(extent.Length / stripes.ChunkLength) : 1)
        : 0;

    private void Add(RequestRecord request, int points)
    {
        for (int domain = 0; domain < _points.Length; domain++)
        {
            if (map.IsOn(request.Disk, domain))
                _points[domain] += points;
        }
    }
}
