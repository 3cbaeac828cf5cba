// Fair shares of device time.
//
// Q2  Start-time fair queueing with depth D (Goyal, Vin, Cheng 1996; Jin, Chase, Kaur 2004, "SFQ(D)"): a guest's next
//     piece has a start tag; the smallest goes first; virtual time is the start tag of what went last. A dispatch moves
//     the guest's tag on by cost / weight. A guest that was idle starts at virtual time: it saves nothing up.
// Q3  mClock (Gulati, Merchant, Varman 2010): a guest whose reservation tag is due goes before shares, and that service
//     is not charged to its share; service by share does not use up its reservation. A limit tag in the future holds the
//     guest back, whatever else is due.
// Q4  Work-conserving: Next gives null only if every backlogged guest is held by its limit.
//
// A guest that is given another weight keeps the device time that it is ahead of virtual time by: its start tag, which is the
// finish tag S + cost / weight of its last piece (Goyal 1996), is computed anew with the weight that it has now. So shares
// follow from the next dispatch on; a guest whose weight rises does not wait for what it had at the old price, one whose
// weight falls still pays for it, and changing it back and forth gains nothing. Where a reservation or a limit changes, the
// units that its tag (mClock's R and L tags) is ahead or behind by are kept likewise, at the new rate; one that a guest did
// not have begins now. A guest that comes starts at virtual time, as one that was idle.
//
// A flush is charged when it is over (Charge): it moves the share tag on, so that who flushes much waits for it.
namespace Scheduler.Core;

internal sealed class FairPolicy(int guests, DeviceCosts costs) : DispatchPolicy
{
    // Tags are nanoseconds divided by weight, in doubles. They are moved back to around zero before they grow so large
    // that small costs would be rounded away.
    private const double TagMax = 1e15;

    // What a limit or a reservation lets a backlogged guest catch up after a late wake-up.
    private const double LimitBurstNs = 10e6;
    private const double ReservationBurstNs = 1e9;

    private Guest?[] _guests = new Guest?[guests];
    private readonly TagHeap _shares = new(guests);
    private readonly TagHeap _reservations = new(guests);
    private readonly TagHeap _limited = new(guests);
    private double _virtualTime;
    private bool _byReservation;
    private bool _limitsLifted;

    public override bool MergesFlushes => true;

    public override void Add(Request request, long nowNs)
    {
        Guest guest = request.Ring.Disk.Guest;
        bool wasBacklogged = guest.Backlogged;
        Enqueue(request);
        if (!wasBacklogged && guest.Backlogged)
            Enter(guest, nowNs);
    }

    public override void Remove(Request request, long nowNs)
    {
        Dequeue(request);
        if (!request.Ring.Disk.Guest.Backlogged)
            Leave(request.Ring.Disk.Guest);
    }

    public override void BlockChanged(Guest guest, long nowNs)
    {
        if (guest.Backlogged)
            Enter(guest, nowNs);
        else
            Leave(guest);
    }

    public override Request? Next(long nowNs)
    {
        while (_limited.Count > 0 && (_limited.FirstTag <= nowNs || _limitsLifted))
        {
            Guest guest = _limited.First;
            _limited.Remove(guest);

            // Q2: it was not eligible, so it saved nothing up; an old tag would also set virtual time back for all.
            guest.ShareTag = Math.Max(guest.ShareTag, _virtualTime);
            _shares.Set(guest, guest.ShareTag);
            if (guest.Spec.Reservation > 0)
                _reservations.Set(guest, guest.ReservationTag);
        }

        if (_reservations.Count > 0 && _reservations.FirstTag <= nowNs)
        {
            _byReservation = true;
            return _reservations.First.Oldest;
        }

        _byReservation = false;
        return _shares.Count == 0 ? null : _shares.First.Oldest;
    }

    public override void Dispatched(Guest guest, double costNs, long nowNs)
    {
        guest.DeviceTimeNs += costNs;
        if (_byReservation)
        {
            guest.ReservationTag = Math.Max(guest.ReservationTag, nowNs - ReservationBurstNs) + TimeOf(costNs, guest.Spec.Reservation);
            if (_reservations.Contains(guest))
                _reservations.Set(guest, guest.ReservationTag);
        }
        else
        {
            _virtualTime = guest.ShareTag;
            MoveShareTag(guest, costNs);
        }

        CountAgainstLimit(guest, costNs, nowNs);
        if (_virtualTime > TagMax)
            Rebase();
    }

    public override void Charge(Guest guest, double costNs, long nowNs)
    {
        guest.DeviceTimeNs += costNs;
        guest.ShareTag = Math.Max(guest.ShareTag, _virtualTime);
        _guests[guest.Index] = guest;
        MoveShareTag(guest, costNs);
        CountAgainstLimit(guest, costNs, nowNs);
    }

    public override void Grow(int guests)
    {
        Array.Resize(ref _guests, guests);
        _shares.Grow(guests);
        _reservations.Grow(guests);
        _limited.Grow(guests);
    }

    public override void GuestChanged(Guest guest, GuestSpec before, long nowNs)
    {
        if (guest.ShareTag > _virtualTime)
            guest.ShareTag = _virtualTime + ((guest.ShareTag - _virtualTime) * before.Weight / guest.Spec.Weight);
        guest.ReservationTag = AtRate(guest.ReservationTag, before.Reservation, guest.Spec.Reservation, nowNs);
        guest.LimitTag = AtRate(guest.LimitTag, before.Limit, guest.Spec.Limit, nowNs);
        if (!_shares.Contains(guest) && !_limited.Contains(guest))
            return;
        Leave(guest);
        guest.ShareTag = Math.Max(guest.ShareTag, _virtualTime);
        Place(guest, nowNs);
    }

    public override void LiftLimits() => _limitsLifted = true;

    public override long NextTimeNs() => _limited.Count == 0 ? long.MaxValue : (long)Math.Ceiling(_limited.FirstTag);

    private static double AtRate(double tag, double before, double rate, long nowNs) =>
        before <= 0 || rate <= 0 ? nowNs : nowNs + ((tag - nowNs) * before / rate);

    private static bool IsLimited(Guest guest, long nowNs) => guest.Spec.Limit > 0 && guest.LimitTag > nowNs;

    // How long a cost lasts at a rate in units a second.
    private double TimeOf(double costNs, double unitsPerSecond) => costNs / costs.UnitNs / unitsPerSecond * 1e9;

    private void Enter(Guest guest, long nowNs)
    {
        _guests[guest.Index] = guest;
        if (_shares.Contains(guest) || _limited.Contains(guest))
            return;
        guest.ShareTag = Math.Max(guest.ShareTag, _virtualTime);
        guest.ReservationTag = Math.Max(guest.ReservationTag, nowNs);
        Place(guest, nowNs);
    }

    private void Place(Guest guest, long nowNs)
    {
        if (IsLimited(guest, nowNs) && !_limitsLifted)
        {
            _limited.Set(guest, guest.LimitTag);
            return;
        }

        _shares.Set(guest, guest.ShareTag);
        if (guest.Spec.Reservation > 0)
            _reservations.Set(guest, guest.ReservationTag);
    }

    private void CountAgainstLimit(Guest guest, double costNs, long nowNs)
    {
        if (guest.Spec.Limit <= 0)
            return;
        guest.LimitTag = Math.Max(guest.LimitTag, nowNs - LimitBurstNs) + TimeOf(costNs, guest.Spec.Limit);
        if (guest.LimitTag > nowNs && !_limitsLifted && guest.Backlogged)
            Hold(guest);
    }

    private void Leave(Guest guest)
    {
        _shares.Remove(guest);
        _reservations.Remove(guest);
        _limited.Remove(guest);
    }

    private void Hold(Guest guest)
    {
        _shares.Remove(guest);
        _reservations.Remove(guest);
        _limited.Set(guest, guest.LimitTag);
    }

    private void MoveShareTag(Guest guest, double costNs)
    {
        guest.ShareTag += costNs / guest.Weight;
        if (_shares.Contains(guest))
            _shares.Set(guest, guest.ShareTag);
    }

    private void Rebase()
    {
        foreach (Guest? guest in _guests)
        {
            if (guest is null)
                continue;
            guest.ShareTag = Math.Max(0, guest.ShareTag - _virtualTime);
            if (_shares.Contains(guest))
                _shares.Set(guest, guest.ShareTag);
        }

        _virtualTime = 0;
    }
}
