// Flush points of one domain, merged.
//
// F1  At most one device flush is in flight; requests that arrive meanwhile collect for the next (two lists).
// F3  A device flush satisfies a request only if it was emitted after the last covered write's completion was processed.
//     Time is a counter that every completed write and every emitted flush moves on: a disk was dirtied at a moment, a
//     flush was emitted at a moment, and the comparison of the two is all there is to it.
// F4  A disk is clean where it was dirtied before the last successful flush was emitted. At start, and after a fault was
//     cleared, every disk counts as dirtied just now.
// F6  A failed sync fences the domain. Nothing here turns a failure into a success.
// Q1  A flush's base cost is split among those it serves, its data cost is charged to whoever dirtied the data. Its cost is
//     the time that it took, less the device time of what the device got done beside it; at least its time on one of the
//     device's channels. Where a flush stalls everything, nothing gets done beside it and it costs all of its time; where it
//     takes one channel of eight and the others are busy, it costs an eighth; a saturated device's costs sum to elapsed time
//     on both. On a device that is otherwise idle it costs all of its time, as nothing tells how much room it left.
namespace Scheduler.Core;

/// <summary>The state of one flush domain.</summary>
internal sealed class FlushDomain(int index, DomainSpec spec, CostModel costs)
{
    private const double Smoothing = 0.125;

    /// <summary>So many dirty bytes tell as much of the time of bytes as of the base.</summary>
    private const double ScaleBytes = 1 << 20;

    public readonly int Index = index;
    public readonly DomainSpec Spec = spec;
    public readonly ulong Bit = 1UL << index;

    /// <summary>Requests that wait for the flush in flight, and for the next one.</summary>
    public List<Request> Flying = [];
    public List<Request> Collecting = [];

    /// <summary>Replies that wait until the fault is durable (F6).</summary>
    public readonly List<Request> AwaitingRecord = [];

    /// <summary>Guests with bytes in <see cref="Guest.Dirty"/> here.</summary>
    public List<Guest> DirtyGuests = [];
    public List<Guest> DirtyGuestsInFlush = [];

    public bool InFlight;

    /// <summary>Number of the flush in flight.</summary>
    public int Operation;

    /// <summary>Moment at which the flush in flight, and the last successful one, was emitted.</summary>
    public long EmittedAt;
    public long FlushedAt;

    /// <summary>The latest <see cref="Disk.DirtyAt"/> here of disks that are gone; 0: there are none.</summary>
    public long LeftDirtyAt;

    /// <summary>When the flush in flight was emitted, in nanoseconds.</summary>
    public long EmittedNs;

    /// <summary>Device time of all that the device completed besides flushes; when the flush in flight was emitted.</summary>
    public double DoneNs;
    public double DoneBeforeNs;

    /// <summary>A flush is wanted though nobody waits: a guest's unflushed bytes (Q1), or the volume stops.</summary>
    public bool Wanted;

    /// <summary>Smoothed time that a flush takes, and how it depends on the dirty bytes.</summary>
    public double FlushCostNs = costs.FlushNs;
    public LearnedCost Flush = new(costs.FlushNs, costs.FlushByteNs, ScaleBytes);

    /// <summary>The hold of F7: its number (0: not decided), whom it waits for, when it ends.</summary>
    public long Hold;
    public int HoldExpects;
    public long HoldEndsNs;

    /// <summary>Errno of the fault that fences the domain, or 0.</summary>
    public int Fault = spec.Fault;
    public bool RecordPending;

    /// <summary>How often it was fenced: a write in flight meanwhile is not to be trusted, not even after the fault was cleared.</summary>
    public int Fences;

    /// <summary>Learns which way of FUA is cheaper.</summary>
    public FuaChoice Fua = new(costs.DurableWriteNs == 0 ? 0 : costs.WriteNs + costs.DurableWriteNs);

    /// <summary>Whether a completed write is durable here without a flush and without FUA.</summary>
    public bool MakesDurable(RequestOp op) => !Spec.VolatileCache || (Spec.DurableWrites && op.WritesData());

    public bool IsClean(Disk disk) => disk.DirtyAt[Index] < FlushedAt;

    /// <summary>F3: whether the flush in flight will make durable all that the disk has completed until now.</summary>
    public bool FlushInFlightCovers(Disk disk) => InFlight && disk.DirtyAt[Index] < EmittedAt;

    /// <summary>A write's bytes are in the volatile cache.</summary>
    public void AddDirty(Guest guest, long bytes)
    {
        if (guest.Dirty[Index] == 0)
            DirtyGuests.Add(guest);
        guest.Dirty[Index] += bytes;
    }

    /// <summary>A flush is emitted: what is dirty now is what it covers.</summary>
    public void Emit(long moment, long nowNs)
    {
        Invariant.Holds(!InFlight, "F1", "a second device flush would be in flight");
        InFlight = true;
        EmittedAt = moment;
        EmittedNs = nowNs;
        DoneBeforeNs = DoneNs;
        Wanted = false;
        Hold = 0;
        foreach (Guest guest in DirtyGuests)
        {
            guest.DirtyInFlush[Index] = guest.Dirty[Index];
            guest.Dirty[Index] = 0;
        }

        (DirtyGuests, DirtyGuestsInFlush) = (DirtyGuestsInFlush, DirtyGuests);
    }

    /// <summary>The device flush is over, well or not: its cost is charged, its bytes are accounted for.</summary>
    /// <param name="policy">Takes the charges.</param>
    /// <param name="parallel">Operations that the device works on at once.</param>
    /// <param name="nowNs">Now.</param>
    public void Finish(DispatchPolicy policy, double parallel, long nowNs)
    {
        Invariant.Holds(InFlight, "F1", "a device flush ended that was not in flight");
        InFlight = false;
        double took = Math.Max(1, nowNs - EmittedNs);
        long bytes = 0;
        foreach (Guest guest in DirtyGuestsInFlush)
            bytes += guest.DirtyInFlush[Index];

        FlushCostNs += Smoothing * (LearnedCost.Bounded(FlushCostNs, took) - FlushCostNs);
        Flush.Learn(bytes, took, Smoothing);

        double cost = Math.Max(took - (DoneNs - DoneBeforeNs), took / Math.Max(1, parallel));
        double baseCost = Flying.Count == 0 ? 0 : bytes == 0 ? cost : cost * Math.Min(1, Flush.BaseNs / took);
        foreach (Request request in Flying)
            policy.Charge(request.Ring.Disk.Guest, baseCost / Flying.Count, nowNs);
        foreach (Guest guest in DirtyGuestsInFlush)
        {
            policy.Charge(guest, (cost - baseCost) * guest.DirtyInFlush[Index] / bytes, nowNs);
            guest.Unflushed -= guest.DirtyInFlush[Index];
            guest.DirtyInFlush[Index] = 0;
        }

        DirtyGuestsInFlush.Clear();
    }

    /// <summary>F6: nothing that is dirty here will be flushed any more, so it bounds nobody.</summary>
    public void ForgetDirty()
    {
        foreach (Guest guest in DirtyGuests)
        {
            guest.Unflushed -= guest.Dirty[Index];
            guest.Dirty[Index] = 0;
        }

        DirtyGuests.Clear();
    }
}
