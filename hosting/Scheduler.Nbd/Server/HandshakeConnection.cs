using System.Buffers;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Tls;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>A connection until its export is known, on the server's own loop. Its time and its memory are bounded.</summary>
internal sealed unsafe class HandshakeConnection : ILoopDescriptor, ILoopWork
{
    private const int ReceiveBytes = 4096;

    private readonly NbdServer _server;
    private readonly EventLoop _loop;
    private readonly string _peer;
    private readonly uint? _user;
    private PeerIdentity _identity;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly LoopTimer _timer;
    private Handshake _handshake;
    private TlsSession? _tls;

    /// <summary>The client's; once TLS has begun, the end of its session's pair.</summary>
    private int _socket;

    /// <summary>Handle of the socket on the loop; -1 while TLS is being agreed on.</summary>
    private int _handle;
    private byte[] _input = new byte[ReceiveBytes];
    private int _inputCount;
    private int _sent;
    private bool _ended;
    private HandshakeStatus _status = HandshakeStatus.NeedMore;

    public HandshakeConnection(NbdServer server, EventLoop loop, int socket, string peer, uint? user, Handshake handshake, TimeSpan timeLimit)
    {
        _server = server;
        _loop = loop;
        _socket = socket;
        _peer = peer;
        _user = user;
        _identity = new PeerIdentity(null, user);
        _handshake = handshake;
        _handle = loop.Watch(socket, this, LoopReady.Readable);
        _timer = loop.AddTimer(this);
        _timer.DueNs = EventLoop.NowNs + (long)timeLimit.TotalNanoseconds;
    }

    /// <summary>It is over; its last words may still be on their way.</summary>
    public bool HasEnded => _ended;

    /// <summary>Greets the client.</summary>
    public void Begin()
    {
        Handshake.WriteGreeting(_output);
        Advance();
    }

    public void OnReady(LoopReady ready)
    {
        try
        {
            if ((ready & LoopReady.Readable) == 0 || _sent != _output.WrittenCount || Receive())
                Advance();
        }
#pragma warning disable CA1031 // A defect here ends this connection, not the loop and with it the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (!_ended)
                Leave();
            _ = SocketCalls.close(_socket);
            _tls?.Abort();
            _server.HandshakeBroke(this, _peer, exception);
        }
    }

    /// <summary>The time limit is over.</summary>
    void ILoopWork.Run() => End("its handshake took too long");

    /// <summary>Ends the connection.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="atOnce">What was sent last may be lost.</param>
    public void End(string reason, bool atOnce = false)
    {
        if (_ended)
            return;
        bool secured = _tls is not null && _handle >= 0;
        Leave();
        _ = SocketCalls.close(_socket);
        if (secured && !atOnce)
        {
            // It counts as a connection until its last reply is with the client.
            _tls!.Finish(() => _server.HandshakeFailed(this, _peer, reason));
            return;
        }

        _tls?.Abort();
        _server.HandshakeFailed(this, _peer, reason);
    }

    private bool Receive()
    {
        if (_inputCount == _input.Length)
        {
            // The machine consumes every message of this size: it never needs more.
            if (_input.Length >= Handshake.MessageBytesMax)
            {
                End("its handshake does not fit");
                return false;
            }

            Array.Resize(ref _input, Math.Min(_input.Length * 2, Handshake.MessageBytesMax));
        }

        int count;
        fixed (byte* start = _input)
            count = SocketCalls.Receive(_socket, (nint)start + _inputCount, _input.Length - _inputCount);
        if (count is 0 or -2)
        {
            End("the client has gone during its handshake");
            return false;
        }

        _inputCount += Math.Max(0, count);
        return true;
    }

    // Answers one message after the other; the next is looked at when the answer is sent.
    private void Advance()
    {
        while (true)
        {
            if (!SendOutput())
                return;
            if (_status == HandshakeStatus.Transmission)
            {
                HandOver();
                return;
            }

            if (_status == HandshakeStatus.StartTls)
            {
                StartTls();
                return;
            }

            if (_status == HandshakeStatus.Closed)
            {
                End(_handshake.CloseReason.ToString());
                return;
            }

            _status = _handshake.Process(_input.AsSpan(0, _inputCount), out int consumed, _output);
            _input.AsSpan(consumed, _inputCount - consumed).CopyTo(_input);
            _inputCount -= consumed;
            if (_status == HandshakeStatus.NeedMore)
                return;
        }
    }

    private bool SendOutput()
    {
        while (_sent < _output.WrittenCount)
        {
            nint sent;
            fixed (byte* start = _output.WrittenSpan)
            {
                SocketCalls.IoVector vector = new() { Base = (nint)start + _sent, Length = _output.WrittenCount - _sent };
                sent = SocketCalls.Send(_socket, &vector, 1);
            }

            if (sent == -2)
            {
                End("the client has gone during its handshake");
                return false;
            }

            if (sent == -1)
            {
                _loop.Change(_handle, LoopReady.Writable);
                return false;
            }

            _sent += (int)sent;
        }

        _sent = 0;
        _output.ResetWrittenCount();
        _loop.Change(_handle, LoopReady.Readable);
        return true;
    }

    // What was sent before the answer to STARTTLS was not sent by who is inside TLS.
    private void StartTls()
    {
        if (_inputCount > 0)
        {
            End("it has sent something between STARTTLS and TLS");
            return;
        }

        if (!SocketCalls.TryPair(out int outer, out int inner))
        {
            End("there are no descriptors for TLS; raise the limit (ulimit -n)");
            return;
        }

        _loop.Unwatch(_handle);
        _handle = -1;
        int client = _socket;
        _socket = inner;
        _tls = TlsSession.Begin(
            _server.Tls!, client, outer, peer => _loop.Post(() => Secured(peer)), reason => _loop.Post(() => TlsFailed(reason)));
    }

    private void Secured(TlsPeer peer)
    {
        if (_ended)
            return;
        if (peer.Refusal is { } reason)
        {
            _server.CertificateRefused(_peer, reason, peer.Remote);
            _handshake = _handshake.Refused(reason);
        }
        else
        {
            _identity = new PeerIdentity(peer.Certificate, _user);
            _handshake = _handshake.Secured(_server.ExportsFor(_peer, _identity));
        }

        _status = HandshakeStatus.NeedMore;
        try
        {
            _handle = _loop.Watch(_socket, this, LoopReady.Readable);
        }
        catch (InvalidOperationException)
        {
            End("the kernel watches no more descriptors");
        }
    }

    private void TlsFailed(string reason)
    {
        if (_ended)
            return;
        _server.TlsFailed(_peer, reason);
        End(reason);
    }

    private void HandOver()
    {
        Leave();
        _server.HandshakeDone(this, _socket, _tls, _peer, _identity, _handshake.Export!, _handshake.Negotiated, _input[.._inputCount]);
    }

    private void Leave()
    {
        _ended = true;
        _loop.RemoveTimer(_timer);
        if (_handle >= 0)
            _loop.Unwatch(_handle);
    }
}
