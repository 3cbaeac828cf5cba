using System.Net;
using System.Net.Sockets;
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
            _listeners.Add(new Listener(this, endpoint));
        _loop.Start();
        _loop.Post(() =>
        {
            foreach (Listener listener in _listeners)
                listener.Watch();
        });
    }

    /// <summary>Accepts no more, and ends the handshakes under way. Connections go on.</summary>
    public void StopAccepting()
    {
        _exports.Stopping = true;
        using ManualResetEventSlim done = new();
        _loop.Post(() =>
        {
            _stopping = true;
            foreach (Listener listener in _listeners)
                listener.Close();
            foreach (HandshakeConnection handshake in _handshakes.ToArray())
                handshake.End("the service is stopping");
            done.Set();
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
        _loop.Dispose();
        foreach (Listener listener in _listeners)
            listener.Close();
    }

    internal void HandshakeDone(HandshakeConnection handshake, int socket, string peer, ExportInfo info, Negotiated negotiated, byte[] received)
    {
        NbdExport export = _exports[info.Name];
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

    internal void Ended(NbdConnection connection)
    {
        lock (_lock)
            _ = _connections.Remove(connection);
    }

    private void Accepted(int socket, string peer)
    {
        if (_stopping || ConnectionCount >= _options.ConnectionsMax)
        {
            _ = SocketCalls.close(socket);
            TooMany(_logger, peer, _options.ConnectionsMax);
            return;
        }

        SocketCalls.SetNoDelay(socket);
        HandshakeConnection handshake = new(this, _loop, socket, peer, _exports, _options.HandshakeTimeMax);
        lock (_lock)
            _ = _handshakes.Add(handshake);
        handshake.Begin();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "NBD {Peer} disk {Disk}: opened")]
    private static partial void ConnectionOpened(ILogger logger, string peer, string disk);

    [LoggerMessage(Level = LogLevel.Debug, Message = "NBD {Peer}: handshake ended: {Reason}")]
    private static partial void HandshakeEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: refused: there are {Max} connections already; raise scheduler.nbd.connections-max")]
    private static partial void TooMany(ILogger logger, string peer, int max);

    /// <summary>One listening socket.</summary>
    private sealed unsafe class Listener : ILoopDescriptor
    {
        private readonly NbdServer _server;
        private readonly Socket _socket;
        private readonly string? _path;
        private int _handle = -1;
        private bool _closed;
        private long _accepted;

        public Listener(NbdServer server, EndPoint endpoint)
        {
            _server = server;
            bool unix = endpoint is UnixDomainSocketEndPoint;
            _path = unix ? endpoint.ToString() : null;
            _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, unix ? ProtocolType.Unspecified : ProtocolType.Tcp) { Blocking = false };
            try
            {
                if (_path is not null)
                    RemoveStale(_path);
                else
                    _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                _socket.Bind(endpoint);
                _socket.Listen(1024);
            }
            catch (SocketException exception)
            {
                _socket.Dispose();
                throw new IOException($"can't listen on {endpoint}: {exception.Message}; choose another in scheduler.nbd.listen", exception);
            }

            Local = _socket.LocalEndPoint!;
        }

        public EndPoint Local { get; }

        public void Watch() => _handle = _server._loop.Watch((int)_socket.Handle, this, LoopReady.Readable);

        public void OnReady(LoopReady ready)
        {
            int socket = SocketCalls.accept4((int)_socket.Handle, null, null, SocketCalls.SOCK_NONBLOCK | SocketCalls.SOCK_CLOEXEC);
            if (socket >= 0)
                _server.Accepted(socket, $"{Local}#{++_accepted}");
        }

        public void Close()
        {
            if (_closed)
                return;
            _closed = true;
            if (_handle >= 0)
                _server._loop.Unwatch(_handle);
            _socket.Dispose();
            if (_path is not null)
                File.Delete(_path);
        }

        // A socket that nobody listens on is left over from a process that was killed.
        private static void RemoveStale(string path)
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory)
                _ = Directory.CreateDirectory(directory);
            if (!File.Exists(path))
                return;
            using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(path));
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                File.Delete(path);
            }
        }
    }
}
