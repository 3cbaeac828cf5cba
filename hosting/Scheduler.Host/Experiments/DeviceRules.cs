using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Checks a device's profile.</summary>
internal static class DeviceRules
{
    private const double BytesPerMib = 1 << 20;

    private static readonly TimeSpan _min = TimeSpan.FromTicks(1);
    private static readonly TimeSpan _max = TimeSpan.FromMicroseconds(ExperimentLimits.ServiceNsMax / 1000);

    public static ExperimentDevice Check(ExperimentSection device) => new()
    {
        Channels = device.Count("channels", 1, ExperimentLimits.ChannelsMax),
        ReadNs = device.Ns("read", _min, _max),
        WriteNs = device.Ns("write", _min, _max),
        ByteNs = PerByte(device, "per-mib"),
        WriteByteNs = device.IsSet("write-per-mib") ? PerByte(device, "write-per-mib") : null,
        FlushNs = device.Ns("flush", _min, _max),
        FlushByteNs = PerByte(device, "flush-per-mib"),

        // A negative time stands for a device without such writes.
        DurableWriteNs = device.IsSet("durable-write") ? device.Ns("durable-write", TimeSpan.Zero, _max) : -1,
        DiscardNs = device.Ns("discard", _min, _max),
        DiscardByteNs = PerByte(device, "discard-per-mib"),
        Spread = device.Number("spread", 0, 1),
    };

    private static double PerByte(ExperimentSection device, string name) => device.Ns(name, TimeSpan.Zero, _max) / BytesPerMib;
}
