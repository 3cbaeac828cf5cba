using System.Diagnostics;

namespace Scheduler.Actors;

/// <summary>Requests on their way from a ring to its volume. Belongs to the ring's <see cref="RingChannel"/>.</summary>
public sealed class RequestBatch
{
    /// <summary>Most requests of a batch; never more than the ring has credits.</summary>
    public const int CapacityMax = 64;

    private readonly RingRequest[] _requests;

    /// <summary>Spans of other nodes that requests belong to, by rising index; null: there were none yet.</summary>
    private List<(int Index, ActivityContext Span)>? _spans;

    internal RequestBatch(RingChannel channel, int capacity)
    {
        Channel = channel;
        _requests = new RingRequest[capacity];
    }

    /// <summary>How many requests are in it.</summary>
    public int Count { get; private set; }

    /// <summary>How many of the ring's answers its guest had heard when it sent the first of the requests (O6).</summary>
    public long AnswersHeard { get; set; }

    /// <summary>The requests.</summary>
    public ReadOnlySpan<RingRequest> Requests => _requests.AsSpan(0, Count);

    /// <summary>Its owner.</summary>
    internal RingChannel Channel { get; }

    internal bool IsFull => Count == _requests.Length;

    /// <summary>Appends a request; the batch must not be full.</summary>
    /// <param name="request">The request.</param>
    public void Add(in RingRequest request) => _requests[Count++] = request;

    /// <summary>Appends a request that belongs to a span of another node; the batch must not be full.</summary>
    /// <param name="request">The request.</param>
    /// <param name="span">The span.</param>
    internal void Add(in RingRequest request, in ActivityContext span)
    {
        (_spans ??= []).Add((Count, span));
        Add(request);
    }

    /// <summary>The span of another node that a request belongs to.</summary>
    /// <param name="index">Of the request.</param>
    /// <returns>The span; the default for none.</returns>
    internal ActivityContext SpanOf(int index)
    {
        if (_spans is null)
            return default;
        foreach ((int at, ActivityContext span) in _spans)
        {
            if (at == index)
                return span;
        }

        return default;
    }

    internal void Clear()
    {
        Count = 0;
        _spans?.Clear();
    }
}

/// <summary>Answers on their way from a volume to a ring. Belongs to the ring's <see cref="RingChannel"/>.</summary>
public sealed class ReplyBatch
{
    private readonly RingReply[] _replies;

    internal ReplyBatch(RingChannel channel, int capacity)
    {
        Channel = channel;
        _replies = new RingReply[capacity];
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
/// The batches of one attachment of a ring. The ring owns them, never the message: whoever took one in returns it here. A volume
/// that is gone returns nothing: with the attachment they are gone. There are never more than the ring's credits in use of either kind (S4), since each holds at least one
/// request or one answer.
/// </summary>
/// <remarks>Thread-safe: ring and volume may run on different threads.</remarks>
public sealed class RingChannel(int credits)
{
    private readonly BatchPool<RequestBatch> _requests = new();
    private readonly BatchPool<ReplyBatch> _replies = new();
    private int _requestBatches;
    private int _replyBatches;

    private int BatchCapacity { get; } = Math.Clamp(credits, 1, RequestBatch.CapacityMax);

    /// <summary>Its guest is connected to another node, which has chosen the requests that become spans: they come with theirs.</summary>
    internal bool IsTracedElsewhere { get; init; }

    /// <summary>What the volume keeps of the ring while it is attached. The volume's own.</summary>
    internal AttachedRing? Attached { get; set; }

    internal RequestBatch RentRequests() => _requests.TryTake() ?? new RequestBatch(this, Counted(ref _requestBatches));

    internal ReplyBatch RentReplies() => _replies.TryTake() ?? new ReplyBatch(this, Counted(ref _replyBatches));

    internal void Return(RequestBatch batch)
    {
        batch.Clear();
        _requests.Return(batch);
    }

    internal void Return(ReplyBatch batch)
    {
        batch.Clear();
        _replies.Return(batch);
    }

    // One more than the credits: the front end fills a batch before it has sent the last credit's request.
    private int Counted(ref int batches)
    {
        if (Interlocked.Increment(ref batches) > credits + 1)
            throw new RingProtocolException($"rule S4 is broken: a ring with {credits} credits needs {batches} batches");
        return BatchCapacity;
    }

    // On one loop there is hardly ever a second one: the first lies ready without a lock.
    private sealed class BatchPool<T>
        where T : class
    {
        private readonly Stack<T> _others = new();
        private T? _first;

        public T? TryTake()
        {
            if (Interlocked.Exchange(ref _first, null) is { } first)
                return first;
            lock (_others)
                return _others.TryPop(out T? other) ? other : null;
        }

        public void Return(T batch)
        {
            if (Interlocked.Exchange(ref _first, batch) is not { } other)
                return;
            lock (_others)
                _others.Push(other);
        }
    }
}
