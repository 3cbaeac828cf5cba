// Q1: what things cost now: as the model is given, or learned while running, from what a volume sees of its device.
//
// Service times are learned from operations that had the device to themselves, or so few beside them that a channel was
// free. Where there are none such, because the device is never idle, an operation that took less than expected still says
// that the service time is less; one that took more says nothing, as it may have queued. So what is learned then is what
// the quick ones take, for all classes alike (as BBR's minimum of round trips; Cardwell et al. 2016).
//
// How much service the device gets done at once is learned from times in which its depth was full: the service time of
// what it completed, divided by the time that passed. Whatever the service times are wrong by, alike in all classes, is
// made good by that: costs of a saturated device sum to elapsed time. What is charged by what it took, such as a durable
// write, counts for as much as it was charged, so that its time is not charged to the others too. Time with a flush in
// flight is left out; what a flush costs is found out with the help of this (FlushDomain).
//
// All steps are bounded (LearnedCost).
namespace Scheduler.Core;

/// <summary>The costs of a volume's operations.</summary>
internal sealed class DeviceCosts(CostModel model, int depthMax)
{
    private const double ScaleBytes = 64 << 10;
    private const double Alone = 1.0 / 8;
    private const double QuickInCompany = 1.0 / 64;

    private const int FullCompletions = 64;
    private const double FullStep = 1.0 / 4;
    private const double ParallelMin = 1e-3;

    private LearnedCost _read = new(model.ReadNs, model.ReadByteNs, ScaleBytes);
    private LearnedCost _write = new(model.WriteNs, model.WriteByteNs, ScaleBytes);
    private LearnedCost _discard = new(model.DiscardNs, model.DiscardByteNs, ScaleBytes);

    // The device while its depth was full: since when, how long before that, and what it got done.
    private long _fullSinceNs = -1;
    private double _fullNs;
    private double _fullServiceNs;
    private int _fullCompletions;

    /// <summary>Service time that the device gets done in a unit of time; without learning the operations that it works on at once.</summary>
    public double Parallel { get; private set; } = model.Parallel;

    /// <summary>Device time of a 4 KiB read: the unit of reservations and limits.</summary>
    public double UnitNs => ServiceNs(RequestOp.Read, 4096, durable: false) / Parallel;

    /// <summary>Service time of one piece.</summary>
    public double ServiceNs(RequestOp op, long length, bool durable) => op switch
    {
        RequestOp.Read or RequestOp.Prefetch => _read.Of(length),
        RequestOp.Write or RequestOp.BarrierWrite => _write.Of(length) + (durable ? model.DurableWriteNs : 0),
        RequestOp.Discard or RequestOp.Zero => _discard.Of(length),
        _ => _read.BaseNs,
    };

    /// <summary>The device got a piece done.</summary>
    /// <param name="serviceNs">Service time that was charged for it, at dispatch and afterwards.</param>
    public void GotDone(double serviceNs)
    {
        if (_fullSinceNs < 0)
            return;
        _fullServiceNs += serviceNs;
        _fullCompletions++;
    }

    /// <summary>A piece is over, and its time tells what its class takes.</summary>
    /// <param name="op">What it did.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="serviceNs">What was expected of it.</param>
    /// <param name="tookNs">What it took.</param>
    /// <param name="company">The most that is known to have been on the device with it, itself included.</param>
    public void Completed(RequestOp op, long bytes, double serviceNs, double tookNs, int company)
    {
        if (!model.Learn)
            return;
        bool alone = company <= Math.Max(1, Parallel / 2);
        if (!alone && tookNs >= serviceNs)
            return;
        double part = alone ? Alone : QuickInCompany;
        switch (op)
        {
            case RequestOp.Read:
                _read.Learn(bytes, tookNs, part);
                break;
            case RequestOp.Write or RequestOp.BarrierWrite:
                _write.Learn(bytes, tookNs, part);
                break;
            case RequestOp.Discard or RequestOp.Zero:
                _discard.Learn(bytes, tookNs, part);
                break;
            default:
                // Prefetches and the like end when the device wants them to.
                break;
        }
    }

    /// <summary>From now on the depth is full, with no flush in flight, or not.</summary>
    public void Full(bool full, long nowNs)
    {
        if (!model.Learn)
            return;
        if (_fullSinceNs >= 0)
            _fullNs += nowNs - _fullSinceNs;
        _fullSinceNs = full ? nowNs : -1;
        if (_fullCompletions < FullCompletions || _fullNs <= 0)
            return;
        double measured = LearnedCost.Bounded(Parallel, _fullServiceNs / _fullNs);
        Parallel = Math.Clamp(Parallel + (FullStep * (measured - Parallel)), ParallelMin, depthMax);
        _fullNs = 0;
        _fullServiceNs = 0;
        _fullCompletions = 0;
    }
}
