// S2: no request reads or writes outside its disk's extents.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>A read gets what was written to that very sector of that very disk, or zeroes.</summary>
internal sealed class IsolationChecker(History history) : Checker
{
    public override void See(in HistoryEvent happened)
    {
        if (happened.Kind != HistoryKind.Reply)
            return;
        RequestRecord read = history.Requests[happened.Number];
        if (read.Outcome != Outcome.Ok || read.Op != RequestOp.Read)
            return;
        for (int i = 0; i < read.Result.Length; i++)
        {
            ulong stamp = read.Result[i];
            if (stamp == 0)
                continue;
            RequestRecord writer = history.Requests[Stamp.Request(stamp)];
            int sector = read.FirstSector + i;
            Holds(
                writer.Disk == read.Disk && writer.FirstSector + Stamp.Sector(stamp) == sector,
                "S2",
                $"{read} got in sector {sector} of disk {read.Disk} what {writer} wrote to disk {writer.Disk}");
        }
    }
}
