// Order within one stream.
//
// O1  Without a barrier, requests are unordered: nothing is held here.
// O2  A barrier starts when the stream's earlier requests are complete; later writes (and flushes) start when the
//     barrier is complete. It orders its own stream only (O4): all state here is one stream's.
// O3  A read may pass a pending barrier, unless it overlaps an earlier write of the stream that is not complete.
// O6  A barrier fails, unissued, if a write of its stream that was unanswered when the barrier arrived fails; when a
//     barrier fails, the requests queued behind it fail unissued. *Unanswered* and *queued behind* are meant as the guest
//     sees it: a failure counts until the guest has heard of it, since what it sent until then it built on success.
//
// Q5  What is held here occupies no device slot.
namespace Scheduler.Core;

/// <summary>The unit of order. Says what may start; the volume starts it.</summary>
internal sealed class RequestStream(Ring ring, int number)
{
    private readonly RequestQueue _held = new();

    /// <summary>The barrier that is being carried out.</summary>
    private Request? _running;

    /// <summary>Requests of the stream that are not complete, the held ones included.</summary>
    private int _unfinished;

    /// <summary>The latest failures, as numbers of the ring's answers: of a write, and of a barrier.</summary>
    private long _failedWrite;
    private long _failedBarrier;

    public int Number { get; } = number;

    /// <summary>Set while the volume starts what <see cref="NextToStart"/> gives, so that completions within do not nest.</summary>
    public bool Releasing { get; set; }

    /// <summary>O6: whether a request fails because of what had failed before it arrived, and its guest did not know yet.</summary>
    public bool HasFailedUnheard(RequestOp op, long heard) =>
        !op.IsRead() && (heard < _failedBarrier || (op.IsBarrier() && heard < _failedWrite));

    /// <summary>A request of the stream was answered with an error.</summary>
    public void NoteFailure(RequestOp op, long answer)
    {
        if (op.IsBarrier())
            _failedBarrier = answer;
        if (op.IsWrite())
            _failedWrite = answer;
    }

    /// <summary>Takes a request that has arrived.</summary>
    /// <returns>True if it may start now; otherwise it is held.</returns>
    public bool Arrive(Request request)
    {
        bool barrierPending = _running is not null || _held.Head is not null;
        request.Earlier = _unfinished;
        _unfinished++;

        bool start = request.Op.IsBarrier()
            ? !barrierPending && request.Earlier == 0
            : !barrierPending || (request.Op.IsRead() && !OverlapsUnfinishedWrite(request));
        if (start)
        {
            if (request.Op.IsBarrier())
                _running = request;
            return true;
        }

        request.State = RequestState.Held;
        _held.Add(request);
        return false;
    }

    /// <summary>The next held request that may start, taken out of the queue, or null.</summary>
    public Request? NextToStart()
    {
        Request? head = _held.Head;
        if (head is null || _running is not null)
            return null;
        if (head.Op.IsBarrier())
        {
            if (head.Earlier > 0)
                return null;
            _running = head;
        }

        _held.Remove(head);
        return head;
    }

    /// <summary>Takes note that a request that was started is complete.</summary>
    /// <returns>The first held request that fails because of it (O6), or null. It and all behind it fail.</returns>
    public Request? Complete(Request request)
    {
        Forget(request);
        bool barrier = request == _running;
        if (barrier)
            _running = null;
        if (request.Error == 0)
            return null;
        if (barrier)
            return _held.Head;
        return request.Op.IsWrite() ? FirstBarrierAfter(request) : null;
    }

    /// <summary>Takes the last held request out, if that is <paramref name="first"/> or behind it.</summary>
    /// <returns>True if <paramref name="taken"/> was taken.</returns>
    public bool TakeLast(Request first, out Request taken)
    {
        taken = _held.Tail!;
        if (taken is null || taken.Sequence < first.Sequence)
            return false;
        Drop(taken);
        return true;
    }

    /// <summary>Takes a held request out for good.</summary>
    public void Drop(Request request)
    {
        _held.Remove(request);
        Forget(request);
    }

    private void Forget(Request request)
    {
        _unfinished--;
        Invariant.Holds(_unfinished >= 0, "S3", "a stream completed more requests than it took");
        for (Request? held = _held.Head; held is not null; held = held.Next)
        {
            if (held.Sequence > request.Sequence)
                held.Earlier--;
        }
    }

    private Request? FirstBarrierAfter(Request request)
    {
        for (Request? held = _held.Head; held is not null; held = held.Next)
        {
            if (held.Op.IsBarrier() && held.Sequence > request.Sequence)
                return held;
        }

        return null;
    }

    private bool OverlapsUnfinishedWrite(Request read)
    {
        foreach (Request other in ring.Slots)
        {
            if (other.State != RequestState.Free && other != read && other.Stream == this && other.Op.IsWrite()
                && other.Overlaps(read.Offset, read.Length))
                return true;
        }

        return false;
    }
}
