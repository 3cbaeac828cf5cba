// Q6: the device depth is adjusted so that queueing delay inside the device stays within the latency target.
//
// Queueing delay is what an operation took beyond its service time (DeviceCosts). Its mean over a window, which is as many
// operations as the depth lets in at once, is compared with the target, as TCP Vegas does with round trips (Brakmo, Peterson
// 1995) and Kyber with latencies (Linux, block/kyber-iosched.c):
//
//   above the target        down, by what Little's law says: with depth D and delay d beyond service s, D (s + target) / (s + d)
//                           has a delay of the target. By half at most, so that a stall costs half the depth for a window.
//   below half of it        up by an eighth, if the depth was what held operations back (Q4): else nothing was learned.
//   between                 as it is.
//
// A delay that is there at depth 1 is no queue of ours: the device is slower than the costs say, or somebody else is at it.
// Taken for one it would hold the depth at 1 for ever. So it becomes part of the service, until a window is quicker.
//
// An operation that had a flush beside it says nothing: what it waited for, no smaller depth would have spared it. After a
// change of the depth, operations that were let in before are not counted. Above depth 1 an operation counts for no more than
// four times service and target: one that stalls does not lower the depth, and where all in flight stall it comes back.
namespace Scheduler.Core;

/// <summary>How many operations go to the device at once.</summary>
/// <param name="depthMax">The most.</param>
/// <param name="targetNs">Longest mean queueing delay; 0: the depth is always the most.</param>
internal sealed class DepthControl(int depthMax, long targetNs)
{
    private const int WindowMin = 8;
    private const double OutlierMost = 4;
    private const int UpDivisor = 8;

    private readonly int _depthMax = depthMax;
    private int _skip;
    private int _count;
    private double _serviceNs;
    private double _beyondNs;
    private double _floorNs;
    private bool _wasFull;

    /// <summary>The depth now: 1 to the most.</summary>
    public int Depth { get; private set; } = depthMax;

    /// <summary>Operations are held back by the depth, or would be.</summary>
    public void Full() => _wasFull = true;

    /// <summary>A read or a write is over, without a flush beside it.</summary>
    /// <param name="serviceNs">What it takes by itself.</param>
    /// <param name="tookNs">What it took.</param>
    public void Completed(double serviceNs, double tookNs)
    {
        if (targetNs == 0)
            return;
        if (_skip > 0)
        {
            _skip--;
            return;
        }

        _serviceNs += serviceNs;
        double most = Depth == 1 ? double.MaxValue : _floorNs + (OutlierMost * (serviceNs + targetNs));
        _beyondNs += Math.Min(tookNs - serviceNs, most);
        if (++_count < Math.Max(WindowMin, Depth))
            return;
        Adjust(_serviceNs / _count, _beyondNs / _count);
        _count = 0;
        _serviceNs = 0;
        _beyondNs = 0;
        _wasFull = false;
    }

    private void Adjust(double serviceNs, double beyondNs)
    {
        _floorNs = Math.Clamp(beyondNs, 0, Depth == 1 ? double.MaxValue : _floorNs);
        double delayNs = beyondNs - _floorNs;
        if (delayNs > targetNs)
        {
            double service = serviceNs + _floorNs;
            double part = Math.Max(0.5, (service + targetNs) / (service + delayNs));
            Change(Math.Min(Depth - 1, (int)(Depth * part)));
        }
        else if (delayNs < targetNs / 2 && _wasFull && Depth < _depthMax)
        {
            Change(Math.Min(_depthMax, Depth + Math.Max(1, Depth / UpDivisor)));
        }
    }

    private void Change(int depth)
    {
        _skip = Depth;
        Depth = depth;
    }
}
