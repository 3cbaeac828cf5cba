namespace Scheduler.Core;

/// <summary>Which request goes to the device next: the seam between this project's policy and its baselines.</summary>
internal abstract class DispatchPolicy
{
    /// <summary>Whether one device flush may serve several requests.</summary>
    public abstract bool MergesFlushes { get; }

    /// <summary>Takes a request that is held by nothing but the policy.</summary>
    public abstract void Add(Request request, long nowNs);

    /// <summary>Takes a request out: all its pieces are dispatched, or it was dropped.</summary>
    public abstract void Remove(Request request, long nowNs);

    /// <summary>A guest's writes were blocked or unblocked (Q1).</summary>
    public abstract void BlockChanged(Guest guest, long nowNs);

    /// <summary>The request whose next piece goes now, or null. It stays in the queue.</summary>
    public abstract Request? Next(long nowNs);

    /// <summary>A piece of what <see cref="Next"/> gave goes to the device.</summary>
    public abstract void Dispatched(Guest guest, double costNs, long nowNs);

    /// <summary>Device time that was measured afterwards, such as a flush's (Q1).</summary>
    public abstract void Charge(Guest guest, double costNs, long nowNs);

    /// <summary>A request was answered.</summary>
    public virtual void Answered(Request request, long nowNs)
    {
    }

    /// <summary>There are more guests.</summary>
    /// <param name="guests">How many now.</param>
    public abstract void Grow(int guests);

    /// <summary>A guest has another weight, reservation or limit.</summary>
    /// <param name="guest">The guest as it is now.</param>
    /// <param name="before">What it had.</param>
    /// <param name="nowNs">Now.</param>
    public virtual void GuestChanged(Guest guest, GuestSpec before, long nowNs)
    {
    }

    /// <summary>From now on limits hold nothing back: the volume is stopping.</summary>
    public abstract void LiftLimits();

    /// <summary>When <see cref="Next"/> will have something that a limit holds now; <see cref="long.MaxValue"/> for never.</summary>
    public abstract long NextTimeNs();

    /// <summary>Puts a request at the end of its guest's queue.</summary>
    protected static void Enqueue(Request request)
    {
        request.State = RequestState.Queued;
        QueueOf(request).Add(request);
    }

    /// <summary>Takes a request out of its guest's queue.</summary>
    protected static void Dequeue(Request request)
    {
        request.State = RequestState.Waiting;
        QueueOf(request).Remove(request);
    }

    private static RequestQueue QueueOf(Request request) =>
        request.Op.IsRead() ? request.Ring.Disk.Guest.Reads : request.Ring.Disk.Guest.Writes;
}
