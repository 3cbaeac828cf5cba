using System.Diagnostics;

namespace Scheduler.Actors;

/// <summary>What a volume's scheduler keeps of a ring.</summary>
internal sealed class AttachedRing(int number, ActorRef actor, Attach attach, int credits, int guest)
{
    public int Number { get; } = number;

    public ActorRef Actor { get; } = actor;

    public RingMemory Memory { get; } = attach.Memory;

    public RingChannel Channel { get; } = attach.Channel;

    public string Disk { get; } = attach.Disk;

    public int Guest { get; } = guest;

    /// <summary>Buffer of the request in each slot.</summary>
    public nint[] Buffers { get; } = new nint[credits];

    /// <summary>Span of the request in each slot, if it is sampled.</summary>
    public Activity?[] Spans { get; } = new Activity?[credits];

    /// <summary>Answers that have not left yet.</summary>
    public ReplyBatch? Replies { get; set; }

    /// <summary>It has been told to close, or is gone: what it still sends is not taken.</summary>
    public bool Closing { get; set; }

    /// <summary>The guest is gone: nobody hears an answer.</summary>
    public bool Detached { get; set; }

    public void Close(Disconnect disconnect, ActorRef volume)
    {
        if (Closing)
            return;
        Closing = true;
        SendReplies(volume);
        Actor.Tell(disconnect, volume);
    }

    public void SendReplies(ActorRef volume)
    {
        if (Replies is null)
            return;
        ReplyBatch batch = Replies;
        Replies = null;
        if (Detached)
            Channel.Return(batch);
        else
            Actor.Tell(batch, volume);
    }
}

/// <summary>The rings of a volume, by number and by actor, and their answers on the way out.</summary>
internal sealed class AttachedRings
{
    private readonly List<AttachedRing?> _byNumber = [];
    private readonly Dictionary<ActorRef, AttachedRing> _byActor = [];
    private readonly List<AttachedRing> _withReplies = [];

    public int Count => _byActor.Count;

    public AttachedRing this[int number] => _byNumber[number]!;

    public AttachedRing? Find(ActorRef actor) => _byActor.GetValueOrDefault(actor);

    public AttachedRing Add(ActorRef actor, Attach attach, int credits, int guest)
    {
        int number = _byNumber.IndexOf(null);
        if (number < 0)
        {
            number = _byNumber.Count;
            _byNumber.Add(null);
        }

        AttachedRing ring = new(number, actor, attach, credits, guest);
        _byNumber[number] = ring;
        _byActor.Add(actor, ring);
        attach.Channel.Attached = ring;
        return ring;
    }

    public void AddReply(AttachedRing ring, int slot, int error, ActorRef volume)
    {
        if (ring.Replies is null)
        {
            ring.Replies = ring.Channel.RentReplies();
            _withReplies.Add(ring);
        }

        ring.Replies.Add(slot, error);
        if (ring.Replies.IsFull)
        {
            // It stays listed; an empty entry is harmless.
            ring.SendReplies(volume);
        }
    }

    public void SendReplies(ActorRef volume)
    {
        foreach (AttachedRing ring in _withReplies)
            ring.SendReplies(volume);
        _withReplies.Clear();
    }

    public void DisconnectAll(Disconnect disconnect, ActorRef volume)
    {
        foreach (AttachedRing ring in _byActor.Values)
            ring.Close(disconnect, volume);
    }

    /// <summary>Tells the rings that have not been told to close.</summary>
    public void TellOpen(object message, ActorRef volume)
    {
        foreach (AttachedRing ring in _byActor.Values)
        {
            if (!ring.Closing)
                ring.Actor.Tell(message, volume);
        }
    }

    /// <summary>The device holds nothing of a ring any more.</summary>
    public void Release(int number)
    {
        AttachedRing ring = this[number];
        ring.Memory.LetGo();
        ring.Channel.Attached = null;
        _ = _byActor.Remove(ring.Actor);
        _byNumber[number] = null;
    }

    public void LetGoAll()
    {
        foreach (AttachedRing ring in _byActor.Values)
        {
            ring.Memory.LetGo();
            ring.Channel.Attached = null;
        }

        _byActor.Clear();
        _byNumber.Clear();
    }
}
