using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>
/// For each sector of each disk: what it held when its era began, and the writes since. An era ends where data may
/// legitimately be lost: at a power cut, and where a sync fails. Not a checker: what several of them look up.
/// </summary>
internal sealed class SectorLog : Checker
{
    private readonly History _history;
    private readonly DiskMap _map;
    private readonly Entry[][] _entries;

    public SectorLog(History history, DiskMap map)
    {
        _history = history;
        _map = map;
        _entries = [.. map.Spec.Disks.Select((_, disk) => new Entry[map.Sectors(disk)])];
        foreach (Entry[] disk in _entries)
        {
            for (int i = 0; i < disk.Length; i++)
                disk[i] = new Entry();
        }
    }

    /// <summary>Called for each sector, with the era that is over, before the next begins.</summary>
    public List<Action<int, int, Entry>> EraEnds { get; } = [];

    /// <summary>Called for each write that is of no account any more.</summary>
    public List<Action<int, int, RequestRecord>> Forgets { get; } = [];

    public Entry this[int disk, int sector] => _entries[disk][sector];

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Submit:
                RequestRecord request = _history.Requests[happened.Number];
                if (!request.Op.IsWrite())
                    return;
                for (int sector = request.FirstSector; sector < request.EndSector; sector++)
                {
                    Entry entry = _entries[request.Disk][sector];
                    if (entry.Writes.Count >= entry.ForgetAt)
                        Forget(request.Disk, sector, entry);
                    entry.Writes.Add(request);
                }

                break;
            case HistoryKind.PowerCut:
                EndEra(null, happened.Index);
                break;
            case HistoryKind.SyncFailed:
                EndEra(happened.Domain, happened.Index);
                break;
            default:
                break;
        }
    }

    // A write is of no account when its value is gone from the device, and what is durable now was there before anybody
    // began who still waits, so that none of them may have read the value. What was carried out also has to be the earlier of
    // the two: then the later one says all that it would have said.
    private void Forget(int disk, int sector, Entry entry)
    {
        int oldest = int.MaxValue;
        foreach (RingRecord ring in _history.Rings)
        {
            if (ring.Pending.Count > 0)
                oldest = Math.Min(oldest, ring.Pending[0].Start);
        }

        ulong durable = _map.Durable(disk, sector);
        RequestRecord? last = durable == 0 ? null : entry.Writes.Find(write => Entry.Gives(write, durable, sector) && write.CertainFrom < oldest);
        _ = entry.Writes.RemoveAll(write =>
        {
            bool over = last is not null && (write.Outcome is Outcome.Lost or Outcome.Failed || write.CertainFrom < last.Start);
            if (!over || _map.MayLeave(disk, sector, write.StampOf(sector)))
                return false;
            foreach (Action<int, int, RequestRecord> forgets in Forgets)
                forgets(disk, sector, write);
            return true;
        });
        entry.ForgetAt = Math.Max(Entry.ForgetAtLeast, 2 * entry.Writes.Count);
    }

    private void EndEra(int? domain, int index)
    {
        for (int disk = 0; disk < _entries.Length; disk++)
        {
            for (int sector = 0; sector < _entries[disk].Length; sector++)
            {
                if (domain is null || _map.Domain(disk, sector) == domain)
                {
                    foreach (Action<int, int, Entry> ends in EraEnds)
                        ends(disk, sector, _entries[disk][sector]);
                }
            }
        }

        for (int disk = 0; disk < _entries.Length; disk++)
        {
            for (int sector = 0; sector < _entries[disk].Length; sector++)
            {
                if (domain is null || _map.Domain(disk, sector) == domain)
                    _entries[disk][sector].Begin(_map.Newest(disk, sector), index, keepOpen: domain is not null);
            }
        }
    }

    /// <summary>One sector's era.</summary>
    internal sealed class Entry
    {
        /// <summary>Fewer writes than this are not worth looking through.</summary>
        public const int ForgetAtLeast = 16;

        /// <summary>So many writes are looked through for those that are of no account.</summary>
        public int ForgetAt { get; set; } = ForgetAtLeast;

        /// <summary>What it held when the era began.</summary>
        public ulong Initial { get; private set; }

        /// <summary>When the era began.</summary>
        public int Since { get; private set; } = -1;

        /// <summary>What was asked to be written since, in order of arrival, and what may still come from before.</summary>
        public List<RequestRecord> Writes { get; } = [];

        /// <summary>Whether it may hold a value though a write was certainly carried out.</summary>
        /// <returns>False if nothing that gives this value could come after that write.</returns>
        public bool MayHold(ulong stamp, int sector, RequestRecord after)
        {
            foreach (RequestRecord write in Writes)
            {
                if (Gives(write, stamp, sector) && (write == after || write.CertainFrom > after.Start))
                    return true;
            }

            return false;
        }

        /// <summary>Whether anything of this era explains a value.</summary>
        public bool IsKnown(ulong stamp, int sector) => stamp == Initial || Writes.Exists(write => Gives(write, stamp, sector));

        public static bool Gives(RequestRecord write, ulong stamp, int sector) => write.StampOf(sector) == stamp;

        public void Begin(ulong initial, int index, bool keepOpen)
        {
            Initial = initial;
            Since = index;
            if (keepOpen)
            {
                // Unanswered, or closed by their rings: they may still reach the device, or be lost with the sync.
                _ = Writes.RemoveAll(write => write.Outcome is not (Outcome.Pending or Outcome.Closed));
                foreach (RequestRecord write in Writes)
                    write.Uncertain = true;
            }
            else
            {
                Writes.Clear();
            }
        }
    }
}
