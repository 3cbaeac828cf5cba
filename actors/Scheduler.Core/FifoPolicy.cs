// A baseline for comparison: pass-through, as a server with a thread for each request does it. Requests go in order of
// arrival, whoever sent them, flushes too: each is a device flush of its own, and several may be in flight. What is
// acknowledged is durable here as well (F2-F6); F1, F7 and Q2-Q3 do not hold. Q1's bound on unflushed bytes holds a
// guest's writes out of the order until a flush of the volume's own is done.
namespace Scheduler.Core;

internal class FifoPolicy(int guests) : DispatchPolicy
{
    private readonly TagHeap _oldest = new(guests);

    public override bool MergesFlushes => false;

    public override void Add(Request request, long nowNs)
    {
        Enqueue(request);
        Place(request.Ring.Disk.Guest);
    }

    public override void Remove(Request request, long nowNs)
    {
        Dequeue(request);
        Place(request.Ring.Disk.Guest);
    }

    public override void BlockChanged(Guest guest, long nowNs) => Place(guest);

    public override Request? Next(long nowNs) => _oldest.Count == 0 ? null : _oldest.First.Oldest;

    public override void Dispatched(Guest guest, double costNs, long nowNs) => guest.DeviceTimeNs += costNs;

    public override void Charge(Guest guest, double costNs, long nowNs) => guest.DeviceTimeNs += costNs;

    public override void Grow(int guests) => _oldest.Grow(guests);

    public override void LiftLimits()
    {
    }

    public override long NextTimeNs() => long.MaxValue;

    private void Place(Guest guest)
    {
        // Sequence numbers stay below 2^53 for centuries: a double holds them exactly.
        if (guest.Oldest is { } oldest)
            _oldest.Set(guest, oldest.Sequence);
        else
            _oldest.Remove(guest);
    }
}
