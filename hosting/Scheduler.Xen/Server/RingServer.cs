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
public sealed partial class RingServer : FrontEndServer, IListenerOwner
{
    private readonly RingServerOptions _options;
    private readonly Func<string, uint?, RingDiskLookup> _find;
    private readonly ConnectionNumbers _numbers;
    private readonly ILogger _logger;
    private readonly EventLoop _loop = new("ring-accept");
    private readonly List<HelloConnection> _greetings = [];
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

    /// <inheritdoc/>
    public override int ConnectionCount
    {
        get
        {
            lock (Gate)
                return _greetings.Count + OpenConnections.Count;
        }
    }

    /// <inheritdoc/>
    public override void LetUsersIn(bool all) => _listener?.LetUsersIn(all);

    /// <inheritdoc/>
    public override void Start()
    {
        _listener = new Listener(this, _loop, new UnixDomainSocketEndPoint(_options.Path), SocketType.Seqpacket);
        _loop.Start();
        _loop.Post(_listener.Watch);
    }

    /// <inheritdoc/>
    public override void StopAccepting()
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
                lock (Gate)
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
    public override void Dispose()
    {
        StopAccepting();
        _loop.Dispose();
    }

    string IListenerOwner.ListenKey => "scheduler.rings.listen";

    void IListenerOwner.Accepted(int socket, string peer, bool isUnix)
    {
        lock (Gate)
        {
            // Who dallies keeps nobody out.
            if (_greetings.Count + OpenConnections.Count >= _options.ConnectionsMax && _greetings.Count > 0)
                _greetings[0].End("a newer guest has taken its place: there are too many");
            if (!_stopping && _greetings.Count + OpenConnections.Count < _options.ConnectionsMax)
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
        lock (Gate)
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
        lock (Gate)
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
                    _ = OpenConnections.Add(connection);
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
        lock (Gate)
            _ = OpenConnections.Remove(connection);
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
