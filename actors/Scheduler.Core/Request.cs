namespace Scheduler.Core;

/// <summary>Where a request is in its life.</summary>
internal enum RequestState : byte
{
    /// <summary>The slot has no request.</summary>
    Free,

    /// <summary>Held by its stream, behind a barrier (O2).</summary>
    Held,

    /// <summary>In the policy's queue; some pieces may be on the device already.</summary>
    Queued,

    /// <summary>Not queued: waits for its pieces on the device, or for flushes, or for a fault's record.</summary>
    Waiting,
}

/// <summary>What a barrier write is waiting for. Other requests have one phase.</summary>
internal enum BarrierPhase : byte
{
    /// <summary>Not begun, or not a barrier write.</summary>
    None,

    /// <summary>Flush of what came before.</summary>
    PreFlush,

    /// <summary>Its own data.</summary>
    Data,

    /// <summary>Flush of its own data.</summary>
    PostFlush,
}

/// <summary>One slot of a ring and the request in it. Allocated when the ring attaches, then reused.</summary>
internal sealed class Request(Ring ring, int slot)
{
    public readonly Ring Ring = ring;
    public readonly int Slot = slot;

    public RequestOp Op;
    public RequestFlags Flags;
    public RequestState State;
    public BarrierPhase Phase;
    public RequestStream Stream = null!;
    public long Offset;
    public long Length;

    /// <summary>Order of arrival in the volume.</summary>
    public long Sequence;
    public long ArrivedNs;

    /// <summary>When the first device operation for it began; -1 before.</summary>
    public long StartedNs;

    /// <summary>Since when it has been waiting where it is now: in the policy's queue, or for a flush to start.</summary>
    public long SinceNs;

    /// <summary>Where its time went (the fields of the reply).</summary>
    public long DrainNs;
    public long QueueNs;
    public long BatchNs;

    /// <summary>Of a policy that drains: it was let into the queue.</summary>
    public bool LetThrough;

    /// <summary>Bytes already cut into pieces and dispatched.</summary>
    public long Dispatched;
    public int PiecesInFlight;

    /// <summary>Domains that its pieces touched without being made durable by the write itself (F5).</summary>
    public ulong UndurableDomains;

    /// <summary>Domains that it has yet to flush by itself: only where the policy merges no flushes.</summary>
    public ulong OwnFlushDomains;

    /// <summary>Flushes and fault records that must be over before it goes on.</summary>
    public int Awaits;

    /// <summary>First error, or 0.</summary>
    public int Error;

    /// <summary>Barrier in its stream's queue: earlier requests of the stream that are not complete (O2).</summary>
    public int Earlier;

    /// <summary>Link of the one queue it is in: its stream's, or the policy's.</summary>
    public Request? Previous;
    public Request? Next;

    public bool Overlaps(long offset, long length) => Offset < offset + length && offset < Offset + Length;
}

/// <summary>A queue of requests, linked through themselves: no allocation, removal from the middle.</summary>
internal sealed class RequestQueue
{
    public Request? Head { get; private set; }

    public Request? Tail { get; private set; }

    public int Count { get; private set; }

    public void Add(Request request)
    {
        Invariant.Holds(request.Previous is null && request.Next is null && Head != request, "S3", "a request is in two queues");
        request.Previous = Tail;
        if (Tail is null)
            Head = request;
        else
            Tail.Next = request;
        Tail = request;
        Count++;
    }

    public void Remove(Request request)
    {
        if (request.Previous is null)
        {
            Invariant.Holds(Head == request, "S3", "a request is removed from a queue that it is not in");
            Head = request.Next;
        }
        else
        {
            request.Previous.Next = request.Next;
        }

        if (request.Next is null)
            Tail = request.Previous;
        else
            request.Next.Previous = request.Previous;
        request.Previous = null;
        request.Next = null;
        Count--;
    }
}
