namespace Scheduler.Core;

/// <summary>What the core wants done.</summary>
public enum EffectKind : byte
{
    /// <summary>Start an operation with a range on a domain's device.</summary>
    Io,

    /// <summary>Start a flush of a domain's device.</summary>
    Flush,

    /// <summary>Answer a request.</summary>
    Reply,

    /// <summary>Send <see cref="EventKind.Tick"/> at a time; replaces the time named before.</summary>
    WakeAt,

    /// <summary>Make a fault durable, then send <see cref="EventKind.FaultRecorded"/>.</summary>
    RecordFault,

    /// <summary>Close a ring: its guest may have lost data (F6).</summary>
    Disconnect,

    /// <summary>The device holds no buffer of a detached ring any more; its number is free.</summary>
    RingReleased,

    /// <summary>A request waits for a device flush that is in flight: for tracing only.</summary>
    FlushServes,

    /// <summary>All is answered, flushed and recorded; nothing follows.</summary>
    Stopped,
}

/// <summary>One effect. Which fields count depends on <see cref="Kind"/>.</summary>
public struct Effect
{
    /// <summary>What to do.</summary>
    public EffectKind Kind;

    /// <summary>Io, Reply: the request's operation.</summary>
    public RequestOp Op;

    /// <summary>Io: the request's flags that matter to the device. Reply: the request's flags.</summary>
    public RequestFlags Flags;

    /// <summary>Io: write so that it is durable when it completes.</summary>
    public bool Dsync;

    /// <summary>Io, Reply, Disconnect, RingReleased, FlushServes: the ring.</summary>
    public int Ring;

    /// <summary>Io, Reply, FlushServes: the ring's slot.</summary>
    public int Slot;

    /// <summary>Io, Flush, FlushServes: the operation's number, for <see cref="VolumeEvent.Completed"/>.</summary>
    public int Operation;

    /// <summary>Io, Flush, RecordFault: the domain.</summary>
    public int Domain;

    /// <summary>Reply, RecordFault: 0 or a positive errno.</summary>
    public int Error;

    /// <summary>Io: first byte on the device.</summary>
    public long Offset;

    /// <summary>Io: bytes. Reply: bytes of the request.</summary>
    public long Length;

    /// <summary>Io: where in the request's buffer the piece begins.</summary>
    public long BufferOffset;

    /// <summary>WakeAt: the time, or <see cref="long.MaxValue"/> for never. Reply: when the request came.</summary>
    public long TimeNs;

    /// <summary>Reply: how long the request waited before its first device operation; all of it if there was none.</summary>
    public long QueuedNs;

    /// <summary>Reply: how long it was held by its stream's order, or by a policy that drains.</summary>
    public long DrainNs;

    /// <summary>Reply: how long it was in the policy's queue before a piece or a flush of it went to the device.</summary>
    public long QueueNs;

    /// <summary>Reply: how long it waited for device flushes to start (F1, F7), over all domains.</summary>
    public long BatchNs;
}

/// <summary>A growing, reused list of effects.</summary>
public sealed class EffectList
{
    private Effect[] _items = new Effect[64];

    /// <summary>How many effects are in it.</summary>
    public int Count { get; private set; }

    /// <summary>The effects in the order in which they are to be carried out. Valid until the list changes.</summary>
    public ReadOnlySpan<Effect> Items => _items.AsSpan(0, Count);

    /// <summary>Empties the list.</summary>
    public void Clear() => Count = 0;

    internal ref Effect Add(EffectKind kind)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Count * 2);
        ref Effect effect = ref _items[Count++];
        effect = default;
        effect.Kind = kind;
        return ref effect;
    }
}
