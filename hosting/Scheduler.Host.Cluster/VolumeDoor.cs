using Scheduler.Actors;
using Scheduler.Host.Running;

namespace Scheduler.Host.Cluster;

/// <summary>What a door needs of its node.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Node">Name of this node.</param>
/// <param name="Definition">What this node takes the volume to be.</param>
/// <param name="Role">Of the nodes that may own it; null: all may.</param>
/// <param name="Region">Finds the owner, wherever it is.</param>
/// <param name="Here">The volume's scheduler, if it runs on this node.</param>
/// <param name="Open">Gives what stands in for the owner's scheduler towards a ring of this node.</param>
/// <param name="Changed">Told who the owner is, or why there is none.</param>
internal sealed record DoorSetup(
    string Volume,
    string Node,
    string Definition,
    string? Role,
    ActorRef Region,
    Func<RunningVolume?> Here,
    Func<OwnerIs, RingTaken, Attach, ActorRef, ActorRef> Open,
    Action<OwnerIs?, string> Changed);

/// <summary>
/// A volume as the rings of one node find it: knows who the owner is, and has the rings attach there. On the owner's node they get
/// its scheduler itself, elsewhere what stands in for it. Rings come again when what they got is gone.
/// </summary>
internal sealed class VolumeDoor(DoorSetup setup) : Actor
{
    private const int BeatsPerQuestion = 10;
    private const int SilentBeatsMax = 50;
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_attachTimeMax = TimeSpan.FromSeconds(5);

    private readonly Dictionary<long, (ActorRef Ring, Attach Attach)> _attaching = [];

    /// <summary>A ring keeps its number as long as it lives: the owner has it wait until what it had sent before has ended.</summary>
    private readonly Dictionary<ActorRef, long> _numbers = [];
    private ActorRef? _owner;
    private OwnerIs? _known;
    private string _reason = $"volume {setup.Volume} has no owner yet";
    private long _lastNumber;
    private int _beats;
    private int _silentBeats;

    /// <inheritdoc/>
    public override void PreStart()
    {
        setup.Changed(null, _reason);
        Ask();
        Context.TellSelfAfter(s_beat, Beat.Instance);
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
                    setup.Changed(null, _reason);
                }

                // An owner that is there is asked now and then too: it may have grown a disk.
                if (_owner is null || ++_beats % BeatsPerQuestion == 0)
                    Ask();
                Context.TellSelfAfter(s_beat, Beat.Instance);
                break;
            case OwnerIs owner:
                Know(owner, Sender!);
                break;
            case NoOwnerYet none when _owner is null:
                _silentBeats = 0;
                _reason = none.Reason;
                setup.Changed(null, _reason);
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
        }
    }

    private void Ask() => setup.Region.Tell(new FindOwner(setup.Volume, setup.Node, setup.Definition), Self);

    private void Know(OwnerIs owner, ActorRef sender)
    {
        if (_known is not null && owner.Epoch < _known.Epoch)
            return;
        if (!sender.Equals(_owner))
        {
            if (_owner is not null)
                Context.Unwatch(_owner);
            _owner = sender;
            Context.Watch(sender);
        }

        _known = owner;
        setup.Changed(owner, "");
    }

    private void Forget(string reason)
    {
        _owner = null;
        _silentBeats = 0;
        _reason = reason;
        setup.Changed(null, reason);
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
            // What is sent to one that has just stopped is lost; who comes after that gets the next.
            if (setup.Here() is { IsAvailable: true } here)
                here.Actor.Tell(attach, ring);
            else
                ring.Tell(new AttachRefused($"volume {setup.Volume} moves", Again: true), Self);
            return;
        }

        if (!_numbers.TryGetValue(ring, out long number))
        {
            number = ++_lastNumber;
            _numbers.Add(ring, number);
            Context.Watch(ring);
        }

        _attaching[number] = (ring, attach);
        _owner.Tell(new AttachRing(setup.Node, number, _known.Epoch, attach.Epoch, attach.Disk, attach.Credits, attach.Streams), Self);
        Context.TellSelfAfter(s_attachTimeMax, new AttachTakesTooLong(number));
    }

    private void Take(RingTaken taken, ActorRef ring, Attach attach)
    {
        if (_known is not { } owner || owner.Epoch != taken.Epoch)
        {
            ring.Tell(new AttachRefused($"volume {setup.Volume} has moved meanwhile", Again: true), Self);
            return;
        }

        ActorRef standIn = setup.Open(owner, taken, attach, ring);
        ring.Tell(new Attached(standIn, taken.Epoch, taken.Credits), standIn);
    }

    private sealed record Beat
    {
        public static readonly Beat Instance = new();
    }

    private sealed record AttachTakesTooLong(long Ring);
}
