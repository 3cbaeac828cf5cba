// A ring of this node whose volume another node owns: batches in, frames out; reply frames in, batches out. All on the
// link's loop.
//
// S3  Every request that was taken is answered, or the actor stops and the ring keeps it for the volume's next scheduler.
//     Nothing is written into the ring's memory after the end, since by then another scheduler may have answered there. It is
//     held until nothing is sent from it any more, also when the ring is gone. A reply counts only for the request that has
//     its slot, and only once that was sent whole.
// S4  A request without room in its guest's budget waits for it here, in a slot of its own. What a ring that has ended still
//     has of the budget comes back when the owner has released it.
//
//   Free -> (Waiting) -> Sending -> Sent -> Receiving -> Free
using System.Diagnostics;
using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Cluster.Link;

/// <summary>What a ring needs for a volume on another node.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Ring">The ring's actor.</param>
/// <param name="Attach">What it asked the volume.</param>
internal sealed record ForwardedRingSetup(string Volume, ActorRef Ring, Attach Attach);

/// <summary>A ring of this node, between <see cref="LinkedVolume"/>, the actor that stands for its volume, and the connection.</summary>
internal sealed class ForwardedRing : ILinkSender, ILinkWaiter
{
    private readonly LinkClients _clients;
    private readonly LinkPeer _peer;
    private readonly Slot[] _slots;
    private ActorRef? _actor;
    private ClientEnd? _connection;
    private LinkBudget? _budget;
    private ReplyBatch? _batch;
    private ulong _lastId;

    /// <summary>Requests that are not sent whole.</summary>
    private int _sending;
    private bool _holdsMemory;

    /// <summary>The owner was told that nothing follows.</summary>
    private bool _detached;

    /// <summary>The owner has said that nothing follows.</summary>
    private bool _closed;

    public ForwardedRing(LinkClients clients, LinkPeer peer, LinkTicket ticket, ForwardedRingSetup setup)
    {
        _clients = clients;
        _peer = peer;
        Ticket = ticket;
        Setup = setup;
        _slots = new Slot[ticket.Credits];
    }

    private enum SlotState : byte
    {
        Free,
        Waiting,
        Sending,
        Sent,
        Receiving,
    }

    public ForwardedRingSetup Setup { get; }

    public LinkTicket Ticket { get; }

    /// <summary>The actor is there.</summary>
    /// <param name="actor">Its address.</param>
    public void Begin(ActorRef actor)
    {
        _actor = actor;
        if (_clients.Find(_peer) is not { } connection || !Setup.Attach.Memory.TryHold())
        {
            // This node stops, or the ring is gone already.
            _detached = true;
            actor.Tell(EndRing.Instance);
            return;
        }

        _holdsMemory = true;
        _connection = connection;
        _budget = connection.BudgetOf(Ticket.Guest, Ticket.BufferBytes);
        connection.Connection.Post(new LinkFrame { Type = LinkFrameType.Open, Ticket = Ticket.Id, Epoch = Ticket.Epoch });
        connection.Add(this);
    }

    /// <summary>The ring has requests.</summary>
    /// <param name="batch">The requests.</param>
    public void Take(RequestBatch batch)
    {
        // After the end the ring answers for them.
        if (_detached)
            return;
        foreach (ref readonly RingRequest request in batch.Requests)
        {
            ref Slot slot = ref _slots[request.Slot];
            if (slot.State != SlotState.Free)
                throw new RingProtocolException($"rule S3 is broken: slot {request.Slot} takes a request while it has one");
            slot.Span = _clients.Tracing.Taken(_peer.Node, Setup.Volume, Setup.Attach.Disk, request);
            LinkFrame frame = new()
            {
                Type = LinkFrameType.Request,
                Op = request.Op,
                Flags = request.Flags,
                Stream = request.Stream,
                Slot = request.Slot,
                Ticket = Ticket.Id,
                RequestId = ++_lastId,
                Epoch = Ticket.Epoch,
                Offset = request.Offset,
                Length = request.Length,
                AnswersHeard = batch.AnswersHeard,
                PayloadBytes = request.Op is RingOp.Write or RingOp.BarrierWrite ? (int)request.Length : 0,
                Trace = LinkTrace.Of(slot.Span),
            };
            slot.Frame = frame;
            slot.Buffer = request.Buffer;
            if (frame.BufferBytes == 0 || _budget!.TryTake(frame.BufferBytes))
            {
                Send(ref slot);
                continue;
            }

            slot.State = SlotState.Waiting;
            _budget.Wait(this, request.Slot, frame.BufferBytes);
        }

        batch.Channel.Return(batch);
    }

    /// <inheritdoc/>
    public void Granted(int slot) => Send(ref _slots[slot]);

    /// <inheritdoc/>
    public void Sent(in LinkFrame frame)
    {
        _slots[frame.Slot].State = SlotState.Sent;
        _sending--;
        LetGoIfDone();
    }

    /// <summary>The head of a reply has come.</summary>
    /// <param name="frame">The reply.</param>
    /// <returns>Where its data go.</returns>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public LinkPayload BeginReply(in LinkFrame frame)
    {
        if (_closed)
            throw Violation("a reply comes after the ring's end");
        if (frame.Epoch != Ticket.Epoch)
            throw Violation($"a reply is of epoch {frame.Epoch}, the ring is of epoch {Ticket.Epoch}");
        if (frame.Slot < 0 || frame.Slot >= _slots.Length)
            throw Violation($"a reply names slot {frame.Slot}, of {_slots.Length} credits");
        ref Slot slot = ref _slots[frame.Slot];
        if (slot.State != SlotState.Sent || slot.Frame.RequestId != frame.RequestId)
            throw Violation($"a reply answers request {frame.RequestId}, which slot {frame.Slot} does not have");
        RingOp op = slot.Frame.Op;
        bool fits = frame.Error != 0 ? frame.PayloadBytes == 0 : op switch
        {
            RingOp.Read => frame.PayloadBytes == slot.Frame.Length,
            RingOp.Status => frame.PayloadBytes is >= 16 and <= AllocationMap.BufferBytes && frame.PayloadBytes % 8 == 0,
            _ => frame.PayloadBytes == 0,
        };
        if (!fits)
            throw Violation($"a reply to {op} of {slot.Frame.Length} bytes brings {frame.PayloadBytes}");
        slot.State = SlotState.Receiving;
        return new LinkPayload(Wanted: true, _detached ? 0 : slot.Buffer);
    }

    /// <summary>A reply is there whole.</summary>
    /// <param name="frame">The reply.</param>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public void CompleteReply(in LinkFrame frame)
    {
        ref Slot slot = ref _slots[frame.Slot];
        if (slot.Frame.Op == RingOp.Status && frame.Error == 0 && !_detached && !IsMap(slot.Buffer, frame.PayloadBytes))
            throw Violation("a reply to Status is no map");
        slot.State = SlotState.Free;
        if (slot.Span is { } span)
        {
            slot.Span = null;
            LinkTracing.Answered(span, frame.Error);
        }

        int bytes = slot.Frame.BufferBytes;
        if (!_detached)
        {
            if (_batch is null)
            {
                _batch = Setup.Attach.Channel.RentReplies();
                _connection!.Gathered(this);
            }

            _batch.Add(frame.Slot, frame.Error);
            if (_batch.IsFull)
                SendBatch();
        }

        // Last: it may send what waited in other slots.
        if (bytes > 0)
            _budget!.Return(bytes);
    }

    /// <summary>Sends what was gathered to the ring.</summary>
    public void SendBatch()
    {
        if (_batch is null)
            return;
        ReplyBatch batch = _batch;
        _batch = null;
        Setup.Ring.Tell(batch, _actor);
    }

    /// <summary>A fault of the volume was cleared, and nothing of the ring's was lost.</summary>
    /// <param name="clearings">How often they were until now.</param>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public void FaultWasCleared(long clearings)
    {
        if (_closed)
            throw Violation("a fault is cleared after the ring's end");
        if (!_detached)
            Setup.Ring.Tell(new FaultWasCleared(clearings), _actor);
    }

    /// <summary>The owner has closed the ring.</summary>
    /// <param name="close">What the ring is to do.</param>
    /// <param name="reason">Why.</param>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public void CloseByOwner(LinkClose close, string reason)
    {
        if (_closed)
            throw Violation("the ring is closed twice");
        _closed = true;
        SendBatch();
        if (close != LinkClose.Gone && !_detached)
            Setup.Ring.Tell(new Disconnect(reason, close == LinkClose.Answer), _actor);
        Detach();
    }

    /// <summary>The ring is over, or its volume: the owner is told, and the actor stops.</summary>
    public void Detach()
    {
        if (_detached)
            return;
        _detached = true;
        SendBatch();
        _budget?.Leave(this);
        _connection?.Connection.Post(new LinkFrame { Type = LinkFrameType.Detach, Ticket = Ticket.Id, Epoch = Ticket.Epoch });
        _actor?.Tell(EndRing.Instance);
        EndSpans();

        // A payload that is half received goes no further.
        foreach (ref readonly Slot slot in _slots.AsSpan())
        {
            if (slot.State == SlotState.Receiving)
                _connection?.Connection.ThrowAway(slot.Buffer);
        }

        LetGoIfDone();
    }

    /// <summary>The owner holds nothing of the ring any more.</summary>
    /// <exception cref="LinkViolationException">It breaks the rules.</exception>
    public void Release()
    {
        if (!_detached)
            throw Violation("the ring is released, but has not ended");
        long bytes = 0;
        foreach (ref readonly Slot slot in _slots.AsSpan())
        {
            if (slot.State == SlotState.Sending)
                throw Violation("the ring is released before all of it was sent");
            if (slot.State is SlotState.Sent or SlotState.Receiving && slot.Frame.BufferBytes > 0)
                bytes += LinkBudget.Rounded(slot.Frame.BufferBytes);
        }

        _connection!.Remove(this);
        _connection = null;
        _budget!.ReturnRounded(bytes);
    }

    /// <summary>The connection has ended.</summary>
    public void Unbind()
    {
        SendBatch();
        _detached = true;
        _actor!.Tell(EndRing.Instance);
        _connection = null;
        _sending = 0;
        EndSpans();
        LetGoIfDone();
    }

    // The ring takes no answer any more.
    private void EndSpans()
    {
        foreach (ref Slot slot in _slots.AsSpan())
        {
            if (slot.Span is not { } span)
                continue;
            slot.Span = null;
            LinkTracing.Lost(span);
        }
    }

    private void LetGoIfDone()
    {
        if (!_detached || _sending > 0 || !_holdsMemory)
            return;
        _holdsMemory = false;
        Setup.Attach.Memory.LetGo();
    }

    private void Send(ref Slot slot)
    {
        slot.State = SlotState.Sending;
        _sending++;
        _connection!.Connection.Post(slot.Frame, slot.Buffer, this);
    }

    private static bool IsMap(nint buffer, int bytes)
    {
        if (AllocationMap.Count(buffer) != (bytes / 8) - 1)
            return false;
        for (int i = 0; i < AllocationMap.Count(buffer); i++)
        {
            if (AllocationMap.Run(buffer, i).Length == 0)
                return false;
        }

        return true;
    }

    private LinkViolationException Violation(string problem) => new($"volume {Setup.Volume}, disk {Setup.Attach.Disk}: {problem}");

    private struct Slot
    {
        public SlotState State;
        public nint Buffer;
        public LinkFrame Frame;

        /// <summary>Of the request, if it has one.</summary>
        public Activity? Span;
    }
}
