namespace Scheduler.Actors;

/// <summary>What a front end hears of its ring. Called on the ring's dispatcher, one call at a time.</summary>
public interface IRingFrontEnd
{
    /// <summary>The ring may carry requests now.</summary>
    /// <param name="credits">Slots: requests that may be unanswered at once.</param>
    void OnAttached(int credits);

    /// <summary>Requests were answered.</summary>
    /// <param name="replies">The answers; valid during the call.</param>
    void OnReplies(ReadOnlySpan<RingReply> replies);

    /// <summary>The ring is over; nothing follows.</summary>
    /// <param name="reason">For the log.</param>
    /// <param name="unanswered">Slots whose requests get an error (S3). The device may still use their buffers: they are not
    /// to be used again, only let go with the ring's memory. Valid during the call.</param>
    void OnClosed(string reason, ReadOnlySpan<int> unanswered);
}

/// <summary>What a front end has of its ring. Used on the ring's dispatcher only.</summary>
public sealed class RingPort
{
    private RequestBatch? _batch;
    private ActorRef? _ring;

    internal RingPort(RingChannel channel) => Channel = channel;

    /// <summary>The ring's actor.</summary>
    public ActorRef Ring
    {
        get => _ring ?? throw new InvalidOperationException("a ring's port is used before its ring was started");
        internal set => _ring = value;
    }

    /// <summary>Where batches come from; the ring puts a new one in its place when it loses its volume.</summary>
    internal RingChannel Channel { get; set; }

    /// <summary>
    /// How many of the ring's answers the guest has heard; kept by a front end that carries barriers, rather too low than too
    /// high. What is added fails if it was sent before the guest heard that something failed that it relies on (O6).
    /// </summary>
    public long AnswersHeard { get; set; }

    /// <summary>Puts a request into the batch that <see cref="Send"/> sends.</summary>
    /// <param name="request">The request, checked (S1), in a free slot.</param>
    public void Add(in RingRequest request)
    {
        if (_batch is null)
        {
            _batch = Channel.RentRequests();
            _batch.AnswersHeard = AnswersHeard;
        }

        _batch.Add(request);
        if (_batch.IsFull)
            Send();
    }

    /// <summary>Sends what was added since the last time.</summary>
    public void Send()
    {
        if (_batch is null)
            return;
        RequestBatch batch = _batch;
        _batch = null;
        Ring.Tell(batch);
    }

    /// <summary>The guest is gone: the ring detaches and stops. <see cref="IRingFrontEnd.OnClosed"/> follows.</summary>
    public void Close() => Ring.Tell(CloseRing.Instance);
}
