using System.Net;
using Scheduler.Actors;

namespace Scheduler.Host.Cluster.Link;

/// <summary>Another node, and where it takes links.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Address">Its address.</param>
internal sealed record LinkPeer(string Node, IPEndPoint Address);

/// <summary>This node's connections to the owners of volumes: one to each node, made when a ring needs it. On the link's loop,
/// but for <see cref="Open"/> and <see cref="StopAsync"/>.</summary>
/// <param name="place">Where they run.</param>
/// <param name="options">Times.</param>
/// <param name="tracing">Spans of what goes over them.</param>
/// <param name="logger">Told of connections that end.</param>
internal sealed class LinkClients(LinkPlace place, LinkOptions options, LinkTracing tracing, ILogger<LinkClients> logger)
{
    private readonly Dictionary<LinkPeer, ClientEnd> _ends = [];
    private bool _stopped;

    /// <summary>Where they run.</summary>
    public LinkPlace Place { get; } = place;

    /// <summary>Spans of what goes over them.</summary>
    public LinkTracing Tracing { get; } = tracing;

    /// <summary>Starts the actor that stands for a volume of another node towards one ring: the ring's batches go to it, its answers
    /// come from it, and it stops when the volume's scheduler is gone or can't be reached. From any thread.</summary>
    /// <param name="peer">The owner.</param>
    /// <param name="ticket">What the owner has offered the ring.</param>
    /// <param name="setup">The ring.</param>
    /// <returns>What the ring is told as its volume in <see cref="Attached"/>, with the ticket's epoch and credits.</returns>
    public ActorRef Open(LinkPeer peer, LinkTicket ticket, ForwardedRingSetup setup)
    {
        ForwardedRing ring = new(this, peer, ticket, setup);
        return Place.System.ActorOf(new Props(() => new LinkedVolume(ring)), $"linked-volume-{setup.Volume}-{setup.Attach.Disk}", Place.Loop);
    }

    /// <summary>Closes all connections; what rings need them stop. From any thread but the loop's.</summary>
    /// <returns>Done when they are closed.</returns>
    public Task StopAsync()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Place.Loop.Post(() =>
        {
            _stopped = true;
            foreach (ClientEnd end in _ends.Values.ToArray())
                end.Connection.Close("this node stops");
            done.SetResult();
        });
        return done.Task;
    }

    /// <summary>The connection to a node; made if there is none.</summary>
    /// <param name="peer">The node.</param>
    /// <returns>The connection, or null if this node stops.</returns>
    public ClientEnd? Find(LinkPeer peer)
    {
        if (_stopped)
            return null;
        if (_ends.TryGetValue(peer, out ClientEnd? end))
            return end;
        end = new ClientEnd(this, peer);
        end.Connection = new LinkConnection(Place.Loop, end, options, Place.Node, $"node {peer.Node} ({peer.Address})", connects: true, logger);
        _ends[peer] = end;

        // Not at once: whoever asks has to be known to it first, if it fails.
        Place.Loop.Post(() => Connect(end.Connection, peer.Address));
        return end;
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="end">Its end here.</param>
    public void Ended(ClientEnd end) => _ = _ends.Remove(end.Peer);

    private static void Connect(LinkConnection connection, IPEndPoint address)
    {
        if (connection.IsClosed)
            return;
        try
        {
            int socket = LinkCalls.BeginConnect(address);
            try
            {
                connection.Start(socket);
            }
            catch (InvalidOperationException)
            {
                _ = SocketCalls.close(socket);
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            connection.Close($"can't connect: {exception.Message}");
        }
    }
}

/// <summary>The guests' end of one connection: finds the ring of each frame.</summary>
/// <param name="clients">All connections.</param>
/// <param name="peer">The owner.</param>
internal sealed class ClientEnd(LinkClients clients, LinkPeer peer) : ILinkEnd
{
    private readonly Dictionary<ulong, ForwardedRing> _rings = [];
    private readonly Dictionary<string, LinkBudget> _budgets = [];
    private readonly List<ForwardedRing> _gathered = [];

    /// <summary>The connection.</summary>
    public LinkConnection Connection { get; set; } = null!;

    /// <summary>The owner.</summary>
    public LinkPeer Peer { get; } = peer;

    public string Volumes => string.Join(", ", _rings.Values.Select(ring => ring.Setup.Volume).Distinct().Order());

    /// <summary>What a guest may have on the way here.</summary>
    /// <param name="guest">The guest's name.</param>
    /// <param name="bytes">Bytes that are allowed at least.</param>
    /// <returns>Its budget.</returns>
    public LinkBudget BudgetOf(string guest, long bytes)
    {
        if (!_budgets.TryGetValue(guest, out LinkBudget? budget))
            _budgets[guest] = budget = new LinkBudget();
        budget.Raise(bytes);
        return budget;
    }

    /// <summary>A ring speaks here.</summary>
    /// <param name="ring">The ring.</param>
    public void Add(ForwardedRing ring) => _rings.Add(ring.Ticket.Id, ring);

    /// <summary>A ring speaks here no more.</summary>
    /// <param name="ring">The ring.</param>
    public void Remove(ForwardedRing ring) => _ = _rings.Remove(ring.Ticket.Id);

    /// <summary>A ring has answers at the end of the batch.</summary>
    /// <param name="ring">The ring.</param>
    public void Gathered(ForwardedRing ring) => _gathered.Add(ring);

    public void Opened(string node)
    {
        if (node != Peer.Node)
            throw new LinkViolationException($"it says that it is node {node}");
    }

    public LinkPayload Begin(in LinkFrame frame)
    {
        switch (frame.Type)
        {
            case LinkFrameType.Reply:
                return RingOf(frame).BeginReply(frame);
            case LinkFrameType.Closed:
                _ = RingOf(frame);
                return new LinkPayload(Wanted: true, 0);
            case LinkFrameType.Cleared:
                RingOf(frame).FaultWasCleared(frame.Clearings);
                return default;
            case LinkFrameType.Released:
                RingOf(frame).Release();
                return default;
            default:
                throw new LinkViolationException($"a {frame.Type} frame is not for a guest's node");
        }
    }

    public void Complete(in LinkFrame frame, string text)
    {
        ForwardedRing ring = RingOf(frame);
        if (frame.Type == LinkFrameType.Closed)
            ring.CloseByOwner(frame.Close, text);
        else
            ring.CompleteReply(frame);
    }

    public void BatchEnd()
    {
        foreach (ForwardedRing ring in _gathered)
            ring.SendBatch();
        _gathered.Clear();
    }

    public void Ended(string reason)
    {
        clients.Ended(this);
        foreach (ForwardedRing ring in _rings.Values)
            ring.Unbind();
        _rings.Clear();
        _gathered.Clear();
    }

    private ForwardedRing RingOf(in LinkFrame frame) => _rings.TryGetValue(frame.Ticket, out ForwardedRing? ring)
        ? ring
        : throw new LinkViolationException($"a {frame.Type} frame names ticket {frame.Ticket:x16}, which no ring has");
}
