// Q2: guests that are backlogged throughout an interval, and neither served by reservation nor held by a limit, share device
// time by weight: |Wf/wf - Wg/wg| <= (D+1)(cf/wf + cg/wg) in charged cost, c the largest single cost. Over all intervals
// within a time in which both are backlogged, the left side is at most the distance between the largest and the smallest
// value that Wf/wf - Wg/wg has in it.
//
// D is the number of operations that may be on the device at once: the depth, and where flushes would fill it, one more than
// there can be flushes, since they never take the last slot (F8).
//
// Where a guest is given another weight, or begins or ceases to be reserved for or limited, its intervals begin anew: from then
// on the bound holds for what it has now. Where costs are learned, c is the most that a guest was charged between two rests.
//
// A guest is known to be backlogged from one rest of the volume to the next by a request of it that waits at both.
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>The fairness bound.</summary>
internal sealed class ShareBoundChecker : Checker
{
    // The core measures a flush from its decision to its handling of the completion: so much more than the device does.
    private const double MeasuringSlackNs = 100_000;

    private readonly DiskMap _map;
    private readonly WaitingRequests _waiting;

    /// <summary>Per guest the youngest request that waited at the last rest, which is the last to go.</summary>
    private readonly RequestRecord?[] _witness;
    private readonly bool[] _backlogged;
    private readonly double[] _charged;
    private readonly double[,] _least;
    private readonly double[,] _most;
    private readonly Dictionary<(int Domain, int Operation), long> _started = [];
    private double _largestNs;

    public ShareBoundChecker(DiskMap map, WaitingRequests waiting)
    {
        int guests = map.Spec.Guests.Count;
        _map = map;
        _waiting = waiting;
        _witness = new RequestRecord?[guests];
        _backlogged = new bool[guests];
        _charged = new double[guests];
        _least = new double[guests, guests];
        _most = new double[guests, guests];
    }

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceStart:
                _started[(happened.Domain, happened.Number)] = happened.TimeNs;
                _largestNs = Math.Max(_largestNs, _map.Spec.Costs.Piece(ChargeChecker.CostOf(happened.DeviceOp), happened.Length, happened.DeviceFlags.HasFlag(DeviceFlags.Dsync)));
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp is DeviceOp.Flush or DeviceOp.Discard or DeviceOp.Zero || happened.DeviceFlags.HasFlag(DeviceFlags.Dsync):
                // Flushes, durable writes and discards are charged by what they took.
                if (_started.Remove((happened.Domain, happened.Number), out long started))
                    _largestNs = Math.Max(_largestNs, happened.TimeNs - started + MeasuringSlackNs);
                break;
            case HistoryKind.GuestChanged:
                _witness[happened.Number] = null;
                break;
            case HistoryKind.Started:
                _started.Clear();
                Array.Clear(_witness);
                Array.Clear(_charged);
                break;
            default:
                break;
        }
    }

    public override void Rest(Incarnation now)
    {
        if (_map.Spec.Policy != PolicyKind.Fair)
            return;
        for (int guest = 0; guest < _witness.Length; guest++)
        {
            double charged = now.Status.DeviceTimeSeconds(guest) * 1e9;
            if (_map.Spec.Costs.Learn)
                _largestNs = Math.Max(_largestNs, charged - _charged[guest]);
            _charged[guest] = charged;
            _backlogged[guest] = _witness[guest] is { } witness && _waiting.Eligible.Contains(witness);
            _witness[guest] = IsJudged(guest) ? _waiting.Eligible.LastOrDefault(request => _waiting.GuestOf(request) == guest) : null;
        }

        for (int f = 0; f < _witness.Length; f++)
        {
            for (int g = f + 1; g < _witness.Length; g++)
                Compare(f, g, Weighted(now, f) - Weighted(now, g));
        }
    }

    private void Compare(int f, int g, double difference)
    {
        bool both = _backlogged[f] && _backlogged[g];
        _least[f, g] = both ? Math.Min(_least[f, g], difference) : difference;
        _most[f, g] = both ? Math.Max(_most[f, g], difference) : difference;
        int depth = Math.Max(_map.Spec.Depth + _map.Spec.NewcomersMax, _map.Spec.Domains.Count + 1);
        double bound = (depth + 1) * _largestNs * ((1 / Weight(f)) + (1 / Weight(g)));
        Holds(
            _most[f, g] - _least[f, g] <= bound,
            "Q2",
            $"the weighted service of guests {f} and {g} has moved apart by {_most[f, g] - _least[f, g]:F0} ns, the bound is {bound:F0} ns");
    }

    private bool IsJudged(int guest) => _map.Spec.Guests[guest] is { Reservation: 0, Limit: 0 };

    private double Weight(int guest) => _map.Spec.Guests[guest].Weight / 100.0;

    private double Weighted(Incarnation now, int guest) => now.Status.DeviceTimeSeconds(guest) * 1e9 / Weight(guest);
}
