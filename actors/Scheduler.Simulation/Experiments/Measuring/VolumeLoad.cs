// Q4, as far as it shows from outside the core: what guests have sent and the device has not got is queued; what the device
// has got and not finished takes slots. Time that passes with both a free slot and something queued is idle time that a
// work-conserving scheduler does not have. Not counted as queued are flushes (F7 may hold them), and whatever guests with
// barriers (O2), with a limit (Q3) or of a replay have sent: neither here nor where a guest is judged as backlogged (Q2).
// Writes that Q1's bound on unflushed bytes holds back do count.
//
// Counts are taken as they are when virtual time passes, not in between: what happens at one instant has no order in time.
namespace Scheduler.Simulation;

/// <summary>What is queued, and on the device, over a run.</summary>
internal sealed class VolumeLoad
{
    private readonly SimulatedSystem _system;
    private readonly MeasuredWindow _window;
    private readonly ShareBound _bound;
    private readonly int _depth;
    private readonly int _diskShift;
    private readonly GuestLoad[] _guests;
    private long _lastNs;
    private long _queued;
    private long _idleNs;
    private int _onDevice;

    /// <summary>Creates the load of a volume whose guests' disks lie at multiples of a power of two.</summary>
    public VolumeLoad(SimulatedSystem system, MeasuredWindow window, ShareBound bound, IReadOnlyList<ExperimentGroup> guests, int depth, int diskShift)
    {
        _system = system;
        _window = window;
        _bound = bound;
        _depth = depth;
        _diskShift = diskShift;
        _guests = [.. guests.Select(CreateGuest)];
    }

    /// <summary>Part of the slots' time in the window, up to now, that was not idle while something was queued.</summary>
    public double WorkConservation
    {
        get
        {
            Pass();
            return 1 - (_idleNs / (double)(_depth * (_window.ToNs - _window.FromNs)));
        }
    }

    /// <summary>The load of a guest.</summary>
    public GuestLoad this[int guest] => _guests[guest];

    /// <summary>A piece of a request reached the device.</summary>
    public void PieceStarted(long deviceOffset)
    {
        Pass();
        _onDevice++;
        int guest = (int)(deviceOffset >> _diskShift);
        _bound.Moved(guest, _guests[guest].Start(_system.NowNs));
    }

    /// <summary>A flush reached the device.</summary>
    public void FlushStarted()
    {
        Pass();
        _onDevice++;
    }

    /// <summary>An operation of the device is over.</summary>
    public void Ended()
    {
        Pass();
        _onDevice--;
    }

    internal void Queue(int pieces)
    {
        Pass();
        _queued += pieces;
    }

    private GuestLoad CreateGuest(ExperimentGroup group) => new(
        this, _window, _system, group.Limit == 0 && group.Workload.Kind is not (ExperimentWorkloadKind.BarrierWriter or ExperimentWorkloadKind.Replay));

    private void Pass()
    {
        long now = _system.NowNs;
        if (now == _lastNs)
            return;
        long passed = Math.Min(now, _window.ToNs) - Math.Max(_lastNs, _window.FromNs);
        if (passed > 0 && _queued > 0 && _onDevice < _depth)
            _idleNs += passed * Math.Min(_queued, _depth - _onDevice);
        _lastNs = now;
    }
}

/// <summary>What a guest has sent that is not on the device, in pieces; flushes have none.</summary>
internal sealed class GuestLoad(VolumeLoad volume, MeasuredWindow window, SimulatedSystem system, bool counts)
{
    private long _backloggedNs;
    private int _queued;
    private bool _left;

    /// <summary>How many were queued when this instant began, and how many have started since.</summary>
    private int _queuedBefore;
    private int _started;
    private long _instantNs;

    /// <summary>How long something that counts was queued, within the window and up to now.</summary>
    public long BackloggedNs
    {
        get
        {
            Begin(system.NowNs);
            return _backloggedNs;
        }
    }

    /// <summary>The guest sent a request.</summary>
    public void Sent(int pieces) => Change(pieces);

    /// <summary>A request of it never reached the device.</summary>
    public void Dropped(int pieces) => Change(-pieces);

    /// <summary>The guest is gone, and what it had queued with it.</summary>
    public void Leave()
    {
        Change(-_queued);
        _left = true;
    }

    /// <summary>A piece of it reached the device.</summary>
    /// <returns>Whether it was backlogged all the time since the last one started at an earlier instant: what was queued then
    /// was not all started since.</returns>
    internal bool Start(long nowNs)
    {
        Begin(nowNs);
        Change(-1);
        return ++_started < _queuedBefore;
    }

    private void Change(int pieces)
    {
        if (_left)
            return;
        Begin(system.NowNs);
        _queued += pieces;
        if (counts)
            volume.Queue(pieces);
    }

    private void Begin(long nowNs)
    {
        if (nowNs == _instantNs)
            return;
        if (counts && _queued > 0)
            _backloggedNs += Math.Max(0, Math.Min(nowNs, window.ToNs) - Math.Max(_instantNs, window.FromNs));
        _instantNs = nowNs;
        _queuedBefore = _queued;
        _started = 0;
    }
}
