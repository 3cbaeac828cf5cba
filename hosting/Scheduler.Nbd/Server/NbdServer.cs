using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>How an NBD server listens.</summary>
/// <param name="Endpoints">TCP addresses and Unix socket paths.</param>
/// <param name="ConnectionsMax">Most connections at once; further ones are closed at once.</param>
/// <param name="HandshakeTimeMax">Longest time until a client has chosen its export.</param>
public sealed record NbdServerOptions(IReadOnlyList<EndPoint> Endpoints, int ConnectionsMax, TimeSpan HandshakeTimeMax);

/// <summary>Listens, accepts, and takes connections through their handshake, on a loop of its own.</summary>
public sealed partial class NbdServer : IDisposable
{
    private readonly NbdServerOptions _options;
    private readonly NbdExports _exports;
    private readonly ILogger _logger;
    private readonly EventLoop _loop = new("nbd-accept");
    private readonly List<Listener> _listeners = [];
    private readonly HashSet<HandshakeConnection> _handshakes = [];
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly Lock _lock = new();
    private bool _started;
    private bool _stopping;

    /// <summary>Creates a server that does not listen yet.</summary>
    /// <param name="options">How it listens.</param>
    /// <param name="exports">What it serves.</param>
    /// <param name="logger">Where connections are logged.</param>
    public NbdServer(NbdServerOptions options, NbdExports exports, ILogger<NbdServer> logger)
    {
        _options = options;
        _exports = exports;
        _logger = logger;
    }

    /// <summary>Where it listens, with the ports that were chosen for port 0.</summary>
    public IReadOnlyList<EndPoint> LocalEndpoints => [.. _listeners.Select(listener => listener.Local)];

    /// <summary>Connections, those in their handshake included.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_lock)
                return _handshakes.Count + _connections.Count;
        }
    }

    /// <summary>Binds all endpoints and accepts.</summary>
    /// <exception cref="IOException">An endpoint can't be bound; the message names it.</exception>
    public void Start()
    {
        foreach (EndPoint endpoint in _options.Endpoints)
            _listeners.Add(new Listener(this, _loop, endpoint));
        _loop.Start();
        _started = true;
        _loop.Post(() =>
        {
            foreach (Listener listener in _listeners)
                listener.Watch();
        });
    }

    /// <summary>Accepts no more, and ends the handshakes under way. Connections go on.</summary>
    public void StopAccepting()
    {
        if (!_started || _exports.Stopping)
            return;
        _exports.Stopping = true;
        using ManualResetEventSlim done = new();
        _loop.Post(() =>
        {
            try
            {
                _stopping = true;
                foreach (Listener listener in _listeners)
                    listener.Close();
                foreach (HandshakeConnection handshake in _handshakes.ToArray())
                    handshake.End("the service is stopping");
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
    }

    /// <summary>Ends the connections that are left, answered or not.</summary>
    public void Abort()
    {
        NbdConnection[] connections;
        lock (_lock)
            connections = [.. _connections];
        foreach (NbdConnection connection in connections)
            connection.Loop.Post(connection.Abort);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        StopAccepting();
        _loop.Dispose();
        foreach (Listener listener in _listeners)
            listener.Close();
    }

    internal void HandshakeDone(HandshakeConnection handshake, int socket, string peer, ExportInfo info, Negotiated negotiated, byte[] received)
    {
        NbdExport export = _exports[info];
        if (!export.Guest.TryEnter())
        {
            // It had room when the client asked.
            _ = SocketCalls.close(socket);
            HandshakeFailed(handshake, peer, "its guest has too many connections");
            return;
        }

        NbdConnection connection = new(this, export, negotiated, socket, peer, _logger);
        lock (_lock)
        {
            _ = _handshakes.Remove(handshake);
            _ = _connections.Add(connection);
        }

        ConnectionOpened(_logger, peer, export.Disk);
        export.Loop.Post(() => connection.Start(received));
    }

    internal void HandshakeFailed(HandshakeConnection handshake, string peer, string reason)
    {
        lock (_lock)
            _ = _handshakes.Remove(handshake);
        HandshakeEnded(_logger, peer, reason);
    }

    internal void HandshakeBroke(HandshakeConnection handshake, string peer, Exception exception)
    {
        lock (_lock)
            _ = _handshakes.Remove(handshake);
        HandshakeDefect(_logger, exception, peer);
    }

    internal void Ended(NbdConnection connection)
    {
        connection.Guest.Exit();
        lock (_lock)
            _ = _connections.Remove(connection);
    }

    internal void Accepted(int socket, string peer)
    {
        if (_stopping || ConnectionCount >= _options.ConnectionsMax)
        {
            _ = SocketCalls.close(socket);
            TooMany(_logger, peer, _options.ConnectionsMax);
            return;
        }

        SocketCalls.SetOptions(socket);
        HandshakeConnection handshake = new(this, _loop, socket, peer, _exports, _options.HandshakeTimeMax);
        lock (_lock)
            _ = _handshakes.Add(handshake);
        handshake.Begin();
    }

    internal void AcceptFailed(EndPoint local) => OutOfSockets(_logger, local);

    [LoggerMessage(Level = LogLevel.Information, Message = "NBD {Peer} disk {Disk}: opened")]
    private static partial void ConnectionOpened(ILogger logger, string peer, string disk);

    [LoggerMessage(Level = LogLevel.Error, Message = "NBD {Peer}: a defect of the server ends its handshake")]
    private static partial void HandshakeDefect(ILogger logger, Exception exception, string peer);

    [LoggerMessage(Level = LogLevel.Debug, Message = "NBD {Peer}: handshake ended: {Reason}")]
    private static partial void HandshakeEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Endpoint}: can't accept now, the process or the kernel is out of descriptors or memory; raise the limit (ulimit -n)")]
    private static partial void OutOfSockets(ILogger logger, EndPoint endpoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: refused: there are {Max} connections already; raise scheduler.nbd.connections-max")]
    private static partial void TooMany(ILogger logger, string peer, int max);
}
