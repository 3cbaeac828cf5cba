using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>
/// A device that only takes time: so many operations at once, first come first served beyond that; a flush takes one of the
/// channels, for its own time and that of the bytes which completed writes have left dirty. No contents, no faults.
/// </summary>
internal sealed class ExperimentDeviceModel(ExperimentDevice device, long size, int operationsMax, SimulatedSystem system, VolumeLoad load, SplitMix64 random)
    : IBlockDevice, IAgendaItem
{
    private readonly CostModel _model = ExperimentCosts.ModelOf(device);
    private readonly DeviceRequest[] _requests = new DeviceRequest[operationsMax];
    private readonly long[] _submittedNs = new long[operationsMax];
    private readonly IntQueue _waiting = new(operationsMax);
    private readonly IntQueue _done = new(operationsMax);
    private SplitMix64 _random = random;
    private Action _signal = () => { };
    private int _busy;
    private long _dirty;

    public DeviceInfo Info => new(size, 512, VolatileCache: true, DurableWrites: false, SupportsDsync: device.DurableWriteNs >= 0);

    public Action CompletionsReady
    {
        set => _signal = value;
    }

    /// <summary>Operations taken so far, by kind.</summary>
    public long[] Operations { get; } = new long[Enum.GetValues<DeviceOp>().Length];

    /// <summary>The longest time from a flush's submission to its end.</summary>
    public long LongestFlushNs { get; private set; }

    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        foreach (ref readonly DeviceRequest request in requests)
        {
            if (request.Offset < 0 || request.Offset > size - request.Length)
                throw new ArgumentException($"{request} does not fit the device");
            int tag = (int)request.Tag;
            _requests[tag] = request;
            _submittedNs[tag] = system.NowNs;
            Operations[(int)request.Op]++;
            if (request.Op == DeviceOp.Flush)
                load.FlushStarted();
            else
                load.PieceStarted(request.Offset);
            if (_busy < device.Channels)
                Begin(tag);
            else
                _waiting.Add(tag);
        }
    }

    public int Reap(Span<DeviceCompletion> completions)
    {
        int count = Math.Min(completions.Length, _done.Count);
        for (int i = 0; i < count; i++)
            completions[i] = new DeviceCompletion((ulong)_done.Take(), 0);
        return count;
    }

    /// <summary>An operation is over.</summary>
    public void Due(long tag)
    {
        _busy--;
        ref readonly DeviceRequest request = ref _requests[tag];
        if (request.Op == DeviceOp.Write && (request.Flags & DeviceFlags.Dsync) == 0)
            _dirty += request.Length;
        else if (request.Op == DeviceOp.Flush)
            LongestFlushNs = Math.Max(LongestFlushNs, system.NowNs - _submittedNs[tag]);
        load.Ended();
        _done.Add((int)tag);
        if (_done.Count == 1)
            _signal();
        if (_waiting.Count > 0)
            Begin(_waiting.Take());
    }

    public void Dispose()
    {
    }

    private void Begin(int tag)
    {
        _busy++;
        double service = ServiceNs(_requests[tag]);
        if (device.Spread > 0)
            service *= 1 + (device.Spread * ((2 * _random.Fraction()) - 1));
        system.At(system.NowNs + Math.Max(1, (long)Math.Round(service)), this, tag);
    }

    private double ServiceNs(in DeviceRequest request)
    {
        if (request.Op != DeviceOp.Flush)
            return _model.Service(ChargeChecker.CostOf(request.Op), request.Length, (request.Flags & DeviceFlags.Dsync) != 0);
        long dirty = _dirty;
        _dirty = 0;
        return _model.FlushNs + (dirty * _model.FlushByteNs);
    }

    /// <summary>A queue of numbers in fixed memory.</summary>
    private sealed class IntQueue(int capacity)
    {
        private readonly int[] _items = new int[capacity];
        private int _first;

        public int Count { get; private set; }

        public void Add(int item)
        {
            int place = _first + Count++;
            _items[place >= _items.Length ? place - _items.Length : place] = item;
        }

        public int Take()
        {
            int item = _items[_first];
            _first = _first + 1 == _items.Length ? 0 : _first + 1;
            Count--;
            return item;
        }
    }
}
