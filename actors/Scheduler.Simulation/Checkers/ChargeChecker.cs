// Q1: every request has a cost in device time, flushes too: what the device does is charged to somebody. Charged are at
// least the model's cost of each operation and, for each flush, the time that it took on one of the device's channels: of the
// rest of its time the core leaves out what the device did for others.
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>Nothing that the device does is free.</summary>
internal sealed class ChargeChecker(DiskMap map) : Checker
{
    private readonly Dictionary<int, long> _flushes = [];
    private double _leastNs;
    private bool _faults;

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceStart when happened.DeviceOp == DeviceOp.Flush:
                _flushes[happened.Domain] = happened.TimeNs;
                break;
            case HistoryKind.DeviceStart:
                _leastNs += map.Spec.Costs.Piece(CostOf(happened.DeviceOp), happened.Length, happened.DeviceFlags.HasFlag(DeviceFlags.Dsync));
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp == DeviceOp.Flush:
                _leastNs += (happened.TimeNs - _flushes[happened.Domain]) / Math.Max(1, map.Spec.Costs.Parallel);
                break;
            case HistoryKind.SyncFailed or HistoryKind.FaultRecorded:
                // From here on a flush may have nobody left to be charged to.
                _faults = true;
                break;
            case HistoryKind.Started:
                _leastNs = 0;
                _faults = false;
                break;
            default:
                break;
        }
    }

    public override void Rest(Incarnation now)
    {
        // Passed through, a flush is charged before it is done; what a stopping volume flushes is nobody's.
        // What is learned is judged by LearnedCostChecker.
        if (map.Spec.Policy != PolicyKind.Fair || map.Spec.Costs.Learn || _faults || now.Stopping)
            return;
        double chargedNs = Enumerable.Range(0, map.Spec.Guests.Count).Sum(guest => now.Status.DeviceTimeSeconds(guest)) * 1e9;
        Holds(chargedNs >= _leastNs - 1, "Q1", $"the guests were charged {chargedNs:F0} ns for work that took at least {_leastNs:F0} ns");
    }

    /// <summary>The operation that a device's operation is charged as; for a flush, which is not, one of no data.</summary>
    public static RequestOp CostOf(DeviceOp op) => op switch
    {
        DeviceOp.Read => RequestOp.Read,
        DeviceOp.Write => RequestOp.Write,
        DeviceOp.Discard => RequestOp.Discard,
        DeviceOp.Zero => RequestOp.Zero,
        DeviceOp.Prefetch => RequestOp.Prefetch,
        _ => RequestOp.Status,
    };
}
