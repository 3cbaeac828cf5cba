// A closed loop of requests through the core, without a device: what the core alone costs. Shared, as source, by the
// benchmarks and by the tests that keep them from rotting and from allocating.
using Scheduler.Core;

namespace Scheduler.Benchmarks;

/// <summary>What the guests ask for.</summary>
public enum CoreMix
{
    /// <summary>4 KiB reads.</summary>
    Reads,

    /// <summary>Reads, writes, FUA writes, and a flush in 32, on disks without order.</summary>
    Flushes,

    /// <summary>As <see cref="Flushes"/>, with barriers in the place of flushes.</summary>
    Barriers,
}

/// <summary>Guests that keep a number of requests outstanding each; the device completes the oldest first.</summary>
public sealed class CoreLoad
{
    private const long DiskBytes = 1 << 30;
    private const long StepNs = 500;

    private readonly VolumeCore _core;
    private readonly CoreMix _mix;

    /// <summary>Operations on the device, oldest first: a ring buffer.</summary>
    private readonly int[] _device = new int[1024];

    /// <summary>Slots to fill again.</summary>
    private readonly (int Ring, int Slot)[] _idle;
    private int _idleCount;
    private long _deviceHead;
    private long _deviceTail;
    private long _nowNs;
    private uint _random = 12345;

    /// <summary>Attaches the guests.</summary>
    /// <param name="mix">What they ask for.</param>
    /// <param name="guests">How many they are.</param>
    /// <param name="outstanding">Requests of each.</param>
    /// <param name="depth">Depth of the device.</param>
    public CoreLoad(CoreMix mix, int guests = 64, int outstanding = 8, int depth = 64)
    {
        _mix = mix;
        _idle = new (int Ring, int Slot)[guests * outstanding];
        _core = new VolumeCore(new VolumeSpec
        {
            Domains = [new DomainSpec(guests * DiskBytes, VolatileCache: true, DurableWrites: false, SupportsDsync: true)],
            Guests = [.. Enumerable.Range(0, guests).Select(i => new GuestSpec { Name = $"guest{i}", Weight = 100 + i })],
            Disks = [.. Enumerable.Range(0, guests).Select(i => new DiskSpec
            {
                Name = $"disk{i}",
                Guest = i,
                Ordered = mix == CoreMix.Barriers ? OrderedMode.TagFlush : OrderedMode.FlushFua,
                Extents = [new Extent(0, 0, i * DiskBytes, DiskBytes)],
            })],
            Depth = depth,

            // As the service has it unless it is told otherwise.
            Costs = new CostModel { Learn = true },
            LatencyTargetNs = 10_000_000,
        });
        for (int i = 0; i < guests; i++)
            Carry(_core.Step(VolumeEvent.Attach(i, i, outstanding), 0));
        for (int slot = 0; slot < outstanding; slot++)
        {
            for (int ring = 0; ring < guests; ring++)
                _idle[_idleCount++] = (ring, slot);
        }
    }

    /// <summary>Requests answered so far.</summary>
    public long Answered { get; private set; }

    /// <summary>Device flushes so far.</summary>
    public long DeviceFlushes => _core.DeviceFlushes;

    /// <summary>Steps of the core so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Runs until some more requests are answered.</summary>
    /// <param name="requests">How many.</param>
    /// <returns>Requests answered so far.</returns>
    public long Run(int requests)
    {
        long end = Answered + requests;
        while (Answered < end)
        {
            while (_idleCount > 0)
                Submit(_idle[--_idleCount]);
            _nowNs += StepNs;
            Steps++;
            Carry(_deviceHead == _deviceTail
                ? _core.Step(VolumeEvent.Tick(), _nowNs)
                : _core.Step(VolumeEvent.Completed(_device[_deviceHead++ % _device.Length]), _nowNs));
        }

        return Answered;
    }

    private void Submit((int Ring, int Slot) place)
    {
        _random = (_random * 1664525) + 1013904223;
        uint choice = _mix == CoreMix.Reads ? 0 : (_random >> 16) % 32;
        (RequestOp op, RequestFlags flags) = choice switch
        {
            31 => (_mix == CoreMix.Barriers ? RequestOp.BarrierWrite : RequestOp.Flush, RequestFlags.None),
            30 => (RequestOp.Write, RequestFlags.Fua),
            >= 16 => (RequestOp.Write, RequestFlags.None),
            _ => (RequestOp.Read, RequestFlags.None),
        };
        long offset = (_random >> 8) % (DiskBytes / 4096 / 64) * 4096;
        Steps++;
        Carry(_core.Step(
            op.HasRange()
                ? VolumeEvent.Submit(place.Ring, place.Slot, op, offset, 4096, flags)
                : VolumeEvent.Submit(place.Ring, place.Slot, op),
            _nowNs));
    }

    private void Carry(ReadOnlySpan<Effect> effects)
    {
        foreach (ref readonly Effect effect in effects)
        {
            if (effect.Kind is EffectKind.Io or EffectKind.Flush)
            {
                _device[_deviceTail++ % _device.Length] = effect.Operation;
            }
            else if (effect.Kind == EffectKind.Reply)
            {
                _idle[_idleCount++] = (effect.Ring, effect.Slot);
                Answered++;
            }
        }
    }
}
