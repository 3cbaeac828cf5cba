// O2  A barrier is complete after the earlier requests of its stream, and before later writes.
// O5  A barrier on a disk that has none is refused.
// O6  A barrier fails if a write of its stream that was unanswered when it was sent fails; when a barrier fails, what was
//     sent behind it fails, until the guest has heard of it.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What the answers of one stream say about its barriers.</summary>
internal sealed class BarrierFailureChecker(History history, DiskMap map) : Checker
{
    public override void See(in HistoryEvent happened)
    {
        if (happened.Kind != HistoryKind.Reply)
            return;
        RequestRecord request = history.Requests[happened.Number];
        if (request.Outcome != Outcome.Ok || request.Op.IsRead())
            return;
        if (!map.Spec.Disks[request.Disk].Ordered.TakesBarriers())
        {
            Holds(!request.Op.IsBarrier(), "O5", $"{request} succeeds on a disk without barriers");
            return;
        }

        foreach (RequestRecord earlier in request.Earlier)
        {
            // What was answered within the turn that took the request may have been answered before it.
            if (earlier.AnsweredTurn == request.AcceptedTurn)
                continue;
            bool open = earlier.AnsweredTurn == 0;
            if (request.Op.IsBarrier())
                Holds(!open, "O2", $"{request} is answered before the earlier {earlier}");
            else if (earlier.Op.IsBarrier())
                Holds(!open, "O2", $"{request} is answered before the earlier barrier {earlier}");
        }

        foreach (RequestRecord earlier in request.Unheard)
        {
            bool bound = earlier.Op.IsBarrier() || (request.Op.IsBarrier() && earlier.Op.IsWrite());
            Holds(!bound || earlier.Outcome != Outcome.Failed, "O6", $"{request} succeeds though {earlier} failed, which its guest did not know when it sent it");
        }
    }
}
