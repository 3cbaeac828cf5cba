namespace Scheduler.Core.Tests;

/// <summary>
/// A device with channels, first come first served, under one guest with a closed loop of reads and writes: reads take 400 us,
/// writes 100 us, both 0.5 ns for each byte, by default.
/// </summary>
internal sealed class ChannelDevice
{
    private const int Credits = 256;
    private const double FlushNs = 4e6;

    private readonly int _channels;
    private readonly Queue<(int Operation, double ServiceNs)> _waiting = new();
    private readonly PriorityQueue<int, long> _ends = new();
    private readonly Queue<int> _idle = new(Enumerable.Range(0, Credits));
    private readonly System.Random _random = new(7);
    private int _busy;
    private int _outstanding;
    private long _answered;

    public ChannelDevice(int channels, CostModel costs, int depth, long latencyTargetNs = 0)
    {
        _channels = channels;
        Core = new VolumeCore(new VolumeSpec
        {
            Domains = [new DomainSpec(1 << 30, VolatileCache: true, DurableWrites: false, SupportsDsync: true)],
            Guests = [new GuestSpec { Name = "guest", UnflushedBytesMax = long.MaxValue }],
            Disks = [new DiskSpec { Name = "disk", Guest = 0, Extents = [new Extent(0, 0, 0, 1 << 30)] }],
            Depth = depth,
            LatencyTargetNs = latencyTargetNs,
            Costs = costs,
        });
        Take(Core.Step(VolumeEvent.Attach(0, 0, Credits), 0));
    }

    public VolumeCore Core { get; }

    public long NowNs { get; private set; }

    /// <summary>Bytes of a request; 0: 4 KiB to 64 KiB.</summary>
    public long RequestBytes { get; init; }

    public double ReadNs { get; set; } = 400_000;

    public double WriteNs { get; init; } = 100_000;

    public double ByteNs { get; init; } = 0.5;

    /// <summary>What a durable write takes besides a write's time; above 0: all writes ask for it (FUA).</summary>
    public double DurableNs { get; init; }

    /// <summary>Requests that are not answered.</summary>
    public int Outstanding => _outstanding;

    /// <summary>Called after each completion.</summary>
    public Action AfterStep { get; set; } = () => { };

    /// <summary>Keeps so many requests outstanding until some more are answered.</summary>
    public void Run(int outstanding, int requests)
    {
        long end = _answered + requests;
        while (_answered < end)
        {
            while (_outstanding < outstanding)
                Submit();
            CompleteNext();
        }

        // The next load begins on an idle device.
        while (_outstanding > 0)
            CompleteNext();
    }

    private void Submit()
    {
        _outstanding++;
        RequestOp op = _random.Next(2) == 0 ? RequestOp.Read : RequestOp.Write;
        RequestFlags flags = op == RequestOp.Write && DurableNs > 0 ? RequestFlags.Fua : RequestFlags.None;
        long length = RequestBytes > 0 ? RequestBytes : 4096L << _random.Next(5);
        Take(Core.Step(VolumeEvent.Submit(0, _idle.Dequeue(), op, 0, length, flags), NowNs));
    }

    private void CompleteNext()
    {
        _ = _ends.TryDequeue(out int operation, out long time);
        NowNs = time;
        _busy--;
        if (_waiting.TryDequeue(out (int Operation, double ServiceNs) next))
            Begin(next.Operation, next.ServiceNs);
        Take(Core.Step(VolumeEvent.Completed(operation), NowNs));
        AfterStep();
    }

    private void Begin(int operation, double serviceNs)
    {
        _busy++;
        _ends.Enqueue(operation, NowNs + (long)(serviceNs * (0.8 + (_random.NextDouble() * 0.4))));
    }

    private void Take(ReadOnlySpan<Effect> effects)
    {
        foreach (ref readonly Effect effect in effects)
        {
            if (effect.Kind == EffectKind.Reply)
            {
                _outstanding--;
                _answered++;
                _idle.Enqueue(effect.Slot);
            }
            else if (effect.Kind is EffectKind.Io or EffectKind.Flush)
            {
                double service = effect.Kind == EffectKind.Flush ? FlushNs
                    : (effect.Op == RequestOp.Read ? ReadNs : WriteNs) + (effect.Length * ByteNs) + (effect.Dsync ? DurableNs : 0);
                if (_busy < _channels)
                    Begin(effect.Operation, service);
                else
                    _waiting.Enqueue((effect.Operation, service));
            }
        }
    }
}
