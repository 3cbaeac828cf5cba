namespace Scheduler.Actors;

/// <summary>
/// The requests of a ring that are not answered: which slots have one (S3), and, where they may have to be sent again, the
/// requests themselves and the order in which the front end sent them. Bounded by the ring's credits (S4).
/// </summary>
/// <param name="credits">Slots.</param>
/// <param name="keeps">Keep the requests.</param>
internal sealed class UnansweredRequests(int credits, bool keeps)
{
    private readonly RingRequest[] _requests = keeps ? new RingRequest[credits] : [];

    /// <summary>Place in the order of what each slot has; 0: nothing.</summary>
    private readonly long[] _places = new long[credits];
    private long _last;
    private int _count;

    /// <summary>There is none.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Takes a request in, behind the others.</summary>
    public void Add(in RingRequest request)
    {
        if (_places[request.Slot] != 0)
            throw new RingProtocolException($"rule S3 is broken: slot {request.Slot} takes a request while it has one");
        _places[request.Slot] = ++_last;
        _count++;
        if (keeps)
            _requests[request.Slot] = request;
    }

    /// <summary>The request of a slot is answered.</summary>
    public void Remove(int slot)
    {
        if (_places[slot] == 0)
            throw new RingProtocolException($"rule S3 is broken: slot {slot} is answered without a request");
        _places[slot] = 0;
        _count--;
    }

    /// <summary>The slots that have one.</summary>
    public int[] Slots() => [.. Enumerable.Range(0, _places.Length).Where(slot => _places[slot] != 0)];

    /// <summary>The requests, the oldest first; only if they are kept.</summary>
    public RingRequest[] InOrder() => [.. Slots().OrderBy(slot => _places[slot]).Select(slot => _requests[slot])];
}
