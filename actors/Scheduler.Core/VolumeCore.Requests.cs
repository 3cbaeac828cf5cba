// A request's life.
//
// S3  Every accepted request is answered exactly once: a slot is taken by Arrive and given back by Answer, nowhere else.
// S4  A ring has as many slots as credits; nothing else queues.
// O5  A barrier on a disk whose mode has none is refused (OrderedModes).
//
//   Arrive -> (held by its stream) -> Start -> Queued -> Waiting -> Answer
//
// A barrier write goes through PreFlush, Data and PostFlush; everything else has one phase. TryAdvance is called
// whenever something that a request waits for is over.
namespace Scheduler.Core;

public sealed partial class VolumeCore
{
    private void Arrive(in VolumeEvent happened)
    {
        Ring ring = RingOf(happened.Ring);
        Invariant.Holds(happened.Slot >= 0 && happened.Slot < ring.Slots.Length, "S4", "a request is beyond its ring's credits");
        Invariant.Holds(happened.Stream < ring.Streams.Length, "S1", "a request names a stream that its ring does not have");
        Request request = ring.Slots[happened.Slot];
        Invariant.Holds(request.State == RequestState.Free, "S3", "a slot takes a request while it has one");
        RequestOp op = happened.Op;
        Invariant.Holds(
            op.HasRange()
                ? happened.Offset >= 0 && happened.Length > 0 && happened.Offset <= ring.Disk.Extents.Size - happened.Length
                : happened.Length == 0,
            "S2",
            "a request is outside its disk");

        request.Op = op;
        request.Flags = happened.Flags;
        request.Phase = BarrierPhase.None;
        request.Stream = ring.Streams[happened.Stream];
        request.Offset = happened.Offset;
        request.Length = happened.Length;
        request.Sequence = ++_sequence;
        request.ArrivedNs = _nowNs;
        request.StartedNs = -1;
        request.DrainNs = 0;
        request.QueueNs = 0;
        request.BatchNs = 0;
        request.Dispatched = 0;
        request.UndurableDomains = 0;
        request.OwnFlushDomains = 0;
        request.Error = 0;
        request.State = RequestState.Waiting;
        Invariant.Holds(request.PiecesInFlight == 0 && request.Awaits == 0, "S3", "a free slot had something in flight");
        ring.Busy++;
        _busy++;
        Invariant.Holds(_busy <= Credits, "S4", "more requests are accepted than credits were granted");

        if (op == RequestOp.Flush)
            ring.Disk.Guest.FlushRequests++;
        if (op.IsFlushPoint())
            _gathering.Arrived(ring, _nowNs);

        int refusal = _stopping || ring.Disconnected ? CoreError.Shutdown
            : op.IsBarrier() && !ring.Disk.Spec.Ordered.TakesBarriers() ? CoreError.NotSupported
            : 0;
        if (refusal != 0)
        {
            // Refused before it takes part in its stream's order.
            request.Error = refusal;
            Answer(request);
        }
        else if (request.Stream.HasFailedUnheard(op, happened.Heard))
        {
            // O6: its guest sent it before it could know.
            request.Error = CoreError.Io;
            AnswerInOrder(request);
        }
        else if (request.Stream.Arrive(request))
        {
            Start(request);
        }
    }

    // Order lets it go.
    private void Start(Request request)
    {
        request.State = RequestState.Waiting;
        request.DrainNs = _nowNs - request.ArrivedNs;
        switch (request.Op)
        {
            case RequestOp.Flush or RequestOp.EmptyBarrier:
                AwaitFlush(request, request.Ring.Disk.Extents.Domains);
                TryAdvance(request);
                break;
            case RequestOp.BarrierWrite:
                request.Phase = BarrierPhase.PreFlush;
                AwaitFlush(request, request.Ring.Disk.Extents.Domains);
                TryAdvance(request);
                break;
            default:
                Queue(request);
                break;
        }
    }

    private void Queue(Request request)
    {
        request.SinceNs = _nowNs;
        _policy.Add(request, _nowNs);
    }

    private void TryAdvance(Request request)
    {
        if (request.State != RequestState.Waiting || request.PiecesInFlight > 0 || request.Awaits > 0)
            return;
        if (request.Error == 0)
        {
            if (request.Phase == BarrierPhase.PreFlush && (request.Ring.Detached || request.Ring.Disconnected))
            {
                request.Error = request.Ring.Detached ? CoreError.Canceled : CoreError.Shutdown;
            }
            else if (request.Phase == BarrierPhase.PreFlush)
            {
                request.Phase = BarrierPhase.Data;
                Queue(request);
                return;
            }

            bool fua = request.Phase == BarrierPhase.Data || (request.Flags & RequestFlags.Fua) != 0;
            if (fua && request.UndurableDomains != 0)
            {
                // F5: write, then the next flush.
                ulong domains = request.UndurableDomains;
                request.UndurableDomains = 0;
                if (request.Phase == BarrierPhase.Data)
                    request.Phase = BarrierPhase.PostFlush;
                AwaitFlush(request, domains);
                if (request.Awaits > 0 || request.State == RequestState.Queued)
                    return;
            }
        }

        Complete(request);
    }

    // It is over, well or not: its stream goes on, and it is answered.
    private void Complete(Request request)
    {
        RequestStream stream = request.Stream;
        Request? firstToFail = stream.Complete(request);
        AnswerInOrder(request);
        if (firstToFail is not null)
        {
            // O6: from the last to the first, so that none of them seems to be free to start.
            while (stream.TakeLast(firstToFail, out Request failed))
            {
                failed.State = RequestState.Waiting;
                failed.Error = CoreError.Io;
                AnswerInOrder(failed);
                if (failed == firstToFail)
                    break;
            }
        }

        if (stream.Releasing)
            return;
        stream.Releasing = true;
        while (stream.NextToStart() is { } next)
            Start(next);
        stream.Releasing = false;
    }

    // O6: what fails within its stream's order is remembered until its guest has heard of it.
    private void AnswerInOrder(Request request)
    {
        Answer(request);
        if (request.Error != 0)
            request.Stream.NoteFailure(request.Op, request.Ring.Answers);
    }

    private void Answer(Request request)
    {
        Invariant.Holds(request.State == RequestState.Waiting && request.PiecesInFlight == 0 && request.Awaits == 0, "S3", "a request is answered while something of it is in flight");
        Ring ring = request.Ring;
        if (ring.Disconnected && request.Error == 0)
        {
            // F6: its guest must not take this for news from a disk that lost nothing.
            request.Error = CoreError.Shutdown;
        }

        if (request.Op.IsFlushPoint())
            _gathering.Answered(ring, _nowNs);

        ref Effect reply = ref _effects.Add(EffectKind.Reply);
        reply.Ring = ring.Number;
        reply.Slot = request.Slot;
        reply.Op = request.Op;
        reply.Flags = request.Flags;
        reply.Error = request.Error;
        reply.Length = request.Length;
        reply.TimeNs = request.ArrivedNs;
        reply.QueuedNs = (request.StartedNs < 0 ? _nowNs : request.StartedNs) - request.ArrivedNs;
        reply.DrainNs = request.DrainNs;
        reply.QueueNs = request.QueueNs;
        reply.BatchNs = request.BatchNs;

        request.State = RequestState.Free;
        ring.Busy--;
        ring.Answers++;
        _busy--;
        _policy.Answered(request, _nowNs);
        ReleaseIfGone(ring);
    }

    // The ring is gone, or disconnected: what has not reached the device never will. What is in flight, or waits for a flush that is
    // wanted anyway, ends by itself.
    private void DropUnissued(Ring ring, int error)
    {
        // What is held first, so that dropping what is queued does not start it.
        foreach (Request request in ring.Slots)
            DropHeld(request, error);
        foreach (Request request in ring.Slots)
            DropQueued(request, error);
    }

    private void DropHeld(Request request, int error)
    {
        if (request.State != RequestState.Held)
            return;
        request.Stream.Drop(request);
        request.State = RequestState.Waiting;
        request.Error = error;
        Answer(request);
    }

    private void DropQueued(Request request, int error)
    {
        if (request.State != RequestState.Queued)
            return;
        _policy.Remove(request, _nowNs);
        request.Error = error;
        TryAdvance(request);
    }
}
