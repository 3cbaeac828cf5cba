// One ring in transmission, on the loop of its volume.
//
// S3  Each request that is taken gets one response, from this process, or, when the ring is parked, from the one that goes on with
//     it; but a flush or a barrier that failed gets none, with data or without: Linux's front end sends no more of them after one
//     that did, and reports success for each. The ring closes in its place, and what was not answered then never is. So it does
//     where one is refused for its pages or its place: whose fault it is makes no difference to the flushes that would be missing, and
//     the loss of a disk is seen.
// S4  A request takes a slot, of which there are as many as the ring has entries, or as the volume gives credits. Without a slot, or
//     without room for a buffer, nothing is taken from the ring until there is. At one time it takes a ring's length of requests, and
//     copies a bounded number of bytes, whether the requests come to something or are refused: the loop serves others in between.
// O2  A flush with data is a flush and then a write, in the place that it has in its stream: nothing behind it is taken before that
//     write is on its way.
// O6  What the guest had heard is known from the ring (BackRing).
// S1  Data that can't be copied from or to the guest's pages are an error of that request alone.
using Microsoft.Extensions.Logging;
using Scheduler.Actors;
using Scheduler.Storage;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Blkif;

namespace Scheduler.Xen.Rings;

/// <summary>Takes requests from a shared ring, hands them to the ring's actor in batches, and gathers the responses.</summary>
internal sealed partial class RingConnection : IOpenConnection, ILoopDescriptor, IRingFrontEnd
{
    // One of the longest requests.
    private const int CopiedPerTurnMax = BlkifAbi.TransferBytesMax;

    private readonly Action<RingConnection> _ended;
    private readonly ILogger _logger;
    private readonly string _peer;
    private readonly long _id;
    private readonly IRingBell _bell;
    private readonly RingPages _memory;
    private readonly InFlightTable _table;
    private readonly BackRing _ring;
    private readonly Stack<int> _freeSlots = new();
    private readonly byte[] _entry = new byte[BlkifAbi.EntryBytes];
    private readonly BlkifSegment[] _segments = new BlkifSegment[BlkifAbi.IndirectSegmentsMax];
    private readonly GuardedWork _tellWork;
    private readonly GuardedWork _goOnWork;

    /// <summary>Null until it has started.</summary>
    private RingPort? _port;
    private long _answers;
    private int _credits;
    private int _handle = -1;
    private bool _attached;
    private bool _tellQueued;
    private bool _goOnQueued;

    /// <summary>It can't take what the guest has sent now.</summary>
    private bool _waits;

    /// <summary>A flush that goes before its write is under way.</summary>
    private bool _flushesFirst;
    private bool _ringClosed;
    private bool _closed;

    /// <summary>Why it ends as soon as all is answered.</summary>
    private string? _finish;

    /// <summary>Another process goes on with it.</summary>
    private bool _parked;

    public RingConnection(RingDisk disk, RingPages memory, InFlightTable table, IRingBell bell, string peer, long id, Action<RingConnection> ended, ILogger logger)
    {
        Disk = disk;
        _memory = memory;
        _bell = bell;
        _peer = peer;
        _id = id;
        _ended = ended;
        _logger = logger;
        _table = table;
        _ring = new BackRing(memory.Ring, table);
        _tellWork = new GuardedWork(Tell, Fail);
        _goOnWork = new GuardedWork(GoOn, Fail);
    }

    /// <summary>Its disk.</summary>
    public RingDisk Disk { get; private set; }

    public EventLoop Loop => Disk.Loop;

    /// <summary>Why it has ended; null: it has not.</summary>
    public string? Ended { get; private set; }

    // What is in flight is counted elsewhere meanwhile.
    public ConnectionView View => new(
        _id, Disk.Volume, Disk.Name, Disk.Guest.Name, _peer, false, _credits, Math.Max(0, _credits - _freeSlots.Count));

    /// <summary>Hands the guest its memory, and starts. On the loop.</summary>
    public void Start()
    {
        // An operator may have ended it since it was known.
        if (_closed)
            return;

        _bell.Open();
        _port = GuestRing.Open(
            new RingSetup(Disk.Volume, Disk.Name, _memory.Slots.Length, 1, this, _memory) { ReattachMax = Disk.ReattachMax, Guest = Disk.Guest.Name }, Disk.StartRing);
    }

    public void Abort(string reason) => Close(reason);

    /// <summary>Takes no more, and ends when all that was taken is answered. On the loop.</summary>
    /// <param name="reason">For the log.</param>
    public void Finish(string reason)
    {
        _finish = reason;
        CloseIfFinished();
    }

    /// <summary>
    /// Takes no more, and ends when all that was taken is answered, or when its volume stops. The guest is told of nothing that has
    /// failed meanwhile: the next process, which goes on with the ring, carries it out once more. On the loop.
    /// </summary>
    /// <param name="reason">For the log.</param>
    public void Park(string reason)
    {
        _parked = true;
        Finish(reason);
    }

    /// <summary>The disk has another size: requests are checked against it from now on. On the loop.</summary>
    /// <param name="disk">The disk, otherwise the same.</param>
    public void Resize(BlkifDisk disk) => Disk = Disk with { Info = disk };

    public void OnAttached(int credits)
    {
        if (_closed)
            return;
        _credits = Math.Min(credits, _memory.Slots.Length);
        for (int slot = _credits - 1; slot >= 0; slot--)
            _freeSlots.Push(slot);
        _attached = true;
        _handle = Disk.Loop.Watch(_bell.Descriptor, this, LoopReady.Readable);

        // The earlier process may have been about to tell the guest something.
        if (_table.IsTakenOver)
            RingBell();
        Guarded(TakeRequests);
    }

    public void OnReady(LoopReady ready)
    {
        try
        {
            if ((ready & LoopReady.Readable) != 0)
                HearBell();
            else if ((ready & (LoopReady.Error | LoopReady.HangUp)) != 0 && !_closed)
                Close("the guest has gone");
        }
#pragma warning disable CA1031 // A defect here ends this ring, not the loop and with it the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        foreach (RingReply reply in replies)
        {
            _answers++;
            if (!_closed)
                Answered(reply.Slot, reply.Error);
        }

        if (_closed)
            return;
        _port!.Send();
        QueueTell();
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        _ringClosed = true;
        if (_closed)
            return;
        foreach (int number in _parked ? [] : unanswered)
        {
            // The device may still use its memory: the slot is not used again, and the buffer goes with all the memory.
            RingSlot slot = _memory.Slots[number];
            ref readonly BlkifRequest request = ref slot.Request;
            if (!IsFlushOrBarrier(request))
                _ring.Put(slot.Record, request.Id, request.Operation, BlkifAbi.Error, _answers);
        }

        if (_ring.Tell())
            RingBell();
        Close(reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Ring {Peer} disk {Disk}: closed: {Reason}")]
    private static partial void ConnectionClosed(ILogger logger, string peer, string disk, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Ring {Peer} disk {Disk}: a defect of the server ends it")]
    private static partial void ConnectionFailed(ILogger logger, Exception exception, string peer, string disk);

    // After an answer to this that is an error, Linux sends no more of them.
    private static bool IsFlushOrBarrier(in BlkifRequest request) => request.Operation is BlkifAbi.FlushDiskcache or BlkifAbi.WriteBarrier;

    private void HearBell()
    {
        if (_bell.Hear())
            TakeRequests();
        else
            Close("the guest has closed it");
    }

    // Takes what is there, as much as there are slots and room for; but lets the loop look at others now and then, for a guest
    // that only sends what is refused has its answers at once, and could go on for ever.
    private void TakeRequests()
    {
        if (!_attached || _ringClosed || _closed || _finish is not null || _goOnQueued)
            return;
        _waits = false;
        int left = _memory.Slots.Length;
        long copiedMax = _memory.Copied + CopiedPerTurnMax;
        while (!_waits)
        {
            int there = _ring.Look();
            if (there < 0)
            {
                Close("its ring is broken: the producer of requests is beyond what there is room for");
                return;
            }

            if (left <= 0 || _memory.Copied >= copiedMax)
            {
                QueueGoOn();
                break;
            }

            if (there == 0)
            {
                left--;
                if (_ring.AskForMore())
                    continue;
                break;
            }

            for (; there > 0 && !_waits && _memory.Copied < copiedMax; there--, left--)
            {
                TakeRequest();
                if (_closed)
                    return;
            }
        }

        _port!.Send();

        // Else there is nothing to tell, and nothing to try again before the next answer, which does.
        if (_ring.HasUntold)
            QueueTell();
    }

    private void TakeRequest()
    {
        if (_freeSlots.Count == 0 || !_memory.HasRoom || _flushesFirst)
        {
            _waits = true;
            return;
        }

        int record = _ring.Take(_entry);
        BlkifRequest request = BlkifRequest.Parse(_entry, Disk.Info, _memory, _segments);
        if (request.Status != 0)
        {
            Refuse(record, request);
            return;
        }

        RingSlot slot = _memory.Slots[_freeSlots.Peek()];
        slot.Data = 0;
        if (request.HasData)
        {
            slot.Data = _memory.Place(slot, _segments.AsSpan(0, request.Segments), (int)request.Length, request.Mapped.Op != RingOp.Read);
            if (slot.Data == 0)
            {
                Refuse(record, request with { Status = BlkifAbi.Error });
                return;
            }
        }

        int number = _freeSlots.Pop();
        slot.Request = request;
        slot.Record = record;
        slot.FlushFirst = _flushesFirst = request.Mapped.FlushFirst;
        _port!.AnswersHeard = _ring.AnswersHeard;
        if (slot.FlushFirst)
            _port!.Add(new RingRequest(number, RingOp.Flush, RingFlags.None, 0, 0, 0, 0));
        else
            Send(number, slot);
    }

    // It never comes to the scheduler.
    private void Refuse(int record, in BlkifRequest request)
    {
        if (request.Status == BlkifAbi.Error && IsFlushOrBarrier(request))
            Close("a flush or a barrier names pages that are not there, or a place that is not on the disk, which a guest can't be told otherwise");
        else
            _ring.Put(record, request.Id, request.Operation, request.Status, _answers);
    }

    private void Send(int number, RingSlot slot)
    {
        ref readonly BlkifRequest request = ref slot.Request;
        _port!.Add(new RingRequest(number, request.Mapped.Op, request.Mapped.Flags, 0, request.Offset, request.Length, slot.Data));
    }

    private void Answered(int number, int error)
    {
        RingSlot slot = _memory.Slots[number];
        ref readonly BlkifRequest request = ref slot.Request;
        if (slot.FlushFirst && error == 0)
        {
            slot.FlushFirst = _flushesFirst = false;
            Send(number, slot);
            return;
        }

        if (error != 0 && _parked)
            return;
        if (error != 0 && IsFlushOrBarrier(request))
        {
            // The volume stops: the ring closes when all that can be answered is.
            if (error == Errno.ESHUTDOWN)
                return;
            Close($"a flush or a barrier has failed (errno {error}), which a guest can't be told otherwise");
            return;
        }

        if (error == 0 && request.Mapped.Op == RingOp.Read && !_memory.Deliver(slot))
            error = Errno.EIO;
        _memory.Return(slot);
        _freeSlots.Push(number);
        short status = error == 0 ? BlkifAbi.Okay
            : error == Errno.EOPNOTSUPP && request.Mapped.Op == RingOp.Discard ? BlkifAbi.NotSupported
            : BlkifAbi.Error;
        _ring.Put(slot.Record, request.Id, request.Operation, status, _answers, failed: error != 0 && request.Mapped.Op != RingOp.Read);
    }

    private void QueueTell()
    {
        if (_tellQueued || _closed)
            return;
        _tellQueued = true;
        Disk.Loop.AtTurnEnd(_tellWork);
    }

    private void Tell()
    {
        _tellQueued = false;
        if (_closed)
            return;
        if (_ring.Tell())
            RingBell();
        CloseIfFinished();
        if (_waits && !_closed)
            TakeRequests();
    }

    private void CloseIfFinished()
    {
        if (_finish is not null && _ring.UnderWay == 0 && !_ring.HasUntold)
            Close(_finish);
    }

    private void QueueGoOn()
    {
        if (_goOnQueued)
            return;
        _goOnQueued = true;
        Disk.Loop.AtTurnEnd(_goOnWork);
    }

    private void GoOn()
    {
        _goOnQueued = false;
        TakeRequests();
    }

    private void RingBell()
    {
        if (!_bell.Ring())
            Close("the guest has gone");
    }

    private void Close(string reason)
    {
        if (_closed)
            return;
        _closed = true;
        Ended = reason;
        ConnectionClosed(_logger, _peer, Disk.Name, reason);
        if (_handle >= 0)
            Disk.Loop.Unwatch(_handle);
        _bell.Close();
        if (!_parked)
            _table.End();
        _table.Unmap();
        if (!_ringClosed)
            _port?.Close();
        _memory.Leave();
        _memory.LetGo();
        _ended(this);
    }

    private void Guarded(Action action)
    {
        if (_closed)
            return;
        try
        {
            action();
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    private void Fail(Exception exception)
    {
        ConnectionFailed(_logger, exception, _peer, Disk.Name);
        Close("a defect of the server");
    }
}
