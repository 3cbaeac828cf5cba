// A ring of another node at the owner of its volume: frames in, batches to the scheduler, replies out. All on the link's
// loop, but for the end of its memory.
//
// S1  A request is checked here once more: its ring, slot, epoch and stream, and that its data has room, which its node
//     keeps count of too; what is wrong there is a defect of that node and ends the connection. A range that is not on the
//     disk, or not aligned, is the guest's own mistake and is answered with EINVAL.
// S3  Memory is given back when nothing of the ring is under way on the connection, and scheduler and device have let go.
//     Until then no later attachment of the ring begins: a write of this one could otherwise land after one of that.
// S4  A slot is free again when its reply has left: what waits to be sent never exceeds the credits.
//
//   Free -> Receiving -> Submitted -> Replying -> Free
using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Cluster.Link;

/// <summary>What the owner of a volume needs to know of a ring of another node.</summary>
internal sealed record LinkedRingSetup
{
    /// <summary>Name of the node that the ring's guest is connected to.</summary>
    public required string Node { get; init; }

    /// <summary>The ring's number on that node, among those of the volume: the same when it attaches anew.</summary>
    public required long Ring { get; init; }

    /// <summary>Name of the volume.</summary>
    public required string Volume { get; init; }

    /// <summary>Its scheduler, on this node.</summary>
    public required ActorRef Scheduler { get; init; }

    /// <summary>Name of the disk.</summary>
    public required string Disk { get; init; }

    /// <summary>Bytes of the disk now; called on the link's loop.</summary>
    public required Func<long> DiskBytes { get; init; }

    /// <summary>Granularity of offsets and lengths, in bytes.</summary>
    public required int BlockBytes { get; init; }

    /// <summary>Name of the guest that owns the disk.</summary>
    public required string Guest { get; init; }

    /// <summary>Request slots that the ring asks for; 1 to 1,024.</summary>
    public required int Credits { get; init; }

    /// <summary>Streams; 1 to 255.</summary>
    public required byte Streams { get; init; }

    /// <summary>Of the incarnation that the ring was attached to last, wherever; 0: none yet.</summary>
    public required long LastEpoch { get; init; }

    /// <summary>How many clearings of the volume's faults it has come through (F6).</summary>
    public long Clearings { get; init; }

    /// <summary>Bytes for the guest's data on its way, over all its rings on that node's connection; at least 33 MiB, so that the
    /// longest payload fits.</summary>
    public required long BufferBytes { get; init; }
}

/// <summary>A ring of another node, between its connection and <see cref="LinkedRing"/>, its actor.</summary>
internal sealed class OwnedRing : ILinkSender
{
    private readonly TaskCompletionSource<LinkTicket> _offer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LinkServer _server;
    private readonly RingChannel _channel;
    private Slot[] _slots = [];
    private Memory? _memory;
    private ActorRef? _actor;
    private ActorRef? _volume;
    private OwnerEnd? _connection;
    private LinkBudget? _budget;
    private RequestBatch? _batch;
    private long _epoch;

    /// <summary>What its node has not heard with the ticket; 0: nothing.</summary>
    private long _clearings;
    private LinkClose _close;
    private string _reason = "";

    /// <summary>Frames that are being received or sent, and whose memory is the ring's.</summary>
    private int _moving;
    private bool _started;
    private bool _detached;

    /// <summary>Its memory was given back, and the loop knows.</summary>
    private bool _isReleased;

    /// <summary>Bytes of the budget that its memory had when it was given back.</summary>
    private long _unreturned;

    /// <summary>Requests that were answered here.</summary>
    private long _refused;

    public OwnedRing(LinkServer server, LinkedRingSetup setup, ulong ticket)
    {
        _server = server;
        Setup = setup;
        Ticket = ticket;
        _channel = new RingChannel(setup.Credits) { IsTracedElsewhere = true };
    }

    private enum SlotState : byte
    {
        Free,
        Receiving,
        Submitted,
        Replying,
    }

    public LinkedRingSetup Setup { get; }

    public ulong Ticket { get; }

    /// <summary>The answer to who attaches it.</summary>
    public Task<LinkTicket> Offer => _offer.Task;

    /// <summary>Done when neither scheduler nor device holds its memory, and no connection does.</summary>
    public Task Released => _released.Task;

    public bool IsEnded { get; private set; }

    public bool IsBound => _connection is not null;

    /// <summary>When its ticket was given out, or it ended without having been used.</summary>
    public long SinceNs { get; set; }

    /// <summary>Starts its actor, unless it is over already.</summary>
    /// <returns>Whether it was started.</returns>
    public bool Start()
    {
        _started = true;
        if (IsEnded)
        {
            ReleasedUnstarted();
            return false;
        }

        _memory = new Memory(this);
        try
        {
            _ = _server.Place.System.ActorOf(new Props(() => new LinkedRing(this)), $"linked-ring-{Setup.Node}-{Setup.Ring}", _server.Place.Loop);
            return true;
        }
        catch (Exception exception)
        {
            End(LinkClose.Gone, exception.Message);
            throw;
        }
    }

    /// <summary>Nobody waits for it any more. If it was not started, it is released when the one before it is.</summary>
    /// <param name="earlier">The one before it.</param>
    public void GiveUp(Task earlier)
    {
        End(LinkClose.Gone, "nobody waits for it any more");
        if (!_started)
            _ = earlier.ContinueWith(_ => _server.Place.Loop.Post(ReleasedUnstarted), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>The actor is there.</summary>
    /// <param name="actor">Its address.</param>
    public void Begin(ActorRef actor)
    {
        _actor = actor;
        if (IsEnded)
            actor.Tell(EndRing.Instance);
        else
            Setup.Scheduler.Tell(new Attach(Setup.Disk, Setup.Credits, Setup.Streams, _memory!, _channel, Setup.LastEpoch) { Guest = Setup.Guest, Clearings = Setup.Clearings }, actor);
    }

    /// <summary>The scheduler has taken it.</summary>
    /// <param name="attached">Its answer.</param>
    public void Attached(Attached attached)
    {
        if (IsEnded)
            return;
        _volume = attached.Volume;
        _epoch = attached.Epoch;
        _slots = new Slot[Math.Min(attached.Credits, Setup.Credits)];
        SinceNs = Storage.Loop.EventLoop.NowNs;
        _ = _offer.TrySetResult(new LinkTicket(Ticket, _epoch, _slots.Length, Setup.Guest, Setup.BufferBytes, attached.Clearings));
    }

    /// <summary>A fault of the volume was cleared, and nothing of the ring's was lost.</summary>
    /// <param name="clearings">How often they were until now.</param>
    public void FaultWasCleared(long clearings)
    {
        _clearings = clearings;
        if (_connection is not null && !IsEnded)
            SendCleared();
    }

    /// <summary>The ring speaks on a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="epoch">The epoch that it was given.</param>
    /// <exception cref="LinkViolationException">It is another one.</exception>
    public void Bind(OwnerEnd connection, long epoch)
    {
        if (epoch != _epoch)
            throw Violation($"a ring opens with epoch {epoch}, the ring is of epoch {_epoch}");
        _connection = connection;
        _budget = connection.BudgetOf(Setup.Guest, Setup.BufferBytes);
        if (_clearings > 0)
            SendCleared();
        if (IsEnded)
            SendClosed();
    }

    /// <summary>The head of a request has come.</summary>
    /// <param name="frame">The request.</param>
    /// <returns>Where its data go.</returns>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public LinkPayload Begin(in LinkFrame frame)
    {
        if (_detached)
            throw Violation("a request comes after the ring's end");
        if (frame.Epoch != _epoch)
            throw Violation($"a request is of epoch {frame.Epoch}, the ring is of epoch {_epoch}");
        if (IsEnded)
            return default;
        if (frame.Slot < 0 || frame.Slot >= _slots.Length)
            throw Violation($"a request takes slot {frame.Slot}, of {_slots.Length} credits");
        if (frame.Stream >= Setup.Streams)
            throw Violation($"a request is of stream {frame.Stream}, of {Setup.Streams}");
        ref Slot slot = ref _slots[frame.Slot];
        if (slot.State != SlotState.Free)
            throw Violation($"slot {frame.Slot} takes a request while it has one");
        slot.RequestId = frame.RequestId;
        slot.Op = frame.Op;
        slot.Error = IsOnDisk(frame) ? 0 : Errno.EINVAL;
        slot.Length = slot.Error == 0 ? frame.BufferBytes : 0;
        if (slot.Length > 0)
        {
            if (!_budget!.TryTake(slot.Length))
                throw Violation($"{frame.Op} of {frame.Length} bytes is beyond the {_budget.BytesMax} that guest {Setup.Guest} may have on the way, with {_budget.InUse} in use");
            slot.Buffer = _server.RentBuffer(slot.Length);
        }

        slot.State = SlotState.Receiving;
        _moving++;
        return new LinkPayload(Wanted: true, slot.Buffer);
    }

    /// <summary>A request is there whole.</summary>
    /// <param name="frame">The request.</param>
    public void Complete(in LinkFrame frame)
    {
        _moving--;
        if (IsEnded)
        {
            LetGoIfDone();
            return;
        }

        ref Slot slot = ref _slots[frame.Slot];
        slot.State = SlotState.Submitted;
        if (slot.Error != 0)
        {
            _refused++;
            Reply(frame.Slot, slot.Error);
            return;
        }

        if (_batch is null)
        {
            _batch = _channel.RentRequests();

            // O6: answers that the scheduler knows nothing of are not among those that it counts.
            _batch.AnswersHeard = Math.Max(0, frame.AnswersHeard - _refused);
            _connection!.Gathered(this);
        }

        if (frame.Op == RingOp.Status)
            AllocationMap.Clear(slot.Buffer);
        RingRequest request = new(frame.Slot, frame.Op, frame.Flags, frame.Stream, frame.Offset, frame.Length, slot.Buffer);
        if (frame.Trace.IsRecorded)
            _batch.Add(request, frame.Trace.ToContext());
        else
            _batch.Add(request);
        if (_batch.IsFull)
            SendBatch();
    }

    /// <summary>Sends what was gathered to the scheduler.</summary>
    public void SendBatch()
    {
        if (_batch is null)
            return;
        RequestBatch batch = _batch;
        _batch = null;
        if (!IsEnded)
            _volume!.Tell(batch, _actor);
    }

    /// <summary>The scheduler has answered.</summary>
    /// <param name="batch">The answers.</param>
    public void Replies(ReplyBatch batch)
    {
        if (!IsEnded)
        {
            foreach (RingReply reply in batch.Replies)
            {
                if (_slots[reply.Slot].State != SlotState.Submitted)
                    throw new RingProtocolException($"rule S3 is broken: slot {reply.Slot} is answered without a request");
                Reply(reply.Slot, reply.Error);
            }
        }

        _channel.Return(batch);
    }

    /// <summary>A reply has left.</summary>
    /// <param name="frame">The reply.</param>
    public void Sent(in LinkFrame frame)
    {
        _moving--;
        Free(ref _slots[frame.Slot]);
        LetGoIfDone();
    }

    /// <summary>The ring's node says that it is over, and sends nothing more.</summary>
    public void Detach()
    {
        if (_detached)
            throw Violation("the ring ends twice");
        _detached = true;
        End(LinkClose.Gone, "the guest has gone");
        SendReleasedIfDone();
    }

    /// <summary>The connection has ended: nothing more comes, and nothing is being sent.</summary>
    /// <param name="reason">Why.</param>
    public void Unbind(string reason)
    {
        _connection = null;
        _moving = 0;
        End(LinkClose.Gone, reason);
        LetGoIfDone();
    }

    /// <summary>The ring is over. Its node is told, unless it said so.</summary>
    /// <param name="close">What the ring is to do.</param>
    /// <param name="reason">Why.</param>
    /// <param name="again">If it was not taken yet: whether it may ask again.</param>
    public void End(LinkClose close, string reason, bool again = true)
    {
        if (IsEnded)
            return;
        IsEnded = true;
        (_close, _reason) = (close, reason);
        SinceNs = Storage.Loop.EventLoop.NowNs;
        _ = _offer.TrySetException(new LinkRefusedException($"volume {Setup.Volume}, disk {Setup.Disk}: {reason}", again && close == LinkClose.Gone));
        _actor?.Tell(EndRing.Instance);
        if (_connection is not null && !_detached)
            SendClosed();
        LetGoIfDone();
    }

    private void ReleasedUnstarted()
    {
        _ = _released.TrySetResult();
        _isReleased = true;
        _server.RingReleased(this);
    }

    // On the loop again, when its memory was given back.
    private void AfterRelease()
    {
        _budget?.ReturnRounded(_unreturned);
        _unreturned = 0;
        _isReleased = true;
        _server.RingReleased(this);
        SendReleasedIfDone();
    }

    /// <summary>Sends <see cref="LinkFrameType.Released"/> if both sides are through with the ring.</summary>
    private void SendReleasedIfDone()
    {
        if (!_detached || !_isReleased || _connection is null)
            return;
        _connection.Connection.Post(new LinkFrame { Type = LinkFrameType.Released, Ticket = Ticket, Epoch = _epoch });
        _connection.Forget(Ticket);
        _connection = null;
        _server.Forget(this);
    }

    private bool IsOnDisk(in LinkFrame frame)
    {
        bool aligned = (frame.Offset | frame.Length) % Setup.BlockBytes == 0;
        return frame.Length == 0 || (aligned && frame.Offset <= Setup.DiskBytes() - frame.Length);
    }

    private void Reply(int number, int error)
    {
        ref Slot slot = ref _slots[number];
        slot.State = SlotState.Replying;
        int payload = error != 0 ? 0 : slot.Op switch
        {
            RingOp.Read => slot.Length,
            RingOp.Status => 8 * (1 + AllocationMap.Count(slot.Buffer)),
            _ => 0,
        };
        if (payload == 0)
            ReturnBuffer(ref slot);
        _moving++;
        _connection!.Connection.Post(
            new LinkFrame
            {
                Type = LinkFrameType.Reply,
                Slot = number,
                Ticket = Ticket,
                RequestId = slot.RequestId,
                Epoch = _epoch,
                Error = error,
                PayloadBytes = payload,
            },
            slot.Buffer,
            this);
    }

    private void SendCleared() =>
        _connection!.Connection.Post(new LinkFrame { Type = LinkFrameType.Cleared, Ticket = Ticket, Epoch = _epoch, Clearings = _clearings });

    private void SendClosed() => _connection!.Connection.Post(
        new LinkFrame { Type = LinkFrameType.Closed, Close = _close, Ticket = Ticket, Epoch = _epoch }, _reason);

    private void Free(ref Slot slot)
    {
        ReturnBuffer(ref slot);
        slot.State = SlotState.Free;
    }

    private void ReturnBuffer(ref Slot slot)
    {
        if (slot.Buffer == 0)
            return;
        _server.ReturnBuffer(slot.Buffer, slot.Length);
        _budget!.Return(slot.Length);
        slot.Buffer = 0;
    }

    private void LetGoIfDone()
    {
        if (!IsEnded || _moving > 0 || _memory is null)
            return;
        Memory memory = _memory;
        _memory = null;
        memory.LetGo();
    }

    private LinkViolationException Violation(string problem) => new($"volume {Setup.Volume}, disk {Setup.Disk}: {problem}");

    private struct Slot
    {
        public SlotState State;
        public RingOp Op;
        public int Error;

        /// <summary>Bytes that the buffer was taken for.</summary>
        public int Length;
        public nint Buffer;
        public ulong RequestId;
    }

    // From any thread: the ring does not touch its slots any more.
    private sealed class Memory(OwnedRing ring) : RingMemory
    {
        protected override void GiveBack()
        {
            foreach (ref Slot slot in ring._slots.AsSpan())
            {
                if (slot.Buffer == 0)
                    continue;
                ring._server.ReturnBuffer(slot.Buffer, slot.Length);
                slot.Buffer = 0;
                ring._unreturned += LinkBudget.Rounded(slot.Length);
            }

            _ = ring._released.TrySetResult();
            ring._server.Place.Loop.Post(ring.AfterRelease);
        }
    }
}
