// One guest ring between its front end and the scheduler of its volume, wherever that runs and however often it moves.
//
// S3  Each request is answered once. While its volume is gone, the ring keeps what is unanswered; the volume's next scheduler is
//     sent it again, the oldest first, before anything that is newer. If none takes the ring in time, it closes, and the front
//     end answers with an error.
// S4  What is kept is bounded by the ring's credits. Batches belong to one attachment: a volume that is gone returns none, so the
//     next attachment has a channel of its own, and an answer of another channel comes from a volume that is gone.
// F6  A volume that says that data may be lost closes the ring for good, and so does one that says that it was lost while the ring
//     was away: the ring tells it how many clearings of faults it has come through.
// O6  What fails behind a failed write or barrier is counted from the attachment on; the next scheduler does not know what had
//     failed before. So a ring that sends barriers is not attached again, and a ring that may be sends none.
//
// Why it is right to send a request again:
//   - The volume's old scheduler had its last operation on the device end before the new one's first (S5's fence; in one process the
//     devices are handed on only then; and a scheduler that has the ring attached still lets it in again only when the device is
//     done with what it had of it). So nothing old comes after what is answered now.
//   - A request that is unanswered may have been carried out, in part or whole, or not: to its guest all of these are the same, and so
//     is that it is carried out once more, until it is answered. A write's data lies in its buffer until then: it is the same write.
//   - Overlapping requests that are unanswered at the same time have no order among them (O1), so neither have their repetitions.
//     What waits for a write before it reads or writes the same place, as file systems and databases do, sees no difference. Who
//     reads what a write that is still unanswered has put there may see it again after a later write of that place: the unanswered
//     write is carried out any number of times until it is answered.
//   - A flush covers what was answered before it was sent. The new scheduler takes every disk for unflushed (F4), so that its
//     flush covers also what the old one had answered, and the device's cache is the same.
namespace Scheduler.Actors;

/// <summary>What a ring needs to start.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Credits">Request slots; 1 to 1,024.</param>
/// <param name="Streams">Streams; 1 to 255.</param>
/// <param name="FrontEnd">Who hears of it.</param>
/// <param name="Memory">The guest's buffers; the ring holds them while it lives.</param>
public sealed record RingSetup(string Volume, string Disk, int Credits, byte Streams, IRingFrontEnd FrontEnd, RingMemory Memory)
{
    /// <summary>
    /// How long the ring looks for its volume's next scheduler, or its first, before it closes. Zero: it closes when its volume
    /// stops. Only for rings that send no barriers (O6).
    /// </summary>
    public TimeSpan ReattachMax { get; init; }

    /// <summary>Name of the guest that it is of: it is not let at a disk that is another's by now. Null: not asked.</summary>
    public string? Guest { get; init; }

    /// <summary>How long it waits before it asks once more.</summary>
    public TimeSpan ReattachPause { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>
/// One guest ring: carries batches between a front end and the volume's scheduler, and answers for the volume when that
/// is gone (S3). It looks into no request but for its slot, and whether it is a barrier.
/// </summary>
public sealed class GuestRing : Actor
{
    /// <summary>An asking may be lost on its way: so many pauses later the ring asks again.</summary>
    private const int PatiencePauses = 10;

    private readonly RingSetup _setup;
    private readonly RingPort _port;
    private readonly UnansweredRequests _unanswered;

    /// <summary>Attached to it.</summary>
    private ActorRef? _volume;

    /// <summary>Asked to attach the ring, and has not answered.</summary>
    private ActorRef? _asked;
    private int _askedPauses;
    private string _why;

    /// <summary>How often it has lost its volume, and for how long requests have waited for one since, or the ring itself.</summary>
    private int _losses;
    private TimeSpan _away;

    /// <summary>How long it has been attached and waited for a first answer; no more than counts.</summary>
    private TimeSpan _waited;

    /// <summary>Its attachment has brought an answer; so many before it, one after the other, have not.</summary>
    private bool _answered;
    private int _fruitless;

    /// <summary>Of its last attachment; 0: it has not had one.</summary>
    private long _epoch;
    private int _credits;

    /// <summary>Of its volume's faults: so many clearings were before it was attached, or have taken nothing from it.</summary>
    private long _clearings;
    private bool _closed;

    private GuestRing(RingSetup setup, RingPort port)
    {
        _setup = setup;
        _port = port;
        _unanswered = new UnansweredRequests(setup.Credits, Reattaches);
        _why = $"the scheduler of volume {setup.Volume} does not answer";
    }

    private bool Reattaches => _setup.ReattachMax > TimeSpan.Zero;

    /// <summary>Starts a ring.</summary>
    /// <param name="setup">What it needs.</param>
    /// <param name="start">Starts an actor on the volume's dispatcher.</param>
    /// <returns>What the front end holds.</returns>
    public static RingPort Open(RingSetup setup, Func<Props, ActorRef> start)
    {
        setup.Memory.Hold();
        RingPort port = new(new RingChannel(setup.Credits));
        port.Ring = start(new Props(() => new GuestRing(setup, port)));
        return port;
    }

    /// <inheritdoc/>
    public override void PreStart()
    {
        Ask();
        LookAgain();
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
                Attach(attached);
                break;
            case AttachRefused refused:
                Refused(refused);
                break;
            case FaultWasCleared cleared:
                // Also of a volume that is gone: the ring was attached to it then.
                _clearings = Math.Max(_clearings, cleared.Clearings);
                break;
            case Disconnect disconnect:
                // Also of a volume that is gone: it was meant for this ring, and what it says of the data still holds (F6).
                Close(disconnect.Reason, disconnect.Answer);
                break;
            case Terminated terminated when terminated.Ref.Equals(_volume ?? _asked):
                Lost($"the scheduler of volume {_setup.Volume} has stopped");
                break;
            case LookForVolume look when look.Losses == _losses:
                Look();
                break;
            case CloseRing:
                (_volume ?? _asked)?.Tell(Detach.Instance, Self);
                Close("closed by its front end");
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop()
    {
        // Also when a defect stops the ring: the front end is told, and the buffers are let go. The volume sees that the
        // ring has stopped, and the device's own holds keep the buffers until it is done with them. A guest that would have
        // gone on with another scheduler does so with another ring: an error would be the end of what it had sent.
        Close("its ring has stopped", answer: !Reattaches);
        _setup.Memory.LetGo();
    }

    private void Ask()
    {
        ActorRef volume = Context.Resolve(_setup.Volume);
        if (_asked is not null && !_asked.Equals(volume))
            Context.Unwatch(_asked);
        _asked = volume;
        _askedPauses = 0;

        // Watched before it is asked: if there is no such volume, Terminated is the answer.
        Context.Watch(volume);
        int credits = _credits > 0 ? _credits : _setup.Credits;
        volume.Tell(new Attach(_setup.Disk, credits, _setup.Streams, _setup.Memory, _port.Channel, _epoch) { Guest = _setup.Guest, Clearings = _clearings }, Self);
    }

    private void LookAgain()
    {
        if (Reattaches)
            Context.TellSelfAfter(_setup.ReattachPause, new LookForVolume(_losses));
    }

    private void Look()
    {
        if (_volume is not null)
        {
            if (_answered || _unanswered.IsEmpty || _waited >= _setup.ReattachMax)
                return;
            _waited += _setup.ReattachPause;
            LookAgain();
            return;
        }

        _away += _setup.ReattachPause;
        if (_away >= _setup.ReattachMax)
        {
            Close(FormattableString.Invariant($"no scheduler of volume {_setup.Volume} has taken the ring for {_away.TotalSeconds:0.###} s: {_why}"));
            return;
        }

        if (_asked is null || ++_askedPauses >= PatiencePauses)
            Ask();
        LookAgain();
    }

    private void Attach(Attached attached)
    {
        if (_volume is not null)
            return; // It was asked twice.
        if (attached.Epoch < _epoch)
        {
            // S5: one that has been replaced, and has not noticed.
            attached.Volume.Tell(Detach.Instance, Self);
            NotNow($"the scheduler of volume {_setup.Volume} under epoch {attached.Epoch} was replaced by that of epoch {_epoch}");
            return;
        }

        if (attached.Credits < _credits)
        {
            attached.Volume.Tell(Detach.Instance, Self);
            Close($"the scheduler of volume {_setup.Volume} grants {attached.Credits} credits, and the ring has had {_credits}");
            return;
        }

        if (_asked is not null && !_asked.Equals(attached.Volume))
            Context.Unwatch(_asked);
        _asked = null;
        _volume = attached.Volume;
        _epoch = attached.Epoch;
        _clearings = Math.Max(_clearings, attached.Clearings);
        _answered = false;
        _waited = TimeSpan.Zero;

        // Nobody has waited: what comes now does not pay for how long this took.
        if (_unanswered.IsEmpty)
            (_away, _fruitless) = (TimeSpan.Zero, 0);
        Context.Watch(_volume);
        if (_credits == 0)
        {
            _credits = attached.Credits;
            _setup.FrontEnd.OnAttached(attached.Credits);
        }
        else
        {
            Send(_unanswered.InOrder());
        }
    }

    private void Refused(AttachRefused refused)
    {
        // An earlier asking may have been taken, and this is the answer to one that came later.
        if (_volume is not null && !_volume.Equals(Sender))
            return;
        if (!refused.Again)
            Close(refused.Reason);
        else if (_volume is not null)
            Lost(refused.Reason);
        else
            NotNow(refused.Reason);
    }

    private void Lost(string why)
    {
        if (_volume is null)
        {
            NotNow(why);
            return;
        }

        if (!Reattaches)
        {
            Close(why);
            return;
        }

        Context.Unwatch(_volume);
        _volume = null;
        _why = why;
        _losses++;
        _port.Channel = new RingChannel(_setup.Credits);

        // An attachment that brought no answer has not helped who waits for one: its time goes on, with that which the attachment
        // took, and after a second one nothing hurries.
        _fruitless = _answered || _unanswered.IsEmpty ? 0 : _fruitless + 1;
        _away = _answered || _unanswered.IsEmpty ? TimeSpan.Zero : _away + _waited;
        if (_fruitless < 2)
            Ask();
        LookAgain();
    }

    private void NotNow(string why)
    {
        if (_asked is not null)
            Context.Unwatch(_asked);
        _asked = null;
        _why = why;
        if (!Reattaches)
            Close(why);
    }

    private void Forward(RequestBatch batch)
    {
        if (_credits == 0)
            throw new RingProtocolException("a front end sent requests before its ring was attached");
        foreach (ref readonly RingRequest request in batch.Requests)
        {
            if (Reattaches && request.Op is RingOp.BarrierWrite or RingOp.EmptyBarrier)
                throw new RingProtocolException("rule O6 is broken: a ring that may be attached again sends a barrier");
            _unanswered.Add(request);
        }

        if (_volume is not null && batch.Channel == _port.Channel)
        {
            _volume.Tell(batch, Self);
            return;
        }

        // It is kept, and goes with the others; or was filled before the last attachment.
        if (_volume is not null)
            Send(batch.Requests);
        batch.Channel.Return(batch);
    }

    private void Send(ReadOnlySpan<RingRequest> requests)
    {
        for (int sent = 0; sent < requests.Length;)
        {
            RequestBatch batch = _port.Channel.RentRequests();
            batch.AnswersHeard = 0;
            for (; sent < requests.Length && !batch.IsFull; sent++)
                batch.Add(requests[sent]);
            _volume!.Tell(batch, Self);
        }
    }

    private void Reply(ReplyBatch batch)
    {
        if (batch.Channel == _port.Channel)
        {
            _answered = true;
            foreach (ref readonly RingReply reply in batch.Replies)
                _unanswered.Remove(reply.Slot);
            _setup.FrontEnd.OnReplies(batch.Replies);
        }

        batch.Channel.Return(batch);
    }

    private void Close(string reason, bool answer = true)
    {
        if (_closed)
            return;
        _closed = true;
        _setup.FrontEnd.OnClosed(reason, answer ? _unanswered.Slots() : []);
        Context.Stop(Self);
    }

    /// <summary>A pause is over in which it had no volume, or no answer of it.</summary>
    private sealed record LookForVolume(int Losses);
}
