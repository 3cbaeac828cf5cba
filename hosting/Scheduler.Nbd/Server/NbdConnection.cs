using Microsoft.Extensions.Logging;
using Scheduler.Actors;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Tls;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>
/// One connection in transmission, on the loop of its volume: requests are received, checked (S1) and handed to the ring in
/// batches; replies are gathered and sent in batches.
/// </summary>
/// <remarks>
/// S4: a request takes a slot, and a slot is free again when its reply is sent. Without a free slot, or without buffer
/// memory of its guest, the connection stops reading its socket: a client that does not read its replies stalls itself.
/// </remarks>
internal sealed unsafe partial class NbdConnection : IOpenConnection, ILoopDescriptor, IRingFrontEnd, IBufferWaiter
{
    private const int ScratchBytes = 256 << 10;
    private const int LargePayloadBytes = 32 << 10;

    // What one connection moves before the loop looks at the others.
    private const int BytesPerTurnMax = 1 << 20;

    // One for each loop: what is not used up at once is copied out.
    [ThreadStatic]
    private static nint _scratch;

    private readonly NbdExport _export;
    private readonly Negotiated _negotiated;
    private readonly NbdServer _server;
    private readonly ILogger _logger;
    private readonly string _peer;
    private readonly long _id;
    private readonly int _socket;
    private readonly TlsSession? _tls;
    private readonly EventLoop _loop;
    private readonly ConnectionMemory _memory;
    private readonly ReplyQueue _replies;
    private readonly GuardedWork _sendWork;
    private readonly GuardedWork _resumeWork;
    private readonly Stack<int> _freeSlots = new();
    private readonly byte[] _head = new byte[RequestHeader.Bytes];

    /// <summary>Null until it has started.</summary>
    private RingPort? _port;
    private int _headCount;

    /// <summary>Slot of the request that is being received, or -1.</summary>
    private int _receiving = -1;

    /// <summary>The request that is being received has no buffer yet.</summary>
    private bool _needsBuffer;

    /// <summary>It is in its guest's line for one.</summary>
    private bool _inLine;
    private int _lineLength;

    /// <summary>What the line has granted, until the loop takes it; set by any thread.</summary>
    private nint _granted;
    private int _payloadReceived;
    private int _discard;
    private bool _lastWasLarge;
    private byte[] _leftover = [];
    private int _leftoverStart;

    private int _handle = -1;
    private LoopReady _interest;
    private bool _attached;
    private int _credits;
    private bool _sendQueued;
    private bool _waitsForSocket;

    /// <summary>No more requests are taken; it closes when all is answered and sent.</summary>
    private bool _draining;
    private bool _ringClosed;
    private bool _closed;

    public NbdConnection(NbdServer server, NbdExport export, Negotiated negotiated, int socket, TlsSession? tls, string peer, long id, ILogger logger)
    {
        _server = server;
        _export = export;
        _negotiated = negotiated;
        _socket = socket;
        _tls = tls;
        _peer = peer;
        _id = id;
        _logger = logger;
        _loop = export.Loop;
        _memory = new ConnectionMemory(export.Guest.Buffers, export.Credits);
        _replies = new ReplyQueue(_memory);
        _sendWork = new GuardedWork(Send, Fail);
        _resumeWork = new GuardedWork(Resume, Fail);
    }

    public EventLoop Loop => _loop;

    private bool IsIdle => _freeSlots.Count == _credits;

    private bool IsPaused => _draining || !_attached || _needsBuffer || (_receiving < 0 && _freeSlots.Count == 0);

    // What is in flight is counted elsewhere meanwhile.
    public ConnectionView View => new(
        _id, _export.Volume, _export.Disk, _export.Guest.Name, _peer, _tls is not null, _credits, Math.Max(0, _credits - _freeSlots.Count));

    /// <summary>The guest of its disk.</summary>
    public ServedGuest Guest => _export.Guest;

    /// <summary>Starts, on the loop.</summary>
    /// <param name="received">What the client has sent beyond its handshake.</param>
    public void Start(byte[] received)
    {
        // An operator may have ended it since it was known.
        if (_closed)
            return;
        _leftover = received;
        _port = GuestRing.Open(
            new RingSetup(_export.Volume, _export.Disk, _export.Credits, 1, this, _memory) { ReattachMax = _export.ReattachMax, Guest = _export.Guest.Name }, _export.StartRing);
    }

    public void Abort(string reason) => Close(reason);

    public void OnAttached(int credits)
    {
        if (_closed)
            return;
        _credits = Math.Min(credits, _memory.Slots.Length);
        for (int slot = _credits - 1; slot >= 0; slot--)
            _freeSlots.Push(slot);
        _attached = true;
        _interest = LoopReady.Readable;
        _handle = _loop.Watch(_socket, this, _interest);
        Resume();
    }

    public void OnReady(LoopReady ready)
    {
        try
        {
            if ((ready & LoopReady.Writable) != 0)
                Send();
            if ((ready & LoopReady.Readable) != 0 && !_closed && !IsPaused)
                Receive();
            else if ((ready & (LoopReady.Error | LoopReady.HangUp)) != 0 && !_closed)
                Close("the client has gone");
        }
#pragma warning disable CA1031 // A defect here ends this connection, not the loop and with it the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        if (_closed)
            return;
        foreach (RingReply reply in replies)
            PrepareReply(reply.Slot, reply.Error);
        QueueSend();
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        _ringClosed = true;
        if (_closed)
            return;
        RingClosed(_logger, _peer, _export.Disk, reason);
        foreach (int slot in unanswered)
        {
            _memory.Slots[slot].KeepBuffer = true;
            PrepareReply(slot, Errno.ESHUTDOWN);
        }

        if (!_attached)
        {
            Close(reason);
            return;
        }

        Drain();
        QueueSend();
    }

    public void BufferGranted(nint buffer)
    {
        Volatile.Write(ref _granted, buffer);
        _loop.Post(_resumeWork);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "NBD {Peer} disk {Disk}: closed: {Reason}")]
    private static partial void ConnectionClosed(ILogger logger, string peer, string disk, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "NBD {Peer} disk {Disk}: its ring is closed: {Reason}")]
    private static partial void RingClosed(ILogger logger, string peer, string disk, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "NBD {Peer} disk {Disk}: a defect of the server ends this connection")]
    private static partial void ConnectionFailed(ILogger logger, Exception exception, string peer, string disk);

    // Takes one batch from the socket.
    private void Receive()
    {
        if (_receiving >= 0)
        {
            // The rest of a large payload goes straight to its buffer.
            ref ConnectionSlot slot = ref _memory.Slots[_receiving];
            int count = SocketCalls.Receive(
                _socket, slot.Buffer + _payloadReceived, Math.Min(BytesPerTurnMax, (int)slot.Header.Length - _payloadReceived));
            if (count > 0)
            {
                _payloadReceived += count;
                if (_payloadReceived == slot.Header.Length)
                    Accept();
            }

            AfterReceive(count);
            return;
        }

        if (_scratch == 0)
            _scratch = (nint)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(ScratchBytes, 4096);
        // Who sent a large payload will do so again: without the header before it, it need not be copied from here.
        int received = SocketCalls.Receive(_socket, _scratch, _lastWasLarge && _discard == 0 ? RequestHeader.Bytes : ScratchBytes);
        if (received > 0)
        {
            ReadOnlySpan<byte> input = new((void*)_scratch, received);
            int taken = Parse(input);
            if (taken < received)
                _leftover = input[taken..].ToArray();
        }

        AfterReceive(received);
    }

    private void AfterReceive(int received)
    {
        _port!.Send();
        if (_closed)
            return;
        if (received is 0 or -2)
            Close(received == 0 && _receiving < 0 && _headCount == 0 ? "the client has closed it" : "the client has gone in the middle of a request");
        else
            UpdateInterest();
    }

    // Goes on with what was left over when there was no slot or no memory.
    private void Resume()
    {
        TakeGranted();
        if (_closed || _draining || !_attached)
            return;
        if (_inLine && _memory.Held == 0)
        {
            // Now it may have a small buffer at once.
            LeaveLine();
        }

        if (_needsBuffer && !_inLine)
            RentForReceiving();
        if (_leftover.Length > 0 && !IsPaused)
            _leftoverStart += Parse(_leftover.AsSpan(_leftoverStart));
        if (_leftoverStart == _leftover.Length)
        {
            _leftover = [];
            _leftoverStart = 0;
        }

        _port!.Send();
        if (!_closed)
            UpdateInterest();
    }

    private void TakeGranted()
    {
        nint buffer = Interlocked.Exchange(ref _granted, 0);
        if (buffer == 0)
            return;
        _inLine = false;
        if (_receiving >= 0 && _needsBuffer && !_closed)
        {
            _needsBuffer = false;
            _memory.Set(_receiving, buffer, BufferLengthOf(_memory.Slots[_receiving].Header));
            if (_memory.Slots[_receiving].Header.Command != NbdCommand.Write)
                Accept();
            return;
        }

        // Nobody waits any more. Whatever was asked for last is what was granted.
        _export.Guest.Buffers.Return(buffer, _lineLength);
    }

    // Takes as much as there are slots and memory for.
    private int Parse(ReadOnlySpan<byte> input)
    {
        int length = input.Length;
        while (!input.IsEmpty && !_closed && !_draining)
        {
            if (_discard > 0)
            {
                int count = Math.Min(_discard, input.Length);
                _discard -= count;
                input = input[count..];
            }
            else if (IsPaused)
            {
                return length - input.Length;
            }
            else if (_receiving >= 0)
            {
                input = TakePayload(input);
            }
            else
            {
                input = TakeHeader(input);
            }
        }

        // What follows a disconnect, or comes on a closed connection, is nobody's.
        return length;
    }

    private ReadOnlySpan<byte> TakePayload(ReadOnlySpan<byte> input)
    {
        ref ConnectionSlot slot = ref _memory.Slots[_receiving];
        int count = Math.Min(input.Length, (int)slot.Header.Length - _payloadReceived);
        input[..count].CopyTo(new Span<byte>((void*)(slot.Buffer + _payloadReceived), count));
        _payloadReceived += count;
        if (_payloadReceived == slot.Header.Length)
            Accept();
        return input[count..];
    }

    private ReadOnlySpan<byte> TakeHeader(ReadOnlySpan<byte> input)
    {
        RequestHeader header;
        if (_headCount == 0 && input.Length >= RequestHeader.Bytes)
        {
            _ = RequestHeader.TryRead(input, out header);
            input = input[RequestHeader.Bytes..];
        }
        else
        {
            int count = Math.Min(input.Length, RequestHeader.Bytes - _headCount);
            input[..count].CopyTo(_head.AsSpan(_headCount));
            _headCount += count;
            input = input[count..];
            if (!RequestHeader.TryRead(_head.AsSpan(0, _headCount), out header))
                return input;
            _headCount = 0;
        }

        RequestVerdict verdict = RequestCheck.Check(header, _export.Info, _negotiated);
        if (verdict.Fate == RequestFate.Close)
        {
            if (verdict.Reason == CloseReason.ClientDisconnected)
                Drain();
            else
                Close(verdict.Reason.ToString());
            return input;
        }

        int number = _freeSlots.Pop();
        ref ConnectionSlot slot = ref _memory.Slots[number];
        slot.Header = header;
        slot.DataLength = 0;
        slot.KeepBuffer = false;
        if (verdict.Fate == RequestFate.Refuse)
        {
            _discard = verdict.PayloadBytes;
            WriteResult(number, verdict.Error);
            QueueSend();
            return input;
        }

        _lastWasLarge = header.Command == NbdCommand.Write && header.Length >= LargePayloadBytes;
        _receiving = number;
        _payloadReceived = 0;
        RentForReceiving();
        return input;
    }

    // The request that is being received gets its buffer, if it needs one; without payload it goes on at once.
    private void RentForReceiving()
    {
        ref ConnectionSlot slot = ref _memory.Slots[_receiving];
        int length = BufferLengthOf(slot.Header);
        _needsBuffer = length > 0;
        if (_needsBuffer)
        {
            // With too much held already, a reply that is sent brings it back here.
            if (!_memory.MayHold(length))
                return;
            if (!_memory.TryRent(_receiving, length, this))
            {
                _inLine = true;
                _lineLength = length;
                return;
            }

            _needsBuffer = false;
        }

        if (slot.Header.Command != NbdCommand.Write)
            Accept();
    }

    private static int BufferLengthOf(in RequestHeader header) => header.Command switch
    {
        NbdCommand.Read or NbdCommand.Write => (int)header.Length,
        NbdCommand.BlockStatus => AllocationMap.BufferBytes,
        _ => 0,
    };

    // The request is whole: to the ring with it.
    private void Accept()
    {
        int number = _receiving;
        _receiving = -1;
        ref ConnectionSlot slot = ref _memory.Slots[number];
        ref readonly RequestHeader header = ref slot.Header;

        // The check has let through only what the map knows.
        MappedRequest mapped = ProtocolMap.Nbd(_export.Info.Order, (ushort)header.Command, (ushort)header.Flags);
        if (mapped.Op == RingOp.Status)
            AllocationMap.Clear(slot.Buffer);
        _port!.Add(new RingRequest(number, mapped.Op, mapped.Flags, 0, (long)header.Offset, header.Length, slot.Buffer));
    }

    private void PrepareReply(int number, int errno)
    {
        ref ConnectionSlot slot = ref _memory.Slots[number];
        ref readonly RequestHeader header = ref slot.Header;
        NbdError error = NbdErrors.FromErrno(errno, header.Command, header.Flags);
        if (error != NbdError.None || header.Command is not (NbdCommand.Read or NbdCommand.BlockStatus))
        {
            WriteResult(number, error);
            return;
        }

        if (header.Command == NbdCommand.Read)
        {
            slot.HeadLength = ReplyWriter.ReadHeader(HeadOf(number), header, _negotiated);
            slot.DataLength = (int)header.Length;
        }
        else
        {
            slot.HeadLength = 0;
            slot.DataLength = WriteStatus(slot.Buffer, header);
        }

        _replies.Add(number);
    }

    private void WriteResult(int number, NbdError error)
    {
        ref ConnectionSlot slot = ref _memory.Slots[number];
        if (error == NbdError.None)
        {
            slot.HeadLength = ReplyWriter.Simple(HeadOf(number), slot.Header.Cookie, error);
        }
        else
        {
            Span<byte> head = stackalloc byte[ReplyWriter.ResultBytesMax];
            slot.HeadLength = ReplyWriter.Result(head, slot.Header, _negotiated, error);
            head[..slot.HeadLength].CopyTo(HeadOf(number));
        }

        slot.DataLength = 0;
        _replies.Add(number);
    }

    // The reply takes the place of the map that it tells.
    private static int WriteStatus(nint buffer, in RequestHeader header)
    {
        Span<StatusExtent> extents = stackalloc StatusExtent[AllocationMap.RunsMax];
        int count = AllocationMap.Count(buffer);
        for (int i = 0; i < count; i++)
        {
            (long length, bool hole) = AllocationMap.Run(buffer, i);
            extents[i] = new StatusExtent(length, hole ? BlockState.Hole | BlockState.Zero : BlockState.Data);
        }

        return ReplyWriter.BlockStatus(new Span<byte>((void*)buffer, AllocationMap.BufferBytes), header, extents[..count]);
    }

    private Span<byte> HeadOf(int slot) => new((void*)_memory.Head(slot), ConnectionMemory.HeadBytes);

    private void QueueSend()
    {
        if (_sendQueued || _waitsForSocket)
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
        while (!_replies.IsEmpty && total < BytesPerTurnMax)
        {
            nint sent = _replies.Send(_socket);
            total += sent;
            if (sent == -2)
            {
                Close("the client has gone");
                return;
            }

            if (sent == -1)
            {
                _waitsForSocket = true;
                break;
            }

            while (_replies.TryTakeSent(out int slot))
                Free(slot);
        }

        if (!_replies.IsEmpty)
            QueueSend();
        if (_draining && _replies.IsEmpty && (IsIdle || _ringClosed))
        {
            Close("all is answered");
            return;
        }

        Resume();
        UpdateInterest();
    }

    private void Free(int slot)
    {
        if (!_memory.Slots[slot].KeepBuffer)
            _memory.Return(slot);
        _freeSlots.Push(slot);
    }

    private void UpdateInterest()
    {
        if (_handle < 0 || _closed)
            return;
        LoopReady interest = (IsPaused ? LoopReady.None : LoopReady.Readable) | (_waitsForSocket ? LoopReady.Writable : LoopReady.None);
        if (interest == _interest)
            return;
        _interest = interest;
        _loop.Change(_handle, interest);
    }

    private void Drain()
    {
        _draining = true;
        if (_receiving >= 0)
        {
            // Half-received: nobody waits for it any more.
            LeaveLine();
            _memory.Return(_receiving);
            _freeSlots.Push(_receiving);
            _receiving = -1;
            _needsBuffer = false;
        }

        UpdateInterest();
        QueueSend();
    }

    private void LeaveLine()
    {
        if (_inLine)
            _export.Guest.Buffers.Leave(this);
        TakeGranted();
        _inLine = false;
    }

    private void Close(string reason)
    {
        if (_closed)
            return;
        _closed = true;
        ConnectionClosed(_logger, _peer, _export.Disk, reason);
        if (_handle >= 0)
            _loop.Unwatch(_handle);
        _ = SocketCalls.close(_socket);
        LeaveLine();
        if (!_ringClosed)
            _port?.Close();
        _memory.LetGo();

        // It counts as a connection until its last replies are with the client.
        if (_tls is null)
            _server.Ended(this);
        else
            _tls.Finish(() => _server.Ended(this));
    }

    private void Fail(Exception exception)
    {
        ConnectionFailed(_logger, exception, _peer, _export.Disk);
        Close("a defect of the server");
    }
}
