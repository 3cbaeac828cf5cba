// Q1, where costs are learned: what a saturated device does in a second costs a second. Judged over stretches in which the device's
// depth was full all the time and no flush was in flight, as the core learns from them; after so many completions as the core
// needs to find out, and over so many that what was charged before a stretch and done in it counts for little. Devices that stall
// are left out: what a stall takes is cut off on purpose in what is learned. So are volumes with a latency target: what the device
// gets done follows the depth in force at once, and what is learned of it only later. The tolerance is what the core's corrections
// leave, and failed operations, which are charged for.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Charged time is elapsed time.</summary>
internal sealed class LearnedCostChecker(DiskMap map, DeviceOccupancy device, bool isSteady) : Checker
{
    private const int LearningCompletions = 256;
    private const int StretchCompletions = 128;
    private const double ToleranceMax = 1.6;

    private int _ended;
    private bool _full;
    private long _restNs;
    private double _chargedNs;
    private int _fullCompletions;
    private int _stretchCompletions;
    private double _stretchNs;
    private double _stretchChargedNs;

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceEnd:
                _ended++;
                break;
            case HistoryKind.Started:
                _ended = _fullCompletions = 0;
                _full = false;
                Begin();
                break;
            default:
                break;
        }
    }

    public override void Rest(Incarnation now)
    {
        if (!map.Spec.Costs.Learn || !isSteady || map.Spec.LatencyTargetNs > 0 || map.Spec.Policy != PolicyKind.Fair)
            return;
        long nowNs = now.System.NowNs;
        double chargedNs = Enumerable.Range(0, map.Spec.Guests.Count).Sum(guest => now.Status.DeviceTimeSeconds(guest)) * 1e9;
        if (_full)
        {
            _fullCompletions += _ended;
            _stretchCompletions += _ended;
            _stretchNs += nowNs - _restNs;
            _stretchChargedNs += chargedNs - _chargedNs;
        }

        _ended = 0;
        _restNs = nowNs;
        _chargedNs = chargedNs;
        _full = device.Flushes == 0 && device.Operations >= now.Status.DeviceDepth;
        if (!_full || _fullCompletions < LearningCompletions)
        {
            Begin();
            return;
        }

        if (_stretchCompletions < StretchCompletions)
            return;
        double ratio = _stretchChargedNs / _stretchNs;
        Holds(
            ratio is > 1 / ToleranceMax and < ToleranceMax,
            "Q1",
            $"in {_stretchNs / 1e6:F1} ms in which the device was full the guests were charged {_stretchChargedNs / 1e6:F1} ms, {ratio:F2} times as much");
        Begin();
    }

    private void Begin()
    {
        _stretchCompletions = 0;
        _stretchNs = _stretchChargedNs = 0;
    }
}
