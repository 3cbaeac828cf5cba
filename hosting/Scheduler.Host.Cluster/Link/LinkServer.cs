// The owner's side of all links: who may attach from other nodes, and their connections. On the link's loop.
//
// S3, S5  A ring of another node attaches only when its earlier attachment here is released (OwnedRing). The earlier one ends
//         with the request for the new one: its node would not ask if it still used it.
using System.Net;
using System.Security.Cryptography;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Cluster.Link;

/// <summary>Takes rings of other nodes for volumes that this node owns.</summary>
internal sealed partial class LinkServer : IListenerOwner
{
    // A ring's node may take its time to use a ticket that has run out meanwhile: it is told so, and is no violator.
    private static readonly TimeSpan s_endedTicketLife = TimeSpan.FromMinutes(1);

    private readonly LinkOptions _options;
    private readonly ILogger _logger;
    private readonly Listener _listener;
    private readonly LoopTimer _timer;
    private readonly Dictionary<ulong, OwnedRing> _byTicket = [];
    private readonly Dictionary<(string Node, string Volume, long Ring), OwnedRing> _byRing = [];
    private readonly List<LinkConnection> _connections = [];
    private readonly GuestBuffers _buffers = new(long.MaxValue);
    private bool _stopped;

    private LinkServer(LinkPlace place, EndPoint endpoint, LinkOptions options, ILogger logger)
    {
        Place = place;
        _options = options;
        _logger = logger;
        _listener = new Listener(this, place.Loop, endpoint);
        _timer = place.Loop.AddTimer(new GuardedWork(Tick, exception => LinkServerFailed(_logger, exception, place.Node)));
        _listener.Watch();
        SetTimer();
    }

    /// <summary>Where it listens.</summary>
    public EndPoint Local => _listener.Local;

    /// <summary>Where its connections and actors run.</summary>
    public LinkPlace Place { get; }

    /// <summary>Bytes of other nodes' guests' data that are here now.</summary>
    public long UsedBufferBytes => _buffers.InUse;

    string IListenerOwner.ListenKey => "scheduler.cluster.payload";

    /// <summary>Begins to listen. From any thread but the loop's.</summary>
    /// <param name="place">Where it runs.</param>
    /// <param name="endpoint">Where it listens; port 0 for any that is free.</param>
    /// <param name="options">Times.</param>
    /// <param name="logger">Told of connections that end.</param>
    /// <returns>The server.</returns>
    /// <exception cref="IOException">It can't listen there.</exception>
    public static Task<LinkServer> StartAsync(LinkPlace place, EndPoint endpoint, LinkOptions options, ILogger<LinkServer> logger) =>
        OnLoopAsync(place.Loop, () => new LinkServer(place, endpoint, options, logger));

    /// <summary>Takes a ring of another node, when its earlier attachment here is released. From any thread.</summary>
    /// <param name="setup">The ring.</param>
    /// <param name="cancellation">Nobody waits for it any more.</param>
    /// <returns>What the ring's node opens it with, within <see cref="LinkOptions.TicketLife"/>.</returns>
    /// <exception cref="LinkRefusedException">It is not taken.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<LinkTicket> OfferAsync(LinkedRingSetup setup, CancellationToken cancellation = default)
    {
        (OwnedRing ring, Task earlier) = await OnLoopAsync(Place.Loop, () => Register(setup)).ConfigureAwait(false);
        try
        {
            await earlier.WaitAsync(cancellation).ConfigureAwait(false);
            _ = await OnLoopAsync(Place.Loop, ring.Start).ConfigureAwait(false);
            return await ring.Offer.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Place.Loop.Post(() => ring.GiveUp(earlier));
            throw;
        }
    }

    /// <summary>Takes nothing more, and closes all connections. From any thread but the loop's, which stays until what the device
    /// holds of the rings is back.</summary>
    /// <returns>Done when the connections are closed.</returns>
    public Task StopAsync() => OnLoopAsync(Place.Loop, () =>
    {
        _stopped = true;
        _listener.Close();
        Place.Loop.RemoveTimer(_timer);
        foreach (LinkConnection connection in _connections.ToArray())
            connection.Close("this node stops");
        foreach (OwnedRing ring in _byTicket.Values.ToArray())
            ring.End(LinkClose.Gone, "this node stops");
        return true;
    });

    /// <summary>The ring that has a ticket.</summary>
    /// <param name="ticket">The ticket's number.</param>
    /// <returns>The ring, or null.</returns>
    public OwnedRing? Find(ulong ticket) => _byTicket.GetValueOrDefault(ticket);

    /// <summary>A ring's ticket is over.</summary>
    /// <param name="ring">The ring.</param>
    public void Forget(OwnedRing ring) => _ = _byTicket.Remove(ring.Ticket);

    /// <summary>A ring's memory was given back.</summary>
    /// <param name="ring">The ring.</param>
    public void RingReleased(OwnedRing ring)
    {
        if (_byRing.GetValueOrDefault(KeyOf(ring.Setup)) == ring)
            _ = _byRing.Remove(KeyOf(ring.Setup));
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="connection">The connection.</param>
    public void Ended(LinkConnection connection) => _ = _connections.Remove(connection);

    /// <summary>Memory for a request's data: how much of it is in use, the budgets bound.</summary>
    /// <param name="bytes">Bytes.</param>
    /// <returns>Native memory, aligned to 4096.</returns>
    public nint RentBuffer(int bytes) => _buffers.Rent(bytes, 0, NeverWaits.Instance);

    /// <summary>Takes a request's memory back. From any thread.</summary>
    /// <param name="buffer">The memory.</param>
    /// <param name="bytes">What was asked for.</param>
    public void ReturnBuffer(nint buffer, int bytes) => _buffers.Return(buffer, bytes);

    void IListenerOwner.Accepted(int socket, string peer, bool isUnix)
    {
        OwnerEnd end = new(this);
        LinkConnection connection = new(Place.Loop, end, _options, Place.Node, isUnix ? peer : LinkCalls.PeerOf(socket), connects: false, _logger);
        end.Connection = connection;
        _connections.Add(connection);
        try
        {
            connection.Start(socket);
        }
        catch (InvalidOperationException)
        {
            // The kernel watches no more descriptors; the socket is the listener's.
            connection.Close("out of descriptors to watch");
            throw;
        }
    }

    void IListenerOwner.AcceptFailed(EndPoint local) => LinkAcceptFailed(_logger, Place.Node, local);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Link of node {Node}: no connection can be accepted on {Local} for a moment: out of descriptors or memory")]
    private static partial void LinkAcceptFailed(ILogger logger, string node, EndPoint local);

    [LoggerMessage(Level = LogLevel.Error, Message = "Link of node {Node}: a defect in its clock")]
    private static partial void LinkServerFailed(ILogger logger, Exception exception, string node);

    // Runs it on the loop; what it throws is the caller's.
    private static Task<T> OnLoopAsync<T>(EventLoop loop, Func<T> act)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            try
            {
                done.SetResult(act());
            }
#pragma warning disable CA1031 // It is the caller's.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                done.SetException(exception);
            }
        });
        return done.Task;
    }

    private (OwnedRing Ring, Task Earlier) Register(LinkedRingSetup setup)
    {
        if (_stopped)
            throw new LinkRefusedException($"node {Place.Node} stops", again: true);
        OwnedRing? earlier = _byRing.GetValueOrDefault(KeyOf(setup));
        OwnedRing ring = new(this, setup, NewTicket());
        _byRing[KeyOf(setup)] = ring;
        _byTicket[ring.Ticket] = ring;
        earlier?.End(LinkClose.Gone, "the ring attaches anew");
        return (ring, earlier?.Released ?? Task.CompletedTask);
    }

    // Nodes number the rings of each volume by themselves.
    private static (string Node, string Volume, long Ring) KeyOf(LinkedRingSetup setup) => (setup.Node, setup.Volume, setup.Ring);

    private ulong NewTicket()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        ulong ticket;
        do
        {
            RandomNumberGenerator.Fill(bytes);
            ticket = BitConverter.ToUInt64(bytes);
        }
        while (ticket == 0 || _byTicket.ContainsKey(ticket));
        return ticket;
    }

    private void SetTimer() => _timer.DueNs = EventLoop.NowNs + (long)_options.PingEvery.TotalNanoseconds;

    // Tickets that nobody uses run out.
    private void Tick()
    {
        SetTimer();
        foreach (OwnedRing ring in _byTicket.Values.Where(ring => !ring.IsBound).ToArray())
        {
            TimeSpan age = TimeSpan.FromMicroseconds((EventLoop.NowNs - ring.SinceNs) / 1000);
            if (ring.IsEnded && age > s_endedTicketLife)
                Forget(ring);
            else if (!ring.IsEnded && ring.Offer.IsCompleted && age > _options.TicketLife)
                ring.End(LinkClose.Gone, $"its ticket was not used for {_options.TicketLife.TotalSeconds} s");
        }
    }

    private sealed class NeverWaits : IBufferWaiter
    {
        public static readonly NeverWaits Instance = new();

        public void BufferGranted(nint buffer) => throw new InvalidOperationException("a pool without a bound made somebody wait");
    }
}
