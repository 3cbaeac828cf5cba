// Per sector, reads and writes are linearizable over all the rings of a disk (design, section 5, 3). After a crash, the
// era begins with what was found then, which DurabilityChecker has judged.
//
// Each write gives a value that no other gives, so the test is Gibbons and Korach's: a value's zone lies between the first
// end and the last start of its write and its reads. No two zones in which a value must hold may overlap, and no zone of
// another value may lie within one. Zeroes may come from several writes: where they do, they are judged by the simpler
// necessary condition that some write of zeroes may be the last one before the read. So are values whose write was sent again to
// the volume's next scheduler: until it is answered it is carried out any number of times.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Per-block linearizability.</summary>
internal sealed class LinearizabilityChecker : Checker
{
    private readonly History _history;
    private readonly SectorLog _log;
    private readonly Dictionary<ulong, Zone>?[][] _read;

    public LinearizabilityChecker(History history, DiskMap map, SectorLog log)
    {
        _history = history;
        _log = log;
        _read = [.. map.Spec.Disks.Select((_, disk) => new Dictionary<ulong, Zone>?[map.Sectors(disk)])];
        log.Forgets.Add((disk, sector, write) => _read[disk][sector]?.Remove(write.StampOf(sector)));
        log.EraEnds.Add((disk, sector, _) => _read[disk][sector]?.Clear());
    }

    public override void See(in HistoryEvent happened)
    {
        if (happened.Kind != HistoryKind.Reply)
            return;
        RequestRecord read = _history.Requests[happened.Number];
        if (read.Outcome != Outcome.Ok || read.Op != RequestOp.Read)
            return;
        for (int i = 0; i < read.Result.Length; i++)
        {
            int sector = read.FirstSector + i;
            SectorLog.Entry era = _log[read.Disk, sector];

            // A read that was on its way when its era ended may have been carried out on either side.
            if (read.Start > era.Since)
                Check(read, sector, read.Result[i], era);
        }
    }

    private static string Name(RequestRecord read, int sector, ulong stamp) => $"{read} got {Stamp.Text(stamp)} in sector {sector} of disk {read.Disk}";

    private void Check(RequestRecord read, int sector, ulong stamp, SectorLog.Entry era)
    {
        bool initial = stamp == era.Initial;

        // The start of the last write that was certainly over before the read: no value that was certainly there before that.
        int replaced = -1;
        foreach (RequestRecord write in era.Writes)
        {
            if (write.CertainFrom < read.Start)
                replaced = Math.Max(replaced, write.Start);
        }

        bool explained = initial && replaced < 0;
        RequestRecord? writer = stamp == 0 ? null : WriterOf(stamp, sector, read.Disk, era);
        if (writer is not null)
            explained |= writer.Start < read.End && writer.CertainFrom >= replaced;
        else if (stamp == 0)
            explained |= era.Writes.Exists(write => SectorLog.Entry.Gives(write, 0, sector) && write.Start < read.End && write.CertainFrom >= replaced);
        Holds(explained, "linearizability", $"{Name(read, sector, stamp)}, which a later write had replaced, or nobody wrote there");
        if (stamp != 0 || !era.Writes.Exists(write => SectorLog.Entry.Gives(write, 0, sector)))
            CheckZones(read, sector, stamp, writer, era);
    }

    private void CheckZones(RequestRecord read, int sector, ulong stamp, RequestRecord? writer, SectorLog.Entry era)
    {
        Dictionary<ulong, Zone> zones = _read[read.Disk][sector] ??= [];
        Zone zone = zones.TryGetValue(stamp, out Zone old) ? old : new Zone(int.MaxValue, -1);
        zone = new Zone(Math.Min(zone.FirstEnd, read.End), Math.Max(zone.LastStart, read.Start));
        zones[stamp] = zone;
        if (writer is { IsRepeated: true })
            return;
        zone = Whole(zone, stamp == era.Initial ? null : writer);
        foreach ((ulong other, Zone seen) in zones)
        {
            RequestRecord? otherWriter = other == 0 ? null : WriterOf(other, sector, read.Disk, era);
            if (other != stamp && otherWriter is not { IsRepeated: true })
                Compare(read, sector, stamp, zone, Whole(seen, other == era.Initial ? null : otherWriter));
        }

        // A write that nobody has read holds its value for a moment only.
        if (!zone.MustHold)
            return;
        foreach (RequestRecord write in era.Writes)
        {
            if (write != writer && write.CertainFrom < int.MaxValue && Overlaps(zone, new Zone(write.CertainFrom, write.Start)) && !zones.ContainsKey(write.StampOf(sector)))
                Compare(read, sector, stamp, zone, new Zone(write.CertainFrom, write.Start));
        }
    }

    // Who wrote a value in this era, or may still have come from before.
    private RequestRecord? WriterOf(ulong stamp, int sector, int disk, SectorLog.Entry era)
    {
        RequestRecord writer = _history.Requests[Math.Min(Stamp.Request(stamp), _history.Requests.Count - 1)];
        return writer.Disk == disk && writer.StampOf(sector) == stamp && (writer.Start > era.Since || era.Writes.Contains(writer)) ? writer : null;
    }

    private static Zone Whole(Zone reads, RequestRecord? writer) => writer is null
        ? new Zone(-1, reads.LastStart)
        : new Zone(Math.Min(reads.FirstEnd, writer.CertainFrom), Math.Max(reads.LastStart, writer.Start));

    private void Compare(RequestRecord read, int sector, ulong stamp, Zone one, Zone other)
    {
        // At least one of the two must hold its value for a while; two moments never clash.
        if ((one.MustHold || other.MustHold) && Overlaps(one, other))
            Fail("linearizability", $"{Name(read, sector, stamp)}; no order of the reads and writes of this sector explains it");
    }

    private static bool Overlaps(Zone one, Zone other) => (one.MustHold, other.MustHold) switch
    {
        (true, true) => Math.Max(one.FirstEnd, other.FirstEnd) < Math.Min(one.LastStart, other.LastStart),
        (true, false) => one.FirstEnd < other.LastStart && other.FirstEnd < one.LastStart,
        _ => other.FirstEnd < one.LastStart && one.FirstEnd < other.LastStart,
    };

    private readonly record struct Zone(int FirstEnd, int LastStart)
    {
        /// <summary>It was seen, or was certainly there, before it was last asked for: no other value in between.</summary>
        public bool MustHold => FirstEnd < LastStart;
    }
}
