// Q1: every request has a cost in device time, per operation plus per byte.
//
// The model is the same for all guests and known before dispatch, so that the fair queue can charge when it
// dispatches. Flushes are the exception: what they cost is measured, and charged when they are over (FlushDomain).
namespace Scheduler.Core;

/// <summary>Device time of a request.</summary>
public sealed record CostModel
{
    /// <summary>Device time of any operation, in nanoseconds; above 0.</summary>
    public double OperationNs { get; init; } = 20_000;

    /// <summary>Device time of a byte read or written, in nanoseconds; 0 or more.</summary>
    public double ByteNs { get; init; } = 0.25;

    /// <summary>First guess of a flush's device time, in nanoseconds; above 0. Measured from then on.</summary>
    public double FlushNs { get; init; } = 1_000_000;

    /// <summary>Device time of a 4 KiB read: the unit of reservations and limits.</summary>
    public double UnitNs => OperationNs + (4096 * ByteNs);

    /// <summary>Device time of one dispatched piece.</summary>
    /// <param name="op">What it does.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>Nanoseconds, above 0.</returns>
    public double Piece(RequestOp op, long length) =>
        op.MovesData()
            ? OperationNs + (length * ByteNs)
            : OperationNs;
}
