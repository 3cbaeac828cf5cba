// Q4: no slot of the depth in force (Q6) idles while there is eligible work.
// O4: a barrier never delays another stream, other than by its share of device time.
// F8: reads and writes of other streams go on while a flush is pending or in flight.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Whatever may go, goes, while the device has a free slot.</summary>
internal sealed class WorkConservationChecker(History history, DiskMap map, WaitingRequests waiting, DeviceOccupancy device) : Checker
{
    public override void Rest(Incarnation now)
    {
        int depth = now.Status.DeviceDepth;
        Holds(depth >= 1 && depth <= map.Spec.Depth, "Q6", $"the depth is {depth}, of at most {map.Spec.Depth}");
        if (map.Spec.Policy != PolicyKind.Fair || device.Operations >= Math.Max(1, depth - device.Flushes) || waiting.Eligible.Count == 0)
            return;
        RequestRecord request = waiting.Eligible[0];
        RequestRecord? other = PendingOf(request, op => op.IsBarrier());
        if (other is not null)
            Fail("O4", $"{request} waits while {other} of another stream is pending, with {device.Operations} operations on a device of depth {depth}");
        other = PendingOf(request, op => op == RequestOp.Flush);
        if (other is not null)
            Fail("F8", $"{request} waits while {other} is pending, with {device.Operations} operations on a device of depth {depth}");
        Fail("Q4", $"{request} waits with {device.Operations} operations on a device of depth {depth}");
    }

    private RequestRecord? PendingOf(RequestRecord request, Func<RequestOp, bool> kind) =>
        history.Rings.SelectMany(ring => ring.Accepted)
            .FirstOrDefault(other => kind(other.Op) && (other.Ring != request.Ring || other.Stream != request.Stream));
}
