namespace Scheduler.Actors;

/// <summary>Requests on their way from a ring to its volume. Belongs to the ring's <see cref="RingChannel"/>.</summary>
public sealed class RequestBatch
{
    /// <summary>Most requests of a batch.</summary>
    public const int Capacity = 64;

    private readonly RingRequest[] _requests = new RingRequest[Capacity];

    internal RequestBatch(RingChannel channel)
    {
        Channel = channel;
    }

    /// <summary>How many requests are in it.</summary>
    public int Count { get; private set; }

    /// <summary>How many of the ring's answers its guest had heard when it sent the first of the requests (O6).</summary>
    public long AnswersHeard { get; set; }

    /// <summary>The requests.</summary>
    public ReadOnlySpan<RingRequest> Requests => _requests.AsSpan(0, Count);

    /// <summary>Its owner.</summary>
    internal RingChannel Channel { get; }

    /// <summary>Appends a request; the batch must not be full.</summary>
    /// <param name="request">The request.</param>
    public void Add(in RingRequest request) => _requests[Count++] = request;

    internal void Clear() => Count = 0;
}

/// <summary>Answers on their way from a volume to a ring. Belongs to the ring's <see cref="RingChannel"/>.</summary>
public sealed class ReplyBatch
{
    private readonly RingReply[] _replies = new RingReply[RequestBatch.Capacity];

    internal ReplyBatch(RingChannel channel)
    {
        Channel = channel;
    }

    /// <summary>How many answers are in it.</summary>
    public int Count { get; private set; }

    /// <summary>The answers.</summary>
    public ReadOnlySpan<RingReply> Replies => _replies.AsSpan(0, Count);

    internal RingChannel Channel { get; }

    internal bool IsFull => Count == _replies.Length;

    internal void Add(int slot, int error) => _replies[Count++] = new RingReply(slot, error);

    internal void Clear() => Count = 0;
}

/// <summary>
/// The batches of one ring. The ring owns them, never the message: whoever took one in returns it here, and with the ring
/// they are gone. There are never more than the ring's credits in use of either kind (S4), since each holds at least one
/// request or one answer.
/// </summary>
/// <remarks>Thread-safe: ring and volume may run on different threads.</remarks>
public sealed class RingChannel(int credits)
{
    private readonly Stack<RequestBatch> _requests = new();
    private readonly Stack<ReplyBatch> _replies = new();
    private readonly Lock _lock = new();
    private int _requestBatches;
    private int _replyBatches;

    internal RequestBatch RentRequests()
    {
        lock (_lock)
        {
            if (_requests.TryPop(out RequestBatch? batch))
                return batch;
            Check(++_requestBatches);
            return new RequestBatch(this);
        }
    }

    internal void Return(RequestBatch batch)
    {
        batch.Clear();
        lock (_lock)
            _requests.Push(batch);
    }

    internal ReplyBatch RentReplies()
    {
        lock (_lock)
        {
            if (_replies.TryPop(out ReplyBatch? batch))
                return batch;
            Check(++_replyBatches);
            return new ReplyBatch(this);
        }
    }

    internal void Return(ReplyBatch batch)
    {
        batch.Clear();
        lock (_lock)
            _replies.Push(batch);
    }

    // One more than the credits: the front end fills a batch before it has sent the last credit's request.
    private void Check(int batches)
    {
        if (batches > credits + 1)
            throw new RingProtocolException($"rule S4 is broken: a ring with {credits} credits needs {batches} batches");
    }
}
