using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Server;

/// <summary>How a ring server listens.</summary>
/// <param name="Path">Path of its Unix socket.</param>
/// <param name="ConnectionsMax">Most rings at once, with those that are being agreed on. A further one takes the place of the oldest of
/// the latter, or is refused.</param>
/// <param name="HandshakeTimeMax">Longest time until a guest has said which disk it wants.</param>
public sealed record RingServerOptions(string Path, int ConnectionsMax, TimeSpan HandshakeTimeMax);

/// <summary>A disk that is looked for: either it is there, or there is a reason why not.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Problem">Why it can't be had; what a guest may not see is to it as if it were not there.</param>
public readonly record struct RingDiskLookup(RingDisk? Disk, string Problem);

/// <summary>Serves blkif rings in shared memory to programs of this machine; see <see cref="Hello"/>.</summary>
public sealed partial class RingServer : IListenerOwner, IDisposable
{
    private readonly RingServerOptions _options;
    private readonly Func<string, uint?, RingDiskLookup> _find;
    private readonly ConnectionNumbers _numbers;
    private readonly ILogger _logger;
    private readonly EventLoop _loop = new("ring-accept");
    private readonly List<HelloConnection> _greetings = [];
    private readonly HashSet<RingConnection> _connections = [];
    private readonly Lock _lock = new();
    private Listener? _listener;
    private volatile bool _stopping;

    /// <summary>Creates a server that does not listen yet.</summary>
    /// <param name="options">How it listens.</param>
    /// <param name="find">Finds a disk by name, for a user of this machine; called under a lock, must not block.</param>
    /// <param name="numbers">Numbers of connections.</param>
    /// <param name="logger">Where rings are logged.</param>
    public RingServer(RingServerOptions options, Func<string, uint?, RingDiskLookup> find, ConnectionNumbers numbers, ILogger<RingServer> logger)
    {
        _options = options;
        _find = find;
        _numbers = numbers;
        _logger = logger;
    }

    /// <summary>Rings, with those that are being agreed on.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_lock)
                return _greetings.Count + _connections.Count;
        }
    }

    /// <summary>The rings, in the order in which they came, as of now.</summary>
    public IReadOnlyList<ConnectionView> Connections
    {
        get
        {
            lock (_lock)
                return [.. _connections.Select(connection => connection.View).OrderBy(view => view.Id)];
        }
    }

    /// <summary>Whether a disk has rings. When it is not found any more and has none, it gets none.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <returns>Whether it has.</returns>
    public bool HasConnections(string disk)
    {
        lock (_lock)
            return _connections.Any(connection => connection.Disk.Name == disk);
    }

    /// <summary>Closes rings soon, answered or not.</summary>
    /// <param name="which">Which of them.</param>
    /// <param name="reason">For the log.</param>
    /// <returns>How many there were.</returns>
    public int Close(Func<ConnectionView, bool> which, string reason)
    {
        RingConnection[] connections;
        lock (_lock)
            connections = [.. _connections.Where(connection => which(connection.View))];
        foreach (RingConnection connection in connections)
            connection.Disk.Loop.Post(() => connection.Abort(reason));
        return connections.Length;
    }

    /// <summary>Lets all users of this machine connect, or, as at first, only those that the process' umask lets.</summary>
    /// <param name="all">Whether all.</param>
    public void LetUsersIn(bool all) => _listener?.LetUsersIn(all);

    /// <summary>Binds its socket and accepts.</summary>
    /// <exception cref="IOException">The socket can't be bound; the message names it.</exception>
    public void Start()
    {
        _listener = new Listener(this, _loop, new UnixDomainSocketEndPoint(_options.Path), SocketType.Seqpacket);
        _loop.Start();
        _loop.Post(_listener.Watch);
    }

    /// <summary>Accepts no more. Rings go on.</summary>
    public void StopAccepting()
    {
        if (_listener is null || _stopping)
            return;
        _stopping = true;
        using ManualResetEventSlim done = new();
        _loop.Post(() =>
        {
            try
            {
                _listener.Close();
                HelloConnection[] greetings;
                lock (_lock)
                    greetings = [.. _greetings];
                foreach (HelloConnection greeting in greetings)
                    greeting.End("the service is stopping");
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        StopAccepting();
        _loop.Dispose();
    }

    string IListenerOwner.ListenKey => "scheduler.rings.listen";

    void IListenerOwner.Accepted(int socket, string peer, bool isUnix)
    {
        lock (_lock)
        {
            // Who dallies keeps nobody out.
            if (_greetings.Count + _connections.Count >= _options.ConnectionsMax && _greetings.Count > 0)
                _greetings[0].End("a newer guest has taken its place: there are too many");
            if (!_stopping && _greetings.Count + _connections.Count < _options.ConnectionsMax)
            {
                _greetings.Add(new HelloConnection(this, _loop, socket, peer, SocketCalls.PeerUser(socket), _options.HandshakeTimeMax));
                return;
            }
        }

        _ = SocketCalls.close(socket);
        TooMany(_logger, peer, _options.ConnectionsMax);
    }

    void IListenerOwner.AcceptFailed(EndPoint local) => OutOfSockets(_logger, local);

    internal void Refuse(HelloConnection greeting, string reason, bool answer = true)
    {
        lock (_lock)
            _ = _greetings.Remove(greeting);
        if (answer)
            _ = RingCalls.Send(greeting.Socket, Hello.Refused(reason), -1);
        _ = SocketCalls.close(greeting.Socket);
        Refused(_logger, greeting.Peer, reason);
    }

    internal void Greeted(HelloConnection greeting, Hello hello)
    {
        RingConnection? connection = null;
        string problem;
        lock (_lock)
        {
            // Under the lock: whoever takes a disk away, and then sees no ring of it, gets none afterwards.
            (RingDisk? disk, problem) = _find(hello.Disk, greeting.User);
            if (disk is not null && !disk.Guest.TryEnter())
            {
                problem = $"guest {disk.Guest.Name} has as many connections as it may have";
            }
            else if (disk is not null)
            {
                SharedMemory? memory = SharedMemory.TryMake(disk.Guest.Buffers, hello.RingOrder, hello.DataPages, out problem);
                if (memory is null)
                {
                    disk.Guest.Exit();
                }
                else
                {
                    connection = new RingConnection(disk, memory, new InFlightTable(memory.Slots.Length), new SocketBell(greeting.Socket, memory, disk.Info), greeting.Peer, _numbers.Next(), Ended, _logger);
                    _ = _greetings.Remove(greeting);
                    _ = _connections.Add(connection);
                }
            }
        }

        if (connection is null)
        {
            Refuse(greeting, problem);
            return;
        }

        Opened(_logger, greeting.Peer, connection.Disk.Name);
        connection.Disk.Loop.Post(connection.Start);
    }

    private void Ended(RingConnection connection)
    {
        connection.Disk.Guest.Exit();
        lock (_lock)
            _ = _connections.Remove(connection);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ring {Peer} disk {Disk}: opened")]
    private static partial void Opened(ILogger logger, string peer, string disk);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ring {Peer}: refused: {Reason}")]
    private static partial void Refused(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Ring {Endpoint}: can't accept now, the process or the kernel is out of descriptors or memory; raise the limit (ulimit -n)")]
    private static partial void OutOfSockets(ILogger logger, EndPoint endpoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Ring {Peer}: refused: there are {Max} rings already; raise scheduler.rings.connections-max")]
    private static partial void TooMany(ILogger logger, string peer, int max);
}
