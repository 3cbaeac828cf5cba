using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Tls;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>How an NBD server listens.</summary>
/// <param name="Endpoints">TCP addresses and Unix socket paths.</param>
/// <param name="ConnectionsMax">Most connections at once; further ones are closed at once.</param>
/// <param name="HandshakeTimeMax">Longest time until a client has chosen its export.</param>
public sealed record NbdServerOptions(IReadOnlyList<EndPoint> Endpoints, int ConnectionsMax, TimeSpan HandshakeTimeMax)
{
    /// <summary>
    /// Most connections at once that have not chosen their export. A further one takes the place of the oldest of them: who
    /// dallies keeps nobody out.
    /// </summary>
    public int HandshakesMax { get; init; } = 256;

    /// <summary>TLS; null: there is none.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>Whether clients over TCP must use TLS.</summary>
    public bool TlsRequired { get; init; }

    /// <summary>
    /// What a client sees. Asked when it connects, and again when TLS has told who it is; each time anew, so that the answer may
    /// change while the server runs. Must not block or throw.
    /// </summary>
    public Func<PeerIdentity, Sight> SightOf { get; init; } = _ => Sight.All;
}

/// <summary>Listens, accepts, and takes connections through their handshake, on a loop of its own.</summary>
public sealed partial class NbdServer : FrontEndServer, IListenerOwner
{
    private readonly NbdServerOptions _options;
    private readonly NbdExports _exports;
    private readonly ILogger _logger;
    private readonly EventLoop _loop = new("nbd-accept");
    private readonly List<Listener> _listeners = [];
    private readonly List<HandshakeConnection> _handshakes = [];
    private readonly ConnectionNumbers _numbers;
    private bool _started;
    private bool _stopping;

    /// <summary>Creates a server that does not listen yet.</summary>
    /// <param name="options">How it listens.</param>
    /// <param name="exports">What it serves.</param>
    /// <param name="logger">Where connections are logged.</param>
    /// <param name="numbers">Numbers of connections; null: its own.</param>
    public NbdServer(NbdServerOptions options, NbdExports exports, ILogger<NbdServer> logger, ConnectionNumbers? numbers = null)
    {
        _numbers = numbers ?? new ConnectionNumbers();
        _options = options;
        _exports = exports;
        _logger = logger;
    }

    /// <summary>Where it listens, with the ports that were chosen for port 0.</summary>
    public IReadOnlyList<EndPoint> LocalEndpoints => [.. _listeners.Select(listener => listener.Local)];

    /// <inheritdoc/>
    public override int ConnectionCount
    {
        get
        {
            lock (Gate)
                return _handshakes.Count + OpenConnections.Count;
        }
    }

    /// <inheritdoc/>
    public override void LetUsersIn(bool all)
    {
        foreach (Listener listener in _listeners)
            listener.LetUsersIn(all);
    }

    /// <inheritdoc/>
    public override void Start()
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

    /// <inheritdoc/>
    public override void StopAccepting()
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
                HandshakeConnection[] handshakes;
                lock (Gate)
                    handshakes = [.. _handshakes];
                foreach (HandshakeConnection handshake in handshakes)
                    handshake.End("the service is stopping");
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
        foreach (Listener listener in _listeners)
            listener.Close();
    }

    internal void HandshakeDone(HandshakeConnection handshake, int socket, TlsSession? tls, string peer, PeerIdentity identity, ExportInfo info, Negotiated negotiated, byte[] received)
    {
        NbdExport? export;
        NbdConnection? connection = null;
        lock (Gate)
        {
            // Under the lock: whoever takes a disk away, and then sees no connection to it, gets none afterwards.
            export = _exports.Find(info);

            // Who it is may count for something else than when it was greeted.
            if (export is not null && !_options.SightOf(identity).Includes(export.Guest.Name))
                export = null;
            if (export is not null && export.Guest.TryEnter())
            {
                connection = new NbdConnection(this, export, negotiated, socket, tls, peer, _numbers.Next(), _logger);
                _ = _handshakes.Remove(handshake);
                _ = OpenConnections.Add(connection);
            }
        }

        if (connection is null)
        {
            // It was there, and had room, when the client asked.
            _ = SocketCalls.close(socket);
            tls?.Abort();
            HandshakeFailed(handshake, peer, export is null ? $"disk {info.Name} is gone, another one now, or not to be seen by this client any more" : "its guest has too many connections");
            return;
        }

        ConnectionOpened(_logger, peer, export!.Disk);
        export.Loop.Post(() => connection.Start(received));
    }

    internal void HandshakeFailed(HandshakeConnection handshake, string peer, string reason)
    {
        lock (Gate)
            _ = _handshakes.Remove(handshake);
        HandshakeEnded(_logger, peer, reason);
    }

    internal void HandshakeBroke(HandshakeConnection handshake, string peer, Exception exception)
    {
        lock (Gate)
            _ = _handshakes.Remove(handshake);
        HandshakeDefect(_logger, exception, peer);
    }

    internal void Ended(NbdConnection connection)
    {
        connection.Guest.Exit();
        lock (Gate)
            _ = OpenConnections.Remove(connection);
    }

    void IListenerOwner.Accepted(int socket, string peer, bool isUnix)
    {
        if (_stopping || !TryMakeRoom())
        {
            _ = SocketCalls.close(socket);
            TooMany(_logger, peer, _options.ConnectionsMax);
            return;
        }

        SocketCalls.SetOptions(socket);
        uint? user = isUnix ? SocketCalls.PeerUser(socket) : null;
        Handshake machine = new(ExportsFor(peer, new PeerIdentity(null, user)), TlsFor(isUnix));
        HandshakeConnection handshake = new(this, _loop, socket, peer, user, machine, _options.HandshakeTimeMax);
        lock (Gate)
            _handshakes.Add(handshake);
        handshake.Begin();
    }

    /// <summary>What a client sees.</summary>
    internal IExportDirectory ExportsFor(string peer, PeerIdentity identity)
    {
        Sight sight = _options.SightOf(identity);
        if (sight == Sight.None && identity.Certificate is { } certificate)
            UnknownCertificate(_logger, peer, certificate.Subject, certificate.Sha256);
        else if (sight == Sight.None && identity.UserId is { } user)
            UnknownUser(_logger, peer, user);
        return _exports.SeenBy(() => _options.SightOf(identity));
    }

    internal void TlsFailed(string peer, string reason) => TlsBroke(_logger, peer, reason);

    internal void CertificateRefused(string peer, string reason, string remote) => ClientRefused(_logger, peer, reason, remote);

    // A Unix socket does not leave the machine.
    private HandshakeTls TlsFor(bool isUnix) => _options.Tls is null ? HandshakeTls.None
        : _options.TlsRequired && !isUnix ? HandshakeTls.Required
        : HandshakeTls.Offered;

    private bool TryMakeRoom()
    {
        HandshakeConnection? oldest;
        lock (Gate)
        {
            if (_handshakes.Count < _options.HandshakesMax && _handshakes.Count + OpenConnections.Count < _options.ConnectionsMax)
                return true;
            oldest = _handshakes.Find(handshake => !handshake.HasEnded);
        }

        oldest?.End("a newer connection has taken its place: too many are in their handshake", atOnce: true);
        return oldest is not null;
    }

    internal ServerTls? Tls => _options.Tls;

    string IListenerOwner.ListenKey => "scheduler.nbd.listen";

    void IListenerOwner.AcceptFailed(EndPoint local) => OutOfSockets(_logger, local);

    [LoggerMessage(Level = LogLevel.Information, Message = "NBD {Peer} disk {Disk}: opened")]
    private static partial void ConnectionOpened(ILogger logger, string peer, string disk);

    [LoggerMessage(Level = LogLevel.Error, Message = "NBD {Peer}: a defect of the server ends its handshake")]
    private static partial void HandshakeDefect(ILogger logger, Exception exception, string peer);

    [LoggerMessage(Level = LogLevel.Debug, Message = "NBD {Peer}: handshake ended: {Reason}")]
    private static partial void HandshakeEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: TLS failed: {Reason}")]
    private static partial void TlsBroke(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: refused: {Reason} (from {Remote})")]
    private static partial void ClientRefused(ILogger logger, string peer, string reason, string remote);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: the certificate '{Subject}', sha256:{Sha256}, is no guest's: it sees no disk")]
    private static partial void UnknownCertificate(ILogger logger, string peer, string subject, string sha256);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: user {User} is no guest: without a certificate it sees no disk")]
    private static partial void UnknownUser(ILogger logger, string peer, uint user);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Endpoint}: can't accept now, the process or the kernel is out of descriptors or memory; raise the limit (ulimit -n)")]
    private static partial void OutOfSockets(ILogger logger, EndPoint endpoint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "NBD {Peer}: refused: there are {Max} connections already; raise scheduler.nbd.connections-max")]
    private static partial void TooMany(ILogger logger, string peer, int max);
}
