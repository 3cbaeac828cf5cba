using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Where a guest's requests go, and which of them go the other way.</summary>
internal sealed class RequestPlaces(ExperimentGroup group, bool sequential, SplitMix64 random)
{
    private readonly int _bytes = group.Workload.RequestBytes;
    private readonly long _places = group.DiskBytes / group.Workload.RequestBytes;
    private readonly int _otherPercent = sequential ? 0 : group.Workload.OtherPercent;
    private SplitMix64 _random = random;
    private long _next;

    /// <summary>Whether the next request goes the other way.</summary>
    public bool DrawOther() => _otherPercent > 0 && _random.Below(100) < _otherPercent;

    /// <summary>A request at the next place.</summary>
    public GuestRequest Next(RequestOp op, RequestFlags flags = RequestFlags.None)
    {
        long place = sequential ? _next : _random.Below(_places);
        _next = _next + 1 == _places ? 0 : _next + 1;
        return new GuestRequest(op, flags, place * _bytes, _bytes);
    }
}
