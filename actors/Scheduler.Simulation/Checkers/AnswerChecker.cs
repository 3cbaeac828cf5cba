// S3: each accepted request is answered once, and its buffer is the device's until the device is done with it. When faults
// have stopped, everything is answered. A read fails for a cause: a device's error, a barrier before it (O6), or the end of
// its ring; a fence is none (F6).
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Each request is answered once; buffers are given back when the device has let go of them.</summary>
internal sealed class AnswerChecker(History history) : Checker
{
    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Reply:
                RequestRecord request = history.Requests[happened.Number];
                Holds(request.Answers == 1, "S3", $"{request} is answered {request.Answers} times");
                bool hasCause = request.Error != CoreError.Io || request.MetError || Array.Exists(request.Earlier, earlier => earlier.Op.IsBarrier());
                Holds(hasCause || request.Op != RequestOp.Read || request.Outcome != Outcome.Failed, "F6", $"{request} fails though nothing of it failed");
                break;
            case HistoryKind.DeviceStart or HistoryKind.DeviceEnd when happened.Ring >= 0:
                Holds(!history.Rings[happened.Ring].Memory.GivenBack, "S3", $"the device uses a buffer of ring {happened.Ring}, which was given back");
                break;
            case HistoryKind.Quiet:
                foreach (RingRecord ring in history.Rings)
                {
                    if (ring.Pending.Count > 0)
                        Fail("S3", $"{ring.Pending[0]} of ring {ring.Id} is never answered");
                }

                break;
            case HistoryKind.Stopped:
                foreach (RingRecord ring in history.Rings)
                    Holds(ring.Memory.GivenBack || !ring.Memory.InUse, "S3", $"the buffers of ring {ring.Id} are never given back");
                break;
            default:
                break;
        }
    }
}
