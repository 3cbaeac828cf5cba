// Baselines for comparison: fifo, in which every flush and barrier drains a queue. It goes when all requests that were let
// through before it are answered, and what comes after it is let through when it is answered itself.
//
//   queue-drain   one queue for the volume: what the backends of 2010 did when they turned a guest's barrier or flush into
//                 a drain of the queue that all guests share (O4, F8 and Q2-Q5 do not hold)
//   ring-drain    a queue for each ring: what a backend does that knows whose barrier it is (within a ring, F8 does not hold)
//
// Durability and order hold as in fifo. Two things are milder than they were then: a flush of a clean disk is answered
// without a drain (F4), and a FUA write that needs a flush drains nothing.
namespace Scheduler.Core;

internal sealed class DrainPolicy(int guests, bool perRing) : FifoPolicy(guests)
{
    private readonly DrainScope _volume = new();

    public override void Add(Request request, long nowNs)
    {
        DrainScope scope = ScopeOf(request);
        if (request.LetThrough)
        {
            // A later phase of a barrier, or of a FUA write.
            base.Add(request, nowNs);
        }
        else if (scope.Parked.Head is null && scope.MayGo(request))
        {
            LetThrough(scope, request, nowNs);
        }
        else
        {
            request.State = RequestState.Queued;
            scope.Parked.Add(request);
        }
    }

    public override void Remove(Request request, long nowNs)
    {
        if (request.LetThrough)
        {
            base.Remove(request, nowNs);
            return;
        }

        DrainScope scope = ScopeOf(request);
        request.State = RequestState.Waiting;
        scope.Parked.Remove(request);
        Release(scope, nowNs);
    }

    public override void Answered(Request request, long nowNs)
    {
        if (!request.LetThrough)
            return;
        request.LetThrough = false;
        DrainScope scope = ScopeOf(request);
        scope.Going--;
        if (scope.Draining == request)
            scope.Draining = null;
        Release(scope, nowNs);
    }

    private DrainScope ScopeOf(Request request) => perRing ? request.Ring.Drain : _volume;

    private void Release(DrainScope scope, long nowNs)
    {
        while (scope.Parked.Head is { } request && scope.MayGo(request))
        {
            scope.Parked.Remove(request);
            request.DrainNs += nowNs - request.SinceNs;
            request.SinceNs = nowNs;
            LetThrough(scope, request, nowNs);
        }
    }

    private void LetThrough(DrainScope scope, Request request, long nowNs)
    {
        request.LetThrough = true;
        scope.Going++;
        if (request.Op.IsFlushPoint())
            scope.Draining = request;
        base.Add(request, nowNs);
    }
}

/// <summary>What is drained as one.</summary>
internal sealed class DrainScope
{
    /// <summary>Requests that wait for a drain, or behind one, in order of arrival.</summary>
    public readonly RequestQueue Parked = new();

    /// <summary>Requests that were let through and are not answered.</summary>
    public int Going;

    /// <summary>The flush or barrier among them.</summary>
    public Request? Draining;

    public bool MayGo(Request request) => Draining is null && (Going == 0 || !request.Op.IsFlushPoint());
}
