namespace Scheduler.Actors;

/// <summary>What a front end hears of its ring. Called on the ring's dispatcher, one call at a time.</summary>
public interface IRingFrontEnd
{
    /// <summary>The ring may carry requests now.</summary>
    /// <param name="credits">Slots: requests that may be unanswered at once.</param>
    void OnAttached(int credits);

    /// <summary>Requests were answered.</summary>
    /// <param name="replies">The answers; valid during the call.</param>
    void OnReplies(ReadOnlySpan<RingReply> replies);

    /// <summary>The ring is over; nothing follows.</summary>
    /// <param name="reason">For the log.</param>
    /// <param name="unanswered">Slots whose requests get an error (S3). The device may still use their buffers: they are not
    /// to be used again, only let go with the ring's memory. Valid during the call.</param>
    void OnClosed(string reason, ReadOnlySpan<int> unanswered);
}

/// <summary>What a front end has of its ring. Used on the ring's dispatcher only.</summary>
public sealed class RingPort
{
    private readonly RingChannel _channel;
    private RequestBatch? _batch;

    internal RingPort(RingChannel channel, ActorRef ring)
    {
        _channel = channel;
        Ring = ring;
    }

    /// <summary>The ring's actor.</summary>
    public ActorRef Ring { get; }

    /// <summary>
    /// How many of the ring's answers the guest has heard; kept by a front end that carries barriers, rather too low than too
    /// high. What is added fails if it was sent before the guest heard that something failed that it relies on (O6).
    /// </summary>
    public long AnswersHeard { get; set; }

    /// <summary>Puts a request into the batch that <see cref="Send"/> sends.</summary>
    /// <param name="request">The request, checked (S1), in a free slot.</param>
    public void Add(in RingRequest request)
    {
        if (_batch is null)
        {
            _batch = _channel.RentRequests();
            _batch.AnswersHeard = AnswersHeard;
        }

        _batch.Add(request);
        if (_batch.IsFull)
            Send();
    }

    /// <summary>Sends what was added since the last time.</summary>
    public void Send()
    {
        if (_batch is null)
            return;
        RequestBatch batch = _batch;
        _batch = null;
        Ring.Tell(batch);
    }

    /// <summary>The guest is gone: the ring detaches and stops. <see cref="IRingFrontEnd.OnClosed"/> follows.</summary>
    public void Close() => Ring.Tell(CloseRing.Instance);
}

/// <summary>What a ring needs to start.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Credits">Request slots; 1 to 1,024.</param>
/// <param name="Streams">Streams; 1 to 255.</param>
/// <param name="FrontEnd">Who hears of it.</param>
/// <param name="Memory">The guest's buffers; the ring holds them while it lives.</param>
public sealed record RingSetup(string Volume, string Disk, int Credits, byte Streams, IRingFrontEnd FrontEnd, RingMemory Memory);

/// <summary>
/// One guest ring: carries batches between a front end and the volume's scheduler, and answers for the volume when that
/// is gone (S3). It looks into no request but for its slot.
/// </summary>
public sealed class GuestRing : Actor
{
    private readonly RingSetup _setup;
    private readonly RingChannel _channel;
    private readonly bool[] _outstanding;
    private readonly int[] _unanswered;
    private ActorRef? _volume;
    private bool _closed;

    private GuestRing(RingSetup setup, RingChannel channel)
    {
        _setup = setup;
        _channel = channel;
        _outstanding = new bool[setup.Credits];
        _unanswered = new int[setup.Credits];
    }

    /// <summary>Starts a ring.</summary>
    /// <param name="setup">What it needs.</param>
    /// <param name="start">Starts an actor on the volume's dispatcher.</param>
    /// <returns>What the front end holds.</returns>
    public static RingPort Open(RingSetup setup, Func<Props, ActorRef> start)
    {
        setup.Memory.Hold();
        RingChannel channel = new(setup.Credits);
        ActorRef ring = start(new Props(() => new GuestRing(setup, channel)));
        return new RingPort(channel, ring);
    }

    /// <inheritdoc/>
    public override void PreStart()
    {
        ActorRef volume = Context.Resolve(_setup.Volume);

        // Watched before it is asked: if there is no such volume, Terminated is the answer.
        Context.Watch(volume);
        volume.Tell(new Attach(_setup.Disk, _setup.Credits, _setup.Streams, _setup.Memory, _channel), Self);
    }

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case RequestBatch batch:
                Forward(batch);
                break;
            case ReplyBatch batch:
                Reply(batch);
                break;
            case Attached attached:
                _volume = attached.Volume;
                Context.Watch(_volume);
                _setup.FrontEnd.OnAttached(attached.Credits);
                break;
            case AttachRefused refused:
                Close(refused.Reason);
                break;
            case Disconnect disconnect:
                Close(disconnect.Reason, disconnect.Answer);
                break;
            case Terminated:
                Close($"the scheduler of volume {_setup.Volume} has stopped");
                break;
            case CloseRing:
                _volume?.Tell(Detach.Instance, Self);
                Close("closed by its front end");
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop()
    {
        // Also when a defect stops the ring: the front end is told, and the buffers are let go. The volume sees that the
        // ring has stopped, and the device's own holds keep the buffers until it is done with them.
        Close("its ring has stopped");
        _setup.Memory.LetGo();
    }

    private void Forward(RequestBatch batch)
    {
        if (_volume is null)
            throw new RingProtocolException("a front end sent requests before its ring was attached");
        foreach (RingRequest request in batch.Requests)
        {
            if (_outstanding[request.Slot])
                throw new RingProtocolException($"rule S3 is broken: slot {request.Slot} takes a request while it has one");
            _outstanding[request.Slot] = true;
        }

        _volume.Tell(batch, Self);
    }

    private void Reply(ReplyBatch batch)
    {
        foreach (RingReply reply in batch.Replies)
        {
            if (!_outstanding[reply.Slot])
                throw new RingProtocolException($"rule S3 is broken: slot {reply.Slot} is answered without a request");
            _outstanding[reply.Slot] = false;
        }

        _setup.FrontEnd.OnReplies(batch.Replies);
        _channel.Return(batch);
    }

    private void Close(string reason, bool answer = true)
    {
        if (_closed)
            return;
        _closed = true;
        int count = 0;
        for (int slot = 0; answer && slot < _outstanding.Length; slot++)
        {
            if (_outstanding[slot])
                _unanswered[count++] = slot;
        }

        _setup.FrontEnd.OnClosed(reason, _unanswered.AsSpan(0, count));
        Context.Stop(Self);
    }
}
