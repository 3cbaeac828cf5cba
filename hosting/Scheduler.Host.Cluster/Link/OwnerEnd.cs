namespace Scheduler.Host.Cluster.Link;

/// <summary>The owner's end of one connection: finds the ring of each frame.</summary>
internal sealed class OwnerEnd(LinkServer server) : ILinkEnd
{
    private readonly Dictionary<ulong, OwnedRing> _rings = [];
    private readonly Dictionary<string, LinkBudget> _budgets = [];
    private readonly List<OwnedRing> _gathered = [];
    private string _node = "";

    /// <summary>The connection.</summary>
    public LinkConnection Connection { get; set; } = null!;

    public string Volumes => string.Join(", ", _rings.Values.Select(ring => ring.Setup.Volume).Distinct().Order());

    /// <summary>What a guest may have on the way here.</summary>
    /// <param name="guest">The guest's name.</param>
    /// <param name="bytes">Bytes that are to be allowed at least.</param>
    /// <returns>Its budget.</returns>
    public LinkBudget BudgetOf(string guest, long bytes)
    {
        if (!_budgets.TryGetValue(guest, out LinkBudget? budget))
            _budgets[guest] = budget = new LinkBudget();
        budget.Raise(bytes);
        return budget;
    }

    /// <summary>A ring has requests for its scheduler at the end of the batch.</summary>
    /// <param name="ring">The ring.</param>
    public void Gathered(OwnedRing ring) => _gathered.Add(ring);

    /// <summary>A ring is over for both sides.</summary>
    /// <param name="ticket">Its ticket.</param>
    public void Forget(ulong ticket) => _ = _rings.Remove(ticket);

    public void Opened(string node) => _node = node;

    public LinkPayload Begin(in LinkFrame frame)
    {
        switch (frame.Type)
        {
            case LinkFrameType.Open:
                Open(frame);
                return default;
            case LinkFrameType.Request:
                return RingOf(frame).Begin(frame);
            case LinkFrameType.Detach:
                RingOf(frame).Detach();
                return default;
            default:
                throw new LinkViolationException($"a {frame.Type} frame is not for the owner of a volume");
        }
    }

    public void Complete(in LinkFrame frame, string text) => RingOf(frame).Complete(frame);

    public void BatchEnd()
    {
        foreach (OwnedRing ring in _gathered)
            ring.SendBatch();
        _gathered.Clear();
    }

    public void Ended(string reason)
    {
        foreach (OwnedRing ring in _rings.Values)
        {
            ring.Unbind($"the link with node {_node} is closed: {reason}");
            server.Forget(ring);
        }

        _rings.Clear();
        server.Ended(Connection);
    }

    private void Open(in LinkFrame frame)
    {
        OwnedRing? ring = server.Find(frame.Ticket);
        if (ring is null || ring.IsBound)
            throw new LinkViolationException($"a ring opens with ticket {frame.Ticket:x16}, which {(ring is null ? "is not known" : "has been used")}");
        if (ring.Setup.Node != _node)
            throw new LinkViolationException($"a ring of volume {ring.Setup.Volume} opens with a ticket of node {ring.Setup.Node}");
        ring.Bind(this, frame.Epoch);
        _rings.Add(frame.Ticket, ring);
    }

    private OwnedRing RingOf(in LinkFrame frame) => _rings.TryGetValue(frame.Ticket, out OwnedRing? ring)
        ? ring
        : throw new LinkViolationException($"a {frame.Type} frame names ticket {frame.Ticket:x16}, which no ring has opened here");
}
