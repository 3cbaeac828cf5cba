// Pieces to the device and back.
//
// Q4  Work-conserving: while a slot of the depth in force (Q6) is free and the policy has something, it goes. A flush in
//     flight takes a slot, but never the last one (F8).
// Q6  Whose turn it is and who has nothing on the device need not wait for a slot: a few pieces go beyond the depth, one for
//     each such guest. Otherwise a guest whose operations stall in the device (a writer that the kernel throttles) would hold
//     all slots, and with them everybody. The turn is that of the policy (Q2), so nobody gets more than a share by it.
// Q5  What a stream or a flush holds is not in the policy's queue, and so takes no slot.
// S2  Each piece's place is resolved, and asserted, at dispatch.
// Q1  What is sent is charged at once, by the costs as they are now. A guest's unflushed bytes are counted from dispatch; beyond the bound its writes are blocked, and a flush that it
//     pays for is wanted.
namespace Scheduler.Core;

public sealed partial class VolumeCore
{
    private readonly OperationTable _operations;
    private readonly int _newcomersMax;
    private int _flushesInFlight;
    private int _dataInFlight;

    private int DataDepth => Math.Max(1, _depth.Depth - _flushesInFlight);

    private void Dispatch()
    {
        while (_dataInFlight < DataDepth + _newcomersMax && _policy.Next(_nowNs) is { } request)
        {
            if (_dataInFlight >= DataDepth && request.Ring.Disk.Guest.InFlight > 0)
                break;
            DispatchPiece(request);
        }

        bool full = _dataInFlight >= DataDepth;
        if (full)
            _depth.Full();
        _costs.Full(full && _flushesInFlight == 0, _nowNs);
    }

    private void DispatchPiece(Request request)
    {
        if (request.OwnFlushDomains != 0)
        {
            DispatchOwnFlush(request);
            return;
        }

        Disk disk = request.Ring.Disk;
        Guest guest = disk.Guest;
        (int domainIndex, long deviceOffset, long length) =
            disk.Extents.Piece(request.Op, request.Offset + request.Dispatched, request.Length - request.Dispatched);
        FlushDomain domain = _domains[domainIndex];
        bool write = request.Op.IsWrite();
        if (write && domain.Fault != 0)
        {
            // F6: everything but reads fails on a fenced domain.
            _policy.Remove(request, _nowNs);
            FailFenced(request, domain);
            TryAdvance(request);
            return;
        }

        bool data = request.Op.WritesData();
        bool dsync = false;
        long unflushed = 0;
        if (write && !domain.MakesDurable(request.Op))
        {
            bool fua = (request.Flags & RequestFlags.Fua) != 0
                || (request.Op == RequestOp.BarrierWrite && disk.Spec.Ordered.BarrierDataIsFua());
            dsync = data && fua && domain.Spec.SupportsDsync && domain.Fua.UseDsync(domain.FlushCostNs);
            unflushed = dsync ? 0 : data ? length : 4096;
            if (guest.Unflushed > 0 && guest.Unflushed + unflushed > guest.Spec.UnflushedBytesMax)
            {
                guest.WritesBlocked = true;
                _policy.BlockChanged(guest, _nowNs);
                WantOwnFlush(guest);
                EmitFlushes();
                return;
            }
        }

        double service = _costs.ServiceNs(request.Op, length, dsync);
        double cost = service / _costs.Parallel;
        _policy.Dispatched(guest, cost, _nowNs);
        guest.Unflushed += unflushed;
        if (dsync)
            DsyncWrites++;

        int number = _operations.Start(new Operation
        {
            Request = request,
            Domain = domainIndex,
            ServiceNs = service,
            ChargedNs = cost,
            Company = _dataInFlight + _flushesInFlight + 1,
            FlushedAt = domain.InFlight ? -1 : domain.EmittedAt,
            Bytes = length,
            UnflushedBytes = unflushed,
            Dsync = dsync,
            Fences = domain.Fences,
            StartedNs = _nowNs,
        });
        _dataInFlight++;
        guest.InFlight++;

        ref Effect io = ref _effects.Add(EffectKind.Io);
        io.Op = request.Op;
        io.Flags = request.Flags;
        io.Dsync = dsync;
        io.Ring = request.Ring.Number;
        io.Slot = request.Slot;
        io.Operation = number;
        io.Domain = domainIndex;
        io.Offset = deviceOffset;
        io.Length = length;
        io.BufferOffset = request.Dispatched;

        MarkLeftQueue(request);
        request.PiecesInFlight++;
        request.Dispatched += length;
        if (request.Dispatched == request.Length || request.Op == RequestOp.Status)
            _policy.Remove(request, _nowNs);
    }

    private void Completed(int number, int error)
    {
        Operation operation = _operations.End(number);
        FlushDomain domain = _domains[operation.Domain];
        if (operation.Request is null)
        {
            _flushesInFlight--;
            FlushCompleted(domain, error);
            return;
        }

        Measure(operation, domain, error);
        _dataInFlight--;
        Request request = operation.Request;
        request.Ring.Disk.Guest.InFlight--;
        request.PiecesInFlight--;
        if (operation.OwnFlushAt != 0)
            OwnFlushCompleted(request, operation, domain, error);
        else if (request.Op.IsWrite())
            WriteCompleted(request, operation, domain, error);
        if (error != 0)
            Fail(request, error);
        TryAdvance(request);
    }

    private void Measure(in Operation operation, FlushDomain domain, int error)
    {
        if (operation.OwnFlushAt != 0)
            return;
        Request request = operation.Request!;
        double took = _nowNs - operation.StartedNs;
        double more = ChargeMeasured(operation, domain, took);
        domain.DoneNs += operation.ChargedNs + more;
        if (error != 0)
            return;
        _costs.GotDone(operation.ServiceNs + (more * _costs.Parallel));
        if (operation.Dsync)
            return;
        if (request.Op is RequestOp.Read or RequestOp.Write or RequestOp.BarrierWrite && !domain.InFlight && operation.FlushedAt == domain.EmittedAt)
            _depth.Completed(operation.ServiceNs, took);
        int company = Math.Max(operation.Company, _dataInFlight + _flushesInFlight);
        _costs.Completed(request.Op, operation.Bytes, operation.ServiceNs, took, company);
    }

    // Q1: what a durable write, a discard or a zeroing costs depends on the device more than on its length, and is known
    // only now: what it took, shared with what was on the device beside it, above what was charged at dispatch.
    private double ChargeMeasured(in Operation operation, FlushDomain domain, double tookNs)
    {
        Request request = operation.Request!;
        if (!operation.Dsync && request.Op is not (RequestOp.Discard or RequestOp.Zero))
            return 0;
        double more = (tookNs / (_dataInFlight + (domain.InFlight ? 1 : 0))) - operation.ChargedNs;
        if (more <= 0)
            return 0;
        _policy.Charge(request.Ring.Disk.Guest, more, _nowNs);
        return more;
    }

    // A request that failed sends no further pieces.
    private void Fail(Request request, int error)
    {
        if (request.Error == 0)
            request.Error = error;
        if (request.State == RequestState.Queued)
            _policy.Remove(request, _nowNs);
    }

    private void WriteCompleted(Request request, in Operation operation, FlushDomain domain, int error)
    {
        Disk disk = request.Ring.Disk;
        if (operation.Dsync)
            domain.Fua.DsyncTook(_nowNs - operation.StartedNs);

        if (operation.Dsync && error != 0 && error != CoreError.NoSpace)
            Fence(domain, error);
        if (operation.Fences != domain.Fences)
        {
            // It failed as a sync, or was on its way when the domain was fenced: the failed sync may have dropped some
            // of it, and nobody will flush what is in the cache.
            Fail(request, error != 0 ? error : CoreError.Io);
            FailFenced(request, domain);
        }

        if (!domain.MakesDurable(request.Op) && !(operation.Dsync && error == 0))
        {
            // A write that failed may have changed part of its range: it dirties the disk all the same.
            disk.DirtyAt[domain.Index] = ++_moment;
            request.UndurableDomains |= domain.Bit;
        }

        if (operation.UnflushedBytes > 0)
        {
            if (domain.Fault != 0)
                disk.Guest.Unflushed -= operation.UnflushedBytes;
            else
                domain.AddDirty(disk.Guest, operation.UnflushedBytes);
            WantOwnFlush(disk.Guest);
            Unblock(disk.Guest);
        }
    }

    // Q1: half of the bound is reached, or a write waits for it.
    private void WantOwnFlush(Guest guest)
    {
        long bound = guest.Spec.UnflushedBytesMax;
        if (guest.Unflushed < bound / 2 && !guest.WritesBlocked)
            return;
        foreach (FlushDomain domain in _domains)
        {
            long dirty = guest.Dirty[domain.Index];
            if (dirty > 0 && (guest.WritesBlocked || dirty >= bound / 4) && !domain.Wanted && domain.Fault == 0)
            {
                domain.Wanted = true;
                FlushPoints++;
            }
        }
    }

    private void Unblock(Guest guest)
    {
        if (!guest.WritesBlocked || guest.Unflushed > guest.Spec.UnflushedBytesMax / 2)
            return;
        guest.WritesBlocked = false;
        _policy.BlockChanged(guest, _nowNs);
    }
}
