// One connection between two nodes, on a loop: it knows frames, not what they mean.
//
// S4  It never stops reading: a frame that is received has its place, since its ring had a credit for it. So no ring keeps
//     another one waiting, beyond the one stream of bytes that they share.
// S1  A frame's head is checked before anything is done for it: first what LinkFrame can check, then by the other half of
//     the node's side, which says where the payload goes.
//
// The other node counts as gone when nothing was heard of it for LinkOptions.SilenceMax, whatever TCP thinks.
using System.Runtime.InteropServices;
using System.Text;
using Scheduler.Storage.Loop;
using static Scheduler.FrontEnd.SocketCalls;

namespace Scheduler.Host.Cluster.Link;

/// <summary>Where a frame's payload goes.</summary>
/// <param name="Wanted">Whether <see cref="ILinkEnd.Complete"/> is to be called.</param>
/// <param name="Address">Native memory for all of the payload; 0: it is thrown away.</param>
internal readonly record struct LinkPayload(bool Wanted, nint Address);

/// <summary>What a connection's frames mean. Called on the loop.</summary>
internal interface ILinkEnd
{
    /// <summary>The other side has said hello.</summary>
    /// <param name="node">Its name.</param>
    /// <exception cref="LinkViolationException">It is not to go on.</exception>
    void Opened(string node);

    /// <summary>The head of a frame is there.</summary>
    /// <param name="frame">The frame.</param>
    /// <returns>Where its payload goes.</returns>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    LinkPayload Begin(in LinkFrame frame);

    /// <summary>All of a frame is there.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="text">Its text, if it has one.</param>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    void Complete(in LinkFrame frame, string text);

    /// <summary>All that had been received has been taken: what was gathered goes on.</summary>
    void BatchEnd();

    /// <summary>The connection is over, and uses no memory of its rings any more. Called once.</summary>
    /// <param name="reason">For the log.</param>
    void Ended(string reason);

    /// <summary>Names of the volumes whose rings use the connection, for errors.</summary>
    string Volumes { get; }
}

/// <inheritdoc cref="ILinkEnd"/>
internal sealed unsafe partial class LinkConnection : ILoopDescriptor
{
    private const int ScratchBytes = 256 << 10;
    private const int LargePayloadBytes = 32 << 10;

    // What one connection sends before the loop looks at the others.
    private const int BytesPerTurnMax = 1 << 20;

    // One for each loop: what is not used up at once is copied out.
    [ThreadStatic]
    private static nint _scratch;

    private readonly EventLoop _loop;
    private readonly ILinkEnd _end;
    private readonly LinkOptions _options;
    private readonly string _self;
    private readonly ILogger _logger;
    private readonly LinkSendQueue _out = new();
    private readonly GuardedWork _sendWork;
    private readonly LoopTimer _timer;
    private readonly byte[] _head = new byte[Math.Max(LinkHello.BytesMax, LinkFrame.Bytes)];
    private readonly byte[] _text = new byte[LinkFrame.TextBytesMax];
    private readonly bool _connects;
    private string _peer;
    private int _headCount;

    /// <summary>The frame whose payload is being received.</summary>
    private LinkFrame _frame;
    private LinkPayload _place;
    private int _payloadReceived;
    private bool _lastWasLarge;

    private int _socket = -1;
    private int _handle = -1;
    private LoopReady _interest;
    private bool _connected;
    private bool _heardHello;
    private bool _sendQueued;
    private bool _waitsForSocket;
    private bool _sentSinceTick;
    private bool _closed;
    private TimeSpan _silence;

    /// <param name="loop">Where it runs; it is made on it.</param>
    /// <param name="end">What its frames mean.</param>
    /// <param name="options">Times.</param>
    /// <param name="self">Name of this node.</param>
    /// <param name="peer">The other one, for people: of one that connects, its address; its name follows with its hello.</param>
    /// <param name="connects">Whether this side connects, and so speaks first.</param>
    /// <param name="logger">Told of its end.</param>
    public LinkConnection(EventLoop loop, ILinkEnd end, LinkOptions options, string self, string peer, bool connects, ILogger logger)
    {
        _loop = loop;
        _end = end;
        _options = options;
        _self = self;
        _peer = peer;
        _connects = connects;
        _logger = logger;
        _sendWork = new GuardedWork(Send, Fail);
        _timer = loop.AddTimer(new GuardedWork(Tick, Fail));
        SetTimer();
    }

    /// <summary>It is over.</summary>
    public bool IsClosed => _closed;

    private bool HasPayload => _payloadReceived < _frame.PayloadBytes;

    /// <summary>Takes a socket, connected or about to be.</summary>
    /// <param name="socket">The socket, the connection's from then on.</param>
    /// <exception cref="InvalidOperationException">The kernel watches no more descriptors.</exception>
    public void Start(int socket)
    {
        SetOptions(socket);
        _connected = !_connects;
        _interest = _connected ? LoopReady.Readable : LoopReady.Writable;
        _handle = _loop.Watch(socket, this, _interest);
        _socket = socket;
    }

    /// <summary>Has a frame sent, behind the others.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="payload">Its payload, that stays where it is until it is sent, or the connection has ended.</param>
    /// <param name="sender">Told when it has left.</param>
    public void Post(in LinkFrame frame, nint payload = 0, ILinkSender? sender = null)
    {
        if (_closed)
            return;
        _out.Add(frame, payload, sender);
        QueueSend();
    }

    /// <summary>Has a frame with a text sent.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="text">The text.</param>
    public void Post(in LinkFrame frame, string text)
    {
        if (_closed)
            return;
        _out.Add(frame, text);
        QueueSend();
    }

    /// <summary>If a payload is being received to a place, the rest of it is thrown away.</summary>
    /// <param name="address">The place.</param>
    public void ThrowAway(nint address)
    {
        if (_place.Address == address)
            _place = _place with { Address = 0 };
    }

    /// <summary>Ends the connection.</summary>
    /// <param name="reason">For the log.</param>
    public void Close(string reason)
    {
        if (_closed)
            return;
        _closed = true;
        LinkClosed(_logger, _self, _peer, reason);
        _loop.RemoveTimer(_timer);
        if (_handle >= 0)
            _loop.Unwatch(_handle);
        if (_socket >= 0)
            _ = close(_socket);
        _out.Dispose();
        _end.Ended(reason);
    }

    public void OnReady(LoopReady ready)
    {
        try
        {
            if (!_connected)
                Connected();
            else if ((ready & LoopReady.Writable) != 0)
                Send();
            if (_connected && !_closed && (ready & ~LoopReady.Writable) != 0)
                Receive();
        }
        catch (LinkViolationException violation)
        {
            Refuse(violation.Message);
        }
#pragma warning disable CA1031 // A defect here ends this connection, not the loop and with it the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Link of node {Self} with {Peer}: closed: {Reason}")]
    private static partial void LinkClosed(ILogger logger, string self, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Link of node {Self}: {Problem}")]
    private static partial void LinkViolated(ILogger logger, string self, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "Link of node {Self} with {Peer}: a defect ends it")]
    private static partial void LinkFailed(ILogger logger, Exception exception, string self, string peer);

    private void Connected()
    {
        if (LinkCalls.ConnectProblem(_socket) is { } problem)
        {
            Close($"can't connect: {problem}");
            return;
        }

        _connected = true;
        UpdateInterest();
        SayHello();
    }

    // Nothing was sent before, so the socket has room for it.
    private void SayHello()
    {
        byte[] hello = LinkHello.Encode(_self);
        fixed (byte* bytes = hello)
        {
            IoVector vector = new() { Base = (nint)bytes, Length = hello.Length };
            if (SocketCalls.Send(_socket, &vector, 1) != hello.Length)
                Close("it is gone before it was greeted");
        }
    }

    // Takes one batch from the socket. The rest of a payload goes straight to its place, what follows to the scratch memory.
    private void Receive()
    {
        if (_scratch == 0)
            _scratch = (nint)NativeMemory.AlignedAlloc(ScratchBytes, 4096);
        IoVector* vectors = stackalloc IoVector[2];
        int count = 0;
        int left = _frame.PayloadBytes - _payloadReceived;
        int direct = _place.Address != 0 ? left : 0;
        if (direct > 0)
            vectors[count++] = new IoVector { Base = _place.Address + _payloadReceived, Length = direct };

        // Who sent a large payload will do so again: without the head before it, it need not be copied from here.
        vectors[count++] = new IoVector { Base = _scratch, Length = _lastWasLarge && left == direct ? LinkFrame.Bytes : ScratchBytes };
        nint received = LinkCalls.Receive(_socket, vectors, count);
        if (received == -1)
            return;
        if (received <= 0)
        {
            Close(received == 0 ? "the other node has closed it" : "the connection is broken");
            return;
        }

        _silence = TimeSpan.Zero;
        direct = (int)Math.Min(direct, received);
        if (direct > 0)
        {
            _payloadReceived += direct;
            if (!HasPayload)
                Complete();
        }

        Parse(new ReadOnlySpan<byte>((void*)_scratch, (int)received - direct));
        if (!_closed)
            _end.BatchEnd();
    }

    private void Parse(ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty && !_closed)
        {
            if (!_heardHello)
                input = TakeHello(input);
            else if (HasPayload)
                input = TakePayload(input);
            else
                input = TakeHead(input);
        }
    }

    private ReadOnlySpan<byte> TakeHello(ReadOnlySpan<byte> input)
    {
        int before = _headCount;
        int count = Math.Min(input.Length, LinkHello.BytesMax - before);
        input[..count].CopyTo(_head.AsSpan(before));
        _headCount += count;
        if (LinkHello.Decode(_head.AsSpan(0, _headCount), out string? node) is { } problem)
            throw new LinkViolationException(problem);
        if (node is null)
            return input[count..];
        _headCount = 0;
        if (!_connects)
            _peer = $"node {node} ({_peer})";
        _end.Opened(node);
        _heardHello = true;
        if (!_connects)
            SayHello();
        QueueSend();
        return input[(LinkHello.BytesOf(node) - before)..];
    }

    private ReadOnlySpan<byte> TakeHead(ReadOnlySpan<byte> input)
    {
        string? problem;
        if (_headCount == 0 && input.Length >= LinkFrame.Bytes)
        {
            problem = LinkFrame.Decode(input, out _frame);
            input = input[LinkFrame.Bytes..];
        }
        else
        {
            int count = Math.Min(input.Length, LinkFrame.Bytes - _headCount);
            input[..count].CopyTo(_head.AsSpan(_headCount));
            _headCount += count;
            input = input[count..];
            if (_headCount < LinkFrame.Bytes)
                return input;
            _headCount = 0;
            problem = LinkFrame.Decode(_head, out _frame);
        }

        // Before anything else looks at it: a frame that is refused has no payload.
        _payloadReceived = _frame.PayloadBytes;
        if (problem is not null)
            throw new LinkViolationException(problem);
        _place = _frame.Type switch
        {
            LinkFrameType.Ping => default,
            LinkFrameType.Failed => new LinkPayload(Wanted: true, 0),
            _ => _end.Begin(_frame),
        };
        _payloadReceived = 0;
        _lastWasLarge = _frame.PayloadBytes >= LargePayloadBytes;
        if (!HasPayload)
            Complete();
        return input;
    }

    private ReadOnlySpan<byte> TakePayload(ReadOnlySpan<byte> input)
    {
        int count = Math.Min(input.Length, _frame.PayloadBytes - _payloadReceived);
        if (_frame.HasText)
            input[..count].CopyTo(_text.AsSpan(_payloadReceived));
        else if (_place.Address != 0)
            input[..count].CopyTo(new Span<byte>((void*)(_place.Address + _payloadReceived), count));
        _payloadReceived += count;
        if (!HasPayload)
            Complete();
        return input[count..];
    }

    private void Complete()
    {
        string text = _frame.HasText ? Encoding.UTF8.GetString(_text, 0, _frame.PayloadBytes) : "";
        if (_frame.Type == LinkFrameType.Failed)
            Close($"the other node says: {text}");
        else if (_place.Wanted)
            _end.Complete(_frame, text);
    }

    private void QueueSend()
    {
        if (_sendQueued || _waitsForSocket || !_heardHello || _closed || _out.Count == 0)
            return;
        _sendQueued = true;
        _loop.AtTurnEnd(_sendWork);
    }

    private void Send()
    {
        _sendQueued = false;
        if (_closed)
            return;
        _waitsForSocket = false;
        long total = 0;
        while (_out.Count > 0 && total < BytesPerTurnMax)
        {
            nint sent = _out.Send(_socket);
            if (sent == -2)
            {
                Close("the connection is broken");
                return;
            }

            if (sent == -1)
            {
                _waitsForSocket = true;
                break;
            }

            total += sent;
            _sentSinceTick = true;
            while (_out.TryTakeSent(out LinkFrame frame, out ILinkSender? sender))
                sender?.Sent(frame);
        }

        UpdateInterest();
        QueueSend();
    }

    private void UpdateInterest()
    {
        LoopReady interest = LoopReady.Readable | (_waitsForSocket ? LoopReady.Writable : LoopReady.None);
        if (interest == _interest)
            return;
        _interest = interest;
        _loop.Change(_handle, interest);
    }

    private void SetTimer() => _timer.DueNs = EventLoop.NowNs + (long)_options.PingEvery.TotalNanoseconds;

    private void Tick()
    {
        _silence += _options.PingEvery;
        if (_silence > _options.SilenceMax)
        {
            Close(_heardHello ? $"nothing was heard for {_options.SilenceMax.TotalSeconds} s" : $"no answer for {_options.SilenceMax.TotalSeconds} s");
            return;
        }

        if (!_sentSinceTick && _out.Count == 0)
            Post(new LinkFrame { Type = LinkFrameType.Ping });
        _sentSinceTick = false;
        SetTimer();
    }

    // The other node is told why, if it can be said at once.
    private void Refuse(string problem)
    {
        string volumes = _end.Volumes;
        LinkViolated(_logger, _self, $"{_peer} breaks the rules: {problem}; its connection, with rings of {(volumes.Length > 0 ? "volumes " + volumes : "no volume")}, is closed");
        if (!_closed && !_heardHello && !_connects)
        {
            // Of another version, most likely: this one's hello says so there.
            SayHello();
        }
        else if (!_closed && _connected && _out.IsBetweenFrames && _heardHello)
        {
            using LinkSendQueue last = new();
            last.Add(new LinkFrame { Type = LinkFrameType.Failed }, $"{problem} (seen by node {_self})");
            _ = last.Send(_socket);
        }

        Close(problem);
    }

    private void Fail(Exception exception)
    {
        if (exception is LinkViolationException)
        {
            Refuse(exception.Message);
            return;
        }

        LinkFailed(_logger, exception, _self, _peer);
        Close("a defect");
    }
}
