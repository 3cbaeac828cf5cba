// Q1 for experiments. The core's unit of cost is nanoseconds of the whole device: an operation that keeps one of C channels
// busy for t costs t / C. So the sum of costs that a device works off in a second is about a second, and with UnitNs the
// cost of a 4 KiB read, 1e9 / UnitNs is what the device does of them in a second: reservations and limits are fractions
// of that.
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What the core is told of an experiment's device.</summary>
internal static class ExperimentCosts
{
    /// <summary>The cost model of a device: its profile.</summary>
    public static CostModel ModelOf(ExperimentDevice device) => new()
    {
        Parallel = device.Channels,
        ReadNs = device.ReadNs,
        ReadByteNs = device.ByteNs,
        WriteNs = device.WriteNs,
        WriteByteNs = device.WriteByteNs ?? device.ByteNs,
        DurableWriteNs = Math.Max(0, device.DurableWriteNs),
        DiscardNs = device.DiscardNs,
        DiscardByteNs = device.DiscardByteNs,
        FlushNs = device.FlushNs,
        FlushByteNs = device.FlushByteNs,
    };
}
