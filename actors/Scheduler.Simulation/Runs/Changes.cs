using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What an operator changes while the volume runs. What the volume has said yes to is what it is started with from
/// then on.</summary>
internal sealed class Changes(Run run, Random random)
{
    private const int AttemptsMax = 20;

    /// <summary>Disks that are about to be taken away: nobody is let in.</summary>
    private readonly HashSet<int> _withdrawn = [];

    /// <summary>Disks of which the volume was told, and has not said yes or no.</summary>
    private readonly HashSet<int> _told = [];

    /// <summary>Before the first start: disks that are to come, or to grow.</summary>
    public void HoldBack()
    {
        for (int disk = 0; disk < run.Map.Spec.Disks.Count; disk++)
        {
            int extents = run.Map.Extents(disk);
            if (random.Next(3) == 0)
                run.Map.Serve(disk, random.Next(1, extents + 1));
            if (disk > 0 && random.Next(4) == 0)
                run.Map.Remove(disk);
        }
    }

    /// <summary>A new incarnation: what was being done to the old one is over.</summary>
    public void Restarted()
    {
        _withdrawn.Clear();
        _told.Clear();
    }

    /// <summary>Whether guests come to a disk.</summary>
    public bool MayOpen(int disk) => run.Map.IsServed(disk) && !_withdrawn.Contains(disk);

    /// <summary>Gives a guest something else.</summary>
    public void ChangeGuest()
    {
        int guest = random.Next(run.Map.Spec.Guests.Count);
        GuestSpec changed = SimulatedVolume.DrawChanged(random, run.Map.Spec.Guests[guest]);
        GuestSpec told = run.Bug switch
        {
            PlantedBug.WeightChangeIgnored => changed with { Weight = run.Map.Spec.Guests[guest].Weight },
            PlantedBug.WeightsIgnored => changed with { Weight = 100 },
            _ => changed,
        };
        Incarnation now = run.Now;
        now.Volume.Tell(new ChangeGuests([told], problem =>
        {
            Demand(problem is null || now.Stopping, problem);
            if (problem is not null)
                return;
            run.Map.Change(guest, changed);
            run.History.Add(new HistoryEvent { Kind = HistoryKind.GuestChanged, Number = guest, Value = changed.Weight });
        }));
    }

    /// <summary>Has a disk come back, grow, or go.</summary>
    public void ChangeDisk()
    {
        int disks = run.Map.Spec.Disks.Count;
        int disk = random.Next(disks);
        int extents = run.Map.Extents(disk);
        if (_told.Contains(disk))
            return;
        bool more = extents < run.Map.Spec.Disks[disk].Extents.Count && random.Next(2) == 0;
        if (!run.Map.IsServed(disk) || more)
            Serve(disk, more ? extents + 1 : extents);
        else if (!_withdrawn.Contains(disk) && Enumerable.Range(0, disks).Count(run.Map.IsServed) > _withdrawn.Count + 1)
            Withdraw(disk);
    }

    private void Serve(int disk, int extents)
    {
        Incarnation now = run.Now;
        _ = _told.Add(disk);
        now.Volume.Tell(new ChangeDisks([run.Map.Disk(disk, extents)], problem =>
        {
            _ = _told.Remove(disk);
            Demand(problem is null || now.Stopping || run.Bug != PlantedBug.None, problem);
            if (problem is not null)
                return;
            run.Map.Serve(disk, Math.Max(extents, run.Map.Extents(disk)));
            run.History.Add(new HistoryEvent { Kind = HistoryKind.DiskServed, Number = disk, Length = (long)run.Map.SectorsNow(disk) * SectorMedia.SectorBytes });
            run.Reopen(disk);
        }));
    }

    // Most of the time its guests are sent away first; until they are gone, the volume refuses.
    private void Withdraw(int disk)
    {
        Incarnation now = run.Now;
        _ = _withdrawn.Add(disk);
        if (random.Next(4) > 0)
        {
            foreach (SimulatedRing ring in now.Rings.Where(ring => ring.Disk == disk).ToList())
                ring.Close();
        }

        Remove(now, disk, random.Next(AttemptsMax));
    }

    private void Remove(Incarnation now, int disk, int attempts)
    {
        // The volume knows no ring that is on its way to it: who takes a disk away knows its connections.
        if (run.Now != now)
            return;
        if (run.HasRingsAway(disk))
            GoOn(now, disk, attempts);
        else
            now.Volume.Tell(new RemoveDisk(run.Map.Spec.Disks[disk].Name, problem => Removed(now, disk, attempts, problem)));
    }

    private void Removed(Incarnation now, int disk, int attempts, string? problem)
    {
        if (problem is null || run.Bug == PlantedBug.DiskRemovedUnderRings)
        {
            run.Map.Remove(disk);
            run.History.Add(new HistoryEvent { Kind = HistoryKind.DiskRemoved, Number = disk });
        }
        else
        {
            GoOn(now, disk, attempts);
            return;
        }

        Release(disk);
    }

    private void GoOn(Incarnation now, int disk, int attempts)
    {
        if (attempts > 0)
            now.System.After(random.Next(2_000_000), () => Remove(now, disk, attempts - 1));
        else
            Release(disk);
    }

    private void Release(int disk)
    {
        _ = _withdrawn.Remove(disk);
        run.Reopen(disk);
    }

    private static void Demand(bool condition, string? problem)
    {
        if (!condition)
            throw new RuleViolationException("S6", nameof(Changes), $"the volume refuses a change that is none to refuse: {problem}");
    }
}
