using System.Buffers;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>A connection until its export is known, on the server's own loop. Its time and its memory are bounded.</summary>
internal sealed unsafe class HandshakeConnection : ILoopDescriptor, ILoopWork
{
    private const int ReceiveBytes = 4096;

    private readonly NbdServer _server;
    private readonly EventLoop _loop;
    private readonly int _socket;
    private readonly string _peer;
    private readonly Handshake _handshake;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly LoopTimer _timer;
    private readonly int _handle;
    private byte[] _input = new byte[ReceiveBytes];
    private int _inputCount;
    private int _sent;
    private bool _ended;
    private HandshakeStatus _status = HandshakeStatus.NeedMore;

    public HandshakeConnection(NbdServer server, EventLoop loop, int socket, string peer, IExportDirectory exports, TimeSpan timeLimit)
    {
        _server = server;
        _loop = loop;
        _socket = socket;
        _peer = peer;
        _handshake = new Handshake(exports);
        _handle = loop.Watch(socket, this, LoopReady.Readable);
        _timer = loop.AddTimer(this);
        _timer.DueNs = EventLoop.NowNs + (long)timeLimit.TotalNanoseconds;
    }

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
            _server.HandshakeBroke(this, _peer, exception);
        }
    }

    /// <summary>The time limit is over.</summary>
    void ILoopWork.Run() => End("its handshake took too long");

    /// <summary>Ends the connection.</summary>
    public void End(string reason)
    {
        if (_ended)
            return;
        Leave();
        _ = SocketCalls.close(_socket);
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

    private void HandOver()
    {
        Leave();
        _server.HandshakeDone(this, _socket, _peer, _handshake.Export!, _handshake.Negotiated, _input[.._inputCount]);
    }

    private void Leave()
    {
        _ended = true;
        _loop.RemoveTimer(_timer);
        _loop.Unwatch(_handle);
    }
}
