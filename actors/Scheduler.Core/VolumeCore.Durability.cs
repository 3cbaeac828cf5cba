// Flush points, FUA and faults.
//
// F1  One device flush in flight per domain; what arrives meanwhile collects.
// F2  A flush request waits on every domain of its disk that is not clean, so that it covers the writes of all the
//     disk's rings; nothing is answered before its completion was processed here.
// F3  It rides on the flush in flight only if that covers all that the disk has completed.
// F4  A clean disk's flush is answered at once.
// F6  When a sync fails, all that it covered fails, after the fault was made durable; the domain is fenced.
// F7  FlushGathering decides on holds.
// F8  Nothing here holds a read or a write of anyone.
using System.Numerics;

namespace Scheduler.Core;

public sealed partial class VolumeCore
{
    // The request needs all that its disk has completed until now to be durable on these domains.
    private void AwaitFlush(Request request, ulong domains)
    {
        Disk disk = request.Ring.Disk;
        FlushPoints++;
        foreach (FlushDomain domain in _domains)
        {
            // F6, F4 included.
            if ((domains & domain.Bit) != 0 && domain.Fault != 0)
                FailFenced(request, domain);
        }

        if (request.Error != 0)
            return;
        foreach (FlushDomain domain in _domains)
        {
            if ((domains & domain.Bit) == 0 || domain.IsClean(disk))
                continue;
            if (!_policy.MergesFlushes)
            {
                request.OwnFlushDomains |= domain.Bit;
                continue;
            }

            request.Awaits++;
            request.SinceNs = _nowNs;
            if (domain.FlushInFlightCovers(disk))
            {
                domain.Flying.Add(request);
                MarkStarted(request);
                TraceServes(domain, request, domain.Operation);
            }
            else
            {
                domain.Collecting.Add(request);
                FlushGathering.Joined(domain, request);
            }
        }

        if (request.OwnFlushDomains != 0)
            Queue(request);
    }

    // Where the policy passes flushes through, each goes in its turn, several at once: F1 and F7 do not hold there.
    private void DispatchOwnFlush(Request request)
    {
        FlushDomain domain = _domains[BitOperations.TrailingZeroCount(request.OwnFlushDomains)];
        request.OwnFlushDomains &= ~domain.Bit;
        if (domain.Fault != 0)
        {
            _policy.Remove(request, _nowNs);
            request.OwnFlushDomains = 0;
            FailFenced(request, domain);
            TryAdvance(request);
            return;
        }

        _policy.Dispatched(request.Ring.Disk.Guest, domain.FlushCostNs, _nowNs);
        _dataInFlight++;
        request.Ring.Disk.Guest.InFlight++;
        DeviceFlushes++;
        request.PiecesInFlight++;
        MarkLeftQueue(request);
        int number = _operations.Start(new Operation
        {
            Request = request,
            Domain = domain.Index,
            OwnFlushAt = ++_moment,
            Fences = domain.Fences,
        });
        ref Effect flush = ref _effects.Add(EffectKind.Flush);
        flush.Domain = domain.Index;
        flush.Operation = number;
        TraceServes(domain, request, number);
        if (request.OwnFlushDomains == 0)
            _policy.Remove(request, _nowNs);
    }

    private void OwnFlushCompleted(Request request, in Operation operation, FlushDomain domain, int error)
    {
        FlushesServed++;
        if (error != 0)
            Fence(domain, error);
        if (operation.Fences != domain.Fences)
        {
            Fail(request, CoreError.Io);
            FailFenced(request, domain);
        }
        else
        {
            domain.FlushedAt = Math.Max(domain.FlushedAt, operation.OwnFlushAt);
        }
    }

    private void EmitFlushes()
    {
        foreach (FlushDomain domain in _domains)
        {
            if (!domain.InFlight && domain.Fault == 0 && MayEmit(domain))
                EmitFlush(domain);
        }
    }

    private bool MayEmit(FlushDomain domain)
    {
        if (domain.Wanted)
            return true;
        if (domain.Collecting.Count == 0)
            return false;
        if (_stopping)
            return true;
        if (domain.Hold == 0)
            _gathering.Decide(domain, _nowNs);
        return domain.HoldExpects == 0 || domain.HoldEndsNs <= _nowNs;
    }

    private void EmitFlush(FlushDomain domain)
    {
        Invariant.Holds(domain.Flying.Count == 0, "F1", "requests wait for a flush that is not in flight");
        (domain.Flying, domain.Collecting) = (domain.Collecting, domain.Flying);
        domain.Emit(++_moment, _nowNs);
        DeviceFlushes++;
        _flushesInFlight++;
        int number = _operations.Start(new Operation { Domain = domain.Index });
        domain.Operation = number;
        ref Effect flush = ref _effects.Add(EffectKind.Flush);
        flush.Domain = domain.Index;
        flush.Operation = number;
        foreach (Request request in domain.Flying)
        {
            request.BatchNs += _nowNs - request.SinceNs;
            request.SinceNs = _nowNs;
            MarkStarted(request);
            TraceServes(domain, request, domain.Operation);
        }
    }

    private void FlushCompleted(FlushDomain domain, int error)
    {
        FlushesServed += domain.Flying.Count;
        domain.Fua.FlushServed(domain.Flying.Count);
        domain.Finish(_policy, _costs.Parallel, _nowNs);
        if (error != 0)
            Fence(domain, error);
        if (domain.Fault == 0)
        {
            domain.FlushedAt = Math.Max(domain.FlushedAt, domain.EmittedAt);
            for (int i = 0; i < domain.Flying.Count; i++)
            {
                Request request = domain.Flying[i];
                request.Awaits--;
                TryAdvance(request);
            }

            domain.Flying.Clear();
        }

        foreach (Guest guest in _guests)
        {
            if (!guest.WritesBlocked)
                continue;
            WantOwnFlush(guest);
            Unblock(guest);
        }
    }

    private void Fence(FlushDomain domain, int error)
    {
        if (domain.Fault != 0)
            return;
        domain.Fault = error;
        domain.Fences++;
        domain.RecordPending = true;
        domain.Wanted = false;
        domain.Hold = 0;
        domain.ForgetDirty();
        foreach (Guest guest in _guests)
            Unblock(guest);

        ref Effect record = ref _effects.Add(EffectKind.RecordFault);
        record.Domain = domain.Index;
        record.Error = error;

        // The flush in flight too: if a durable write failed beside it, its own success says nothing any more.
        FailWaiters(domain, domain.Flying);
        FailWaiters(domain, domain.Collecting);
        FailHalfWritten(domain);
    }

    // A write of which a part was in the cache here, and another is still to come: what was in the cache may be gone.
    private void FailHalfWritten(FlushDomain domain)
    {
        foreach (Ring? ring in _rings)
        {
            if (ring is null)
                continue;
            foreach (Request request in ring.Slots)
            {
                if (request.State == RequestState.Free || (request.UndurableDomains & domain.Bit) == 0)
                    continue;
                Fail(request, CoreError.Io);
                FailFenced(request, domain);
            }
        }
    }

    // They keep what they await: the fault's record now, instead of the flush.
    private static void FailWaiters(FlushDomain domain, List<Request> waiters)
    {
        foreach (Request request in waiters)
        {
            if (request.Error == 0)
                request.Error = CoreError.Io;
            domain.AwaitingRecord.Add(request);
        }

        waiters.Clear();
    }

    // The failed sync may have covered some of it already: no such reply leaves before the fault is durable.
    private static void FailFenced(Request request, FlushDomain domain)
    {
        if (request.Error == 0)
            request.Error = CoreError.Io;
        if (domain.RecordPending)
            AwaitRecord(request, domain);
    }

    private static void AwaitRecord(Request request, FlushDomain domain)
    {
        request.Awaits++;
        domain.AwaitingRecord.Add(request);
    }

    private void FaultRecorded(FlushDomain domain)
    {
        Invariant.Holds(domain.RecordPending, "F6", "a fault was recorded that nobody asked to record");
        domain.RecordPending = false;
        foreach (Request request in domain.AwaitingRecord)
        {
            request.Awaits--;
            TryAdvance(request);
        }

        domain.AwaitingRecord.Clear();
    }

    private void ClearFault(FlushDomain domain)
    {
        Invariant.Holds(domain.Fault != 0 && !domain.RecordPending, "F6", "a fault is cleared that is not there, or not recorded yet");
        foreach (Ring? ring in _rings)
        {
            if (ring is null || ring.Detached || (ring.Disk.Extents.Domains & domain.Bit) == 0 || domain.IsClean(ring.Disk))
                continue;
            ring.Disconnected = true;
            _gathering.Forget(ring);
            _effects.Add(EffectKind.Disconnect).Ring = ring.Number;

            // O2: what it still has queued would follow writes that are lost.
            DropUnissued(ring, CoreError.Shutdown);
        }

        domain.Fault = 0;
        _moment++;
        foreach (Disk disk in _disks)
            disk.DirtyAt[domain.Index] = _moment;
    }

    private void MarkLeftQueue(Request request)
    {
        request.QueueNs += _nowNs - request.SinceNs;
        request.SinceNs = _nowNs;
        MarkStarted(request);
    }

    private void MarkStarted(Request request)
    {
        if (request.StartedNs < 0)
            request.StartedNs = _nowNs;
    }

    private void TraceServes(FlushDomain domain, Request request, int operation)
    {
        if (!TraceFlushes)
            return;
        ref Effect serves = ref _effects.Add(EffectKind.FlushServes);
        serves.Ring = request.Ring.Number;
        serves.Slot = request.Slot;
        serves.Operation = operation;
        serves.Domain = domain.Index;
    }
}
