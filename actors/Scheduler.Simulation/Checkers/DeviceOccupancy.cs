using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>What is on the device, for other checkers.</summary>
internal sealed class DeviceOccupancy : Checker
{
    /// <summary>Operations that are no flushes.</summary>
    public int Operations { get; private set; }

    /// <summary>Flushes.</summary>
    public int Flushes { get; private set; }

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceStart or HistoryKind.DeviceEnd:
                int change = happened.Kind == HistoryKind.DeviceStart ? 1 : -1;
                if (happened.DeviceOp == DeviceOp.Flush)
                    Flushes += change;
                else
                    Operations += change;
                break;
            case HistoryKind.Started:
                Operations = Flushes = 0;
                break;
            default:
                break;
        }
    }
}
