using Scheduler.Actors;

namespace Scheduler.Host.Cluster;

/// <summary>What a door needs of its node.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Node">Name of this node.</param>
/// <param name="Definition">What this node takes the volume to be.</param>
/// <param name="Role">Of the nodes that may own it; null: all may.</param>
/// <param name="Region">Finds the owner, wherever it is.</param>
/// <param name="Here">The volume's scheduler, if it runs on this node.</param>
/// <param name="Open">Gives what stands in for the owner's scheduler towards a ring of this node.</param>
/// <param name="Changed">Told who the owner is and how it is reached, or why there is none.</param>
/// <param name="Logger">Told of what an operator has to mend.</param>
internal sealed record DoorSetup(
    string Volume,
    string Node,
    string Definition,
    string? Role,
    ActorRef Region,
    Func<ActorRef?> Here,
    Func<OwnerIs, RingTaken, Attach, ActorRef, ActorRef> Open,
    Action<OwnerIs?, ActorRef?, string> Changed,
    ILogger Logger)
{
    /// <summary>How often it looks whether there is something to ask.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a ring waits for an answer to its asking.</summary>
    public TimeSpan AttachTimeMax { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Node to its door: ask the owner what it serves, now.</summary>
internal sealed record AskOwner
{
    public static readonly AskOwner Instance = new();
}

/// <summary>
/// A volume as the rings of one node find it: knows who the owner is, and has the rings attach there. On the owner's node they get
/// its scheduler itself, elsewhere what stands in for it. Rings come again when what they got is gone, and always get an answer.
/// </summary>
internal sealed partial class VolumeDoor(DoorSetup setup) : Actor
{
    private const int BeatsPerQuestion = 10;
    private const int SilentBeatsMax = 50;

    // One that was replaced, and has not noticed, is not asked so often.
    private const int ReplacedAnswersMax = 25;

    private readonly Dictionary<long, (ActorRef Ring, Attach Attach)> _attaching = [];

    /// <summary>A ring keeps its number as long as it lives: the owner has it wait until what it had sent before has ended.</summary>
    private readonly Dictionary<ActorRef, long> _numbers = [];
    private ActorRef? _owner;
    private OwnerIs? _known;
    private string _reason = $"volume {setup.Volume} has no owner yet";
    private long _lastNumber;
    private int _beats;
    private int _silentBeats;

    /// <summary>Answers of owners under lower epochs since there was an owner.</summary>
    private int _replacedAnswers;

    /// <inheritdoc/>
    public override void PreStart()
    {
        setup.Changed(null, null, _reason);
        Ask();
        Context.TellSelfAfter(setup.Beat, Beat.Instance);
    }

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case Attach attach:
                AttachRing(attach, Sender!);
                break;
            case Beat:
                if (_owner is null && ++_silentBeats == SilentBeatsMax)
                {
                    _reason = $"node {setup.Node} has had no answer for volume {setup.Volume} for some seconds: no node that it reaches "
                        + $"{(setup.Role is { } role ? $"has the role {role}, or " : "")}runs the same version; see the other nodes, and their logs";
                    NobodyAnswers(setup.Logger, _reason);
                    setup.Changed(null, null, _reason);
                }

                // An owner that is there is asked now and then too: it may have grown a disk.
                if (_owner is null || ++_beats % BeatsPerQuestion == 0)
                    Ask();
                Context.TellSelfAfter(setup.Beat, Beat.Instance);
                break;
            case AskOwner:
                Ask();
                break;
            case OwnerIs owner:
                Know(owner, Sender!);
                break;
            case NoOwnerYet none when _owner is null:
                _silentBeats = 0;
                _reason = none.Reason;
                setup.Changed(null, null, _reason);
                break;
            case Terminated terminated when terminated.Ref.Equals(_owner):
                Forget($"node {_known!.Node} owns volume {setup.Volume} no more");
                break;
            case Terminated ring:
                _ = _numbers.Remove(ring.Ref);
                break;
            case RingTaken taken when _attaching.Remove(taken.Ring, out (ActorRef Ring, Attach Attach) waiting):
                Take(taken, waiting.Ring, waiting.Attach);
                break;
            case RingRefused refused when _attaching.Remove(refused.Ring, out (ActorRef Ring, Attach Attach) waiting):
                waiting.Ring.Tell(new AttachRefused(refused.Reason, Again: !refused.ForGood), Self);
                break;
            case AttachTakesTooLong late when _attaching.Remove(late.Ring, out (ActorRef Ring, Attach Attach) waiting):
                waiting.Ring.Tell(new AttachRefused($"the owner of volume {setup.Volume} does not answer", Again: true), Self);
                break;
            case SchedulerTakesTooLong late:
                // A ring that was taken meanwhile does not listen to it.
                late.Ring.Tell(new AttachRefused($"the scheduler of volume {setup.Volume} has stopped before it took the ring", Again: true), Self);
                break;
        }
    }

    private void Ask() => setup.Region.Tell(new FindOwner(setup.Volume, setup.Node, setup.Definition), Self);

    private void Know(OwnerIs owner, ActorRef sender)
    {
        if (_known is not null && owner.Epoch < _known.Epoch)
        {
            Refuse(owner, _known);
            return;
        }

        if (!sender.Equals(_owner))
        {
            if (_owner is not null)
                Context.Unwatch(_owner);
            _owner = sender;
            Context.Watch(sender);
        }

        _known = owner;
        _replacedAnswers = 0;
        setup.Changed(owner, sender, "");
    }

    // S5: one that was replaced and will soon notice; or the epochs were set back, and nobody can tell who is the last.
    private void Refuse(OwnerIs owner, OwnerIs last)
    {
        if (_owner is not null)
            return;
        _silentBeats = 0;
        _reason = $"node {owner.Node} has volume {setup.Volume} under epoch {owner.Epoch}, and node {last.Node} had it under epoch {last.Epoch} before";
        if (++_replacedAnswers >= ReplacedAnswersMax)
        {
            _reason += ": the table volume_lease was restored or changed by hand; see that no other node has the volume open, then say in the database "
                + $"UPDATE volume_lease SET epoch = {last.Epoch} WHERE volume = '{setup.Volume}' AND epoch < {last.Epoch}";
        }

        if (_replacedAnswers == ReplacedAnswersMax)
            EpochsWentBack(setup.Logger, setup.Volume, setup.Node, _reason);
        setup.Changed(null, null, _reason);
    }

    private void Forget(string reason)
    {
        _owner = null;
        _silentBeats = 0;
        _reason = reason;
        setup.Changed(null, null, reason);
        Ask();
    }

    private void AttachRing(Attach attach, ActorRef ring)
    {
        if (_owner is null || _known is null)
        {
            ring.Tell(new AttachRefused(_reason, Again: true), Self);
            return;
        }

        if (_known.Node == setup.Node)
        {
            if (setup.Here() is { } here)
            {
                // What is sent to one that has just stopped is lost.
                here.Tell(attach, ring);
                Context.TellSelfAfter(setup.AttachTimeMax, new SchedulerTakesTooLong(ring));
            }
            else
            {
                ring.Tell(new AttachRefused($"volume {setup.Volume} moves", Again: true), Self);
            }

            return;
        }

        if (!_numbers.TryGetValue(ring, out long number))
        {
            number = ++_lastNumber;
            _numbers.Add(ring, number);
            Context.Watch(ring);
        }

        _attaching[number] = (ring, attach);
        _owner.Tell(new AttachRing(setup.Node, number, _known.Epoch, attach.Epoch, attach.Clearings, attach.Disk, attach.Guest ?? "", attach.Credits, attach.Streams), Self);
        Context.TellSelfAfter(setup.AttachTimeMax, new AttachTakesTooLong(number));
    }

    private void Take(RingTaken taken, ActorRef ring, Attach attach)
    {
        if (_known is not { } owner || owner.Epoch != taken.Epoch)
        {
            ring.Tell(new AttachRefused($"volume {setup.Volume} has moved meanwhile", Again: true), Self);
            return;
        }

        ActorRef standIn = setup.Open(owner, taken, attach, ring);
        ring.Tell(new Attached(standIn, taken.Epoch, taken.Credits, taken.Clearings), standIn);
    }

    private sealed record Beat
    {
        public static readonly Beat Instance = new();
    }

    private sealed record AttachTakesTooLong(long Ring);

    private sealed record SchedulerTakesTooLong(ActorRef Ring);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}")]
    private static partial void NobodyAnswers(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} can't be used by the guests of node {Node}: {Reason}")]
    private static partial void EpochsWentBack(ILogger logger, string volume, string node, string reason);
}
