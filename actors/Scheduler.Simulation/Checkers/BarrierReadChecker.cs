// O3: a read may pass a pending barrier of its stream, unless it overlaps an earlier write of the stream that is not
// complete, the barrier's own included.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Reads behind a barrier see the earlier writes of their stream.</summary>
internal sealed class BarrierReadChecker(History history, SectorLog log) : Checker
{
    public override void See(in HistoryEvent happened)
    {
        if (happened.Kind != HistoryKind.Reply)
            return;
        RequestRecord read = history.Requests[happened.Number];
        if (read.Outcome != Outcome.Ok || read.Op != RequestOp.Read)
            return;

        // What is between the last barrier and the read is not ordered with the read (O1).
        int barrier = Array.FindLastIndex(read.Earlier, other => other.Op.IsBarrier() && IsOpen(other, read));
        for (int i = 0; i <= barrier; i++)
        {
            RequestRecord write = read.Earlier[i];
            if (!write.Op.IsWrite() || !write.Overlaps(read) || !IsOpen(write, read))
                continue;
            Holds(write.AnsweredTurn != 0, "O3", $"{read} passes a barrier and the overlapping {write}");
            if (write.Outcome == Outcome.Ok && !write.Uncertain && write.Op != RequestOp.Discard)
                CheckSeen(read, write);
        }
    }

    // Not answered when the read was taken, nor in that turn.
    private static bool IsOpen(RequestRecord earlier, RequestRecord read) => earlier.AnsweredTurn == 0 || earlier.AnsweredTurn > read.AcceptedTurn;

    private void CheckSeen(RequestRecord read, RequestRecord write)
    {
        for (int sector = Math.Max(read.FirstSector, write.FirstSector); sector < Math.Min(read.EndSector, write.EndSector); sector++)
        {
            ulong stamp = read.Result[sector - read.FirstSector];
            Holds(
                write.Start < log[read.Disk, sector].Since || log[read.Disk, sector].MayHold(stamp, sector, write),
                "O3",
                $"{read} got {Stamp.Text(stamp)} in sector {sector}, older than the earlier {write}");
        }
    }
}
