// Q1: every request has a cost in device time: per operation plus per byte, by what it does.
//
// A model says how long an operation takes on the device by itself (its service time), and how many the device works on at
// once. Device time is service time divided by that, so that what a saturated device does in a second costs a second. The
// model is a calibration's profile and stays as it is given, or it is a first guess that DeviceCosts corrects while running.
namespace Scheduler.Core;

/// <summary>Service times of a device's operations.</summary>
public sealed record CostModel
{
    /// <summary>Operations that the device works on at once; above 0. With <see cref="Learn"/>: a first guess.</summary>
    public double Parallel { get; init; } = 1;

    /// <summary>Service time of a read besides its bytes, in nanoseconds; above 0.</summary>
    public double ReadNs { get; init; } = 20_000;

    /// <summary>Service time of a byte read, in nanoseconds; 0 or more.</summary>
    public double ReadByteNs { get; init; } = 0.25;

    /// <summary>Service time of a write besides its bytes, in nanoseconds; above 0.</summary>
    public double WriteNs { get; init; } = 20_000;

    /// <summary>Service time of a byte written, in nanoseconds; 0 or more.</summary>
    public double WriteByteNs { get; init; } = 0.25;

    /// <summary>
    /// What a write that is durable by itself takes besides a write's service time, in nanoseconds; 0: not known before the
    /// first one. A first guess: measured from then on.
    /// </summary>
    public double DurableWriteNs { get; init; }

    /// <summary>Service time of a discard or a zeroing besides its bytes, in nanoseconds; above 0.</summary>
    public double DiscardNs { get; init; } = 20_000;

    /// <summary>Service time of a byte discarded or zeroed, in nanoseconds; 0 or more.</summary>
    public double DiscardByteNs { get; init; }

    /// <summary>First guess of how long a flush with nothing dirty takes, in nanoseconds; above 0. Measured from then on.</summary>
    public double FlushNs { get; init; } = 1_000_000;

    /// <summary>First guess of what a flush takes on top for each dirty byte, in nanoseconds; 0 or more. Measured from then on.</summary>
    public double FlushByteNs { get; init; }

    /// <summary>Correct reads, writes, discards and <see cref="Parallel"/> too by what is measured while running.</summary>
    public bool Learn { get; init; }

    /// <summary>Device time of a 4 KiB read: the unit of reservations and limits.</summary>
    public double UnitNs => Piece(RequestOp.Read, 4096);

    /// <summary>Device time of one dispatched piece, as the model is given.</summary>
    /// <param name="op">What it does.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="durable">Whether it is a write that is durable by itself.</param>
    /// <returns>Nanoseconds, above 0.</returns>
    public double Piece(RequestOp op, long length, bool durable = false) => Service(op, length, durable) / Parallel;

    /// <summary>Service time of one dispatched piece, as the model is given.</summary>
    /// <param name="op">What it does.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="durable">Whether it is a write that is durable by itself.</param>
    /// <returns>Nanoseconds, above 0.</returns>
    public double Service(RequestOp op, long length, bool durable = false) => op switch
    {
        RequestOp.Read or RequestOp.Prefetch => ReadNs + (length * ReadByteNs),
        RequestOp.Write or RequestOp.BarrierWrite => WriteNs + (length * WriteByteNs) + (durable ? DurableWriteNs : 0),
        RequestOp.Discard or RequestOp.Zero => DiscardNs + (length * DiscardByteNs),

        // Where things are: it is looked up, not read.
        _ => ReadNs,
    };
}
