using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>A guest of an experiment and the front end of its ring: sends what its workload has, when it comes and there is
/// room, and takes times.</summary>
internal sealed class ExperimentGuest : IRingFrontEnd, IAgendaItem
{
    private const long OpensTag = 0;
    private const long StopsTag = 1;
    private const long SendsTag = 2;

    private readonly SimulatedSystem _system;
    private readonly ExperimentGroup _group;
    private readonly string _volume;
    private readonly string _disk;
    private readonly GuestRecord _record;
    private readonly GuestLoad _load;
    private readonly RequestSource _source;
    private readonly Arrivals _arrivals;
    private readonly Slot[] _slots;
    private RingPort? _port;

    /// <summary>The first free slot, or -1: each free slot knows the next.</summary>
    private int _free = -1;
    private long _sendsAtNs = long.MaxValue;
    private bool _attached;

    /// <summary>Prepares a guest; it opens its ring when its time comes.</summary>
    public ExperimentGuest(
        SimulatedSystem system, ExperimentGroup group, TraceRequest[] trace, SplitMix64 random, string volume, string disk, GuestRecord record, GuestLoad load)
    {
        _system = system;
        _group = group;
        _volume = volume;
        _disk = disk;
        _record = record;
        _load = load;
        _arrivals = Arrivals.Create(group, trace, new SplitMix64(random.Next()));
        _source = RequestSource.Create(group, trace, new SplitMix64(random.Next()));
        _slots = new Slot[group.Workload.Depth];
        system.At(group.StartNs, this, OpensTag);
        if (group.StopNs != long.MaxValue)
            system.At(group.StopNs, this, StopsTag);
    }

    public void Due(long tag)
    {
        switch (tag)
        {
            case OpensTag:
                RingSetup setup = new(_volume, _disk, _group.Workload.Depth, 1, this, new ExperimentMemory());
                _port = GuestRing.Open(setup, props => _system.ActorOf(props, _disk));
                break;
            case StopsTag:
                Leave();
                _port?.Close();
                break;
            default:
                _sendsAtNs = long.MaxValue;
                Send();
                break;
        }
    }

    public void OnAttached(int credits)
    {
        for (int slot = credits - 1; slot >= 0; slot--)
            Free(slot);
        _attached = true;
        Send();
    }

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        if (!_attached)
            return;
        long now = _system.NowNs;
        foreach (ref readonly RingReply reply in replies)
        {
            ref readonly Slot slot = ref _slots[reply.Slot];
            _record.Answered(now, now - slot.SinceNs, slot.Length, reply.Error);
            _source.Answered(slot.Op);

            // The device of an experiment makes no errors: what fails was refused, and never reached it.
            if (reply.Error != 0)
                _load.Dropped(Pieces(slot.Op, slot.Length));
            Free(reply.Slot);
        }

        Send();
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered) => Leave();

    private static int Pieces(RequestOp op, long length) =>
        (int)((length + op.PieceBytesMax() - 1) / op.PieceBytesMax());

    private void Leave()
    {
        _attached = false;
        _load.Leave();
    }

    private void Send()
    {
        if (!_attached)
            return;
        long now = _system.NowNs;
        bool sends = false;
        long next = _arrivals.NextNs(now);
        while (_free >= 0 && next <= now && _source.TryNext(out GuestRequest request))
        {
            _arrivals.Take();
            int slot = _free;
            _free = _slots[slot].NextFree;
            _slots[slot] = new Slot(next, request.Length, request.Op, -1);
            _record.Sent(now, late: next < now);
            _load.Sent(Pieces(request.Op, request.Length));

            // No data moves in an experiment, so there is no buffer.
            _port!.Add(new RingRequest(slot, (RingOp)request.Op, (RingFlags)request.Flags, 0, request.Offset, request.Length, 0));
            sends = true;
            next = _arrivals.NextNs(now);
        }

        if (sends)
            _port!.Send();
        if (_free >= 0 && next > now && next < _sendsAtNs)
        {
            _sendsAtNs = next;
            _system.At(next, this, SendsTag);
        }
    }

    private void Free(int slot)
    {
        _slots[slot] = _slots[slot] with { NextFree = _free };
        _free = slot;
    }

    private readonly record struct Slot(long SinceNs, long Length, RequestOp Op, int NextFree);

    private sealed class ExperimentMemory : RingMemory
    {
        protected override void GiveBack()
        {
        }
    }
}
