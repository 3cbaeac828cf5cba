// F5: a FUA write uses the device's own FUA (RWF_DSYNC) or write plus the next merged flush, whichever the measured costs
// favour. Both costs are smoothed times on the device, which begin with what a profile says of them; with nothing said,
// writes are durable ones until those have told. A flush is shared by those that it serves; a durable write is not. The
// choice that is not taken is tried once in a while, or its cost would never be learned again.
namespace Scheduler.Core;

/// <summary>Measured costs of the two ways, for one domain.</summary>
/// <param name="dsyncNs">First guess of what a durable write takes; 0: not known.</param>
internal struct FuaChoice(double dsyncNs)
{
    private const double Smoothing = 0.125;
    private const int TryOtherEvery = 64;

    private double _dsyncNs = dsyncNs;
    private double _served;
    private int _choices;

    /// <summary>Decides for one write.</summary>
    /// <param name="flushCostNs">Measured cost of a flush.</param>
    /// <returns>True for a durable write, false for write and flush.</returns>
    public bool UseDsync(double flushCostNs)
    {
        bool dsync = _dsyncNs <= flushCostNs / Math.Max(1, _served);
        return ++_choices % TryOtherEvery == 0 ? !dsync : dsync;
    }

    /// <summary>A durable write took so long.</summary>
    public void DsyncTook(double ns) => _dsyncNs += Smoothing * (ns - _dsyncNs);

    /// <summary>A flush served so many requests.</summary>
    public void FlushServed(int requests) => _served += Smoothing * (requests - _served);
}
