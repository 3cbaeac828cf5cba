using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>
/// One machine's view of a device, as unhelpful as the contract of <see cref="IBlockDevice"/> lets it be: operations are
/// served in any order, a flush covers only what had been reaped before it was submitted, and a failed sync drops what was
/// volatile.
/// </summary>
internal sealed class SimulatedDevice(
    int domain, DomainSpec spec, SectorMedia media, DeviceProfile profile, SimulatedSystem system, History history, Random random, PlantedBug bug)
    : IBlockDevice
{
    private readonly List<Operation> _queue = [];
    private readonly List<Operation> _busy = [];
    private readonly List<Operation> _done = [];
    private DeviceProfile _profile = profile;
    private Action _signal = () => { };
    private long _lastFlushAt;
    private bool _flushed;
    private bool _dsyncSinceFlush;
    private List<(int Sector, ulong Stamp)> _left = [];
    private long _flushingNs;
    private long _flushSinceNs = -1;

    public DeviceInfo Info => new(spec.Size, SectorMedia.SectorBytes, spec.VolatileCache, spec.DurableWrites, spec.SupportsDsync);

    public Action CompletionsReady
    {
        set => _signal = value;
    }

    /// <summary>The first flush is answered as if there were nothing to flush.</summary>
    public bool IsTakenForClean { get; init; }

    /// <summary>Time for which a flush has been in flight until now.</summary>
    public long FlushingNs => _flushingNs + (_flushSinceNs < 0 ? 0 : system.NowNs - _flushSinceNs);

    /// <summary>From now on it makes no errors.</summary>
    public void StopFaults() => _profile = _profile.WithoutFaults();

    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        foreach (ref readonly DeviceRequest request in requests)
        {
            if (request.Offset < 0 || request.Offset + request.Length > spec.Size || (request.Offset | request.Length) % SectorMedia.SectorBytes != 0
                || (request.Flags.HasFlag(DeviceFlags.Dsync) && !spec.SupportsDsync))
                throw new ArgumentException($"{request} does not fit the device");
            Operation operation = new(request);
            Record(HistoryKind.DeviceStart, operation);
            if (request.Op == DeviceOp.Flush)
                StartFlush(operation);
            else if (_profile.InlineOneOf > 0 && random.Next(_profile.InlineOneOf) == 0)
                Finish(operation, signal: false);
            else
                _queue.Add(operation);
        }

        Work();
    }

    public int Reap(Span<DeviceCompletion> completions)
    {
        int count = 0;
        while (count < completions.Length && _done.Count > 0)
        {
            int index = random.Next(_done.Count);
            Operation operation = _done[index];
            _done.RemoveAt(index);
            Complete(operation);
            completions[count++] = new DeviceCompletion(operation.Request.Tag, operation.Error);
        }

        return count;
    }

    /// <summary>The service is gone, the power is not: the device takes what is in flight, in any order.</summary>
    public void FinishAll()
    {
        _profile = _profile.WithoutFaults();
        List<Operation> all = [.. _queue, .. _busy];
        _queue.Clear();
        _busy.Clear();
        while (all.Count > 0)
        {
            int index = random.Next(all.Count);
            Apply(all[index], _ => true);
            _done.Add(all[index]);
            Complete(all[index]);
            all.RemoveAt(index);
        }

        foreach (Operation operation in _done)
            Complete(operation);
    }

    /// <summary>Nobody keeps out what is in flight: it reaches the device some time later.</summary>
    public void FinishLate()
    {
        foreach (Operation operation in _queue.Concat(_busy))
        {
            _done.Add(operation);
            system.After(random.Next(20_000_000), () =>
            {
                Apply(operation, _ => true);
                Complete(operation);
            });
        }

        _queue.Clear();
        _busy.Clear();
    }

    // Once: a volume that is gone has its completions reaped later.
    private void Complete(Operation operation)
    {
        if (operation.Write.CompletedAt == long.MaxValue)
            media.Complete(operation.Write);
    }

    /// <summary>The host is given up for dead: the next one does not see its page cache.</summary>
    public void LeavePageCache() => _left = media.DropCache();

    /// <summary>It was not dead: what was in its page cache reaches the disk while the next host is at work.</summary>
    public void WriteBack(SimulatedSystem next)
    {
        foreach ((int sector, ulong stamp) in _left)
            next.After(random.Next(20_000_000), () => media.WriteBack(sector, stamp));
    }

    /// <summary>The power goes: of what was in flight and in the cache, any sectors survive.</summary>
    public void LosePower()
    {
        foreach (Operation operation in _queue.Concat(_busy))
        {
            if (operation.Request.Op is not DeviceOp.Flush && random.Next(2) == 0)
                ApplyVolatile(operation, _ => random.Next(2) == 0);
        }

        media.LoseCache(random);
    }

    public void Dispose()
    {
    }

    private void Work()
    {
        while (_busy.Count(operation => operation.Request.Op != DeviceOp.Flush) < _profile.Channels && _queue.Count > 0)
        {
            int index = random.Next(_queue.Count);
            Operation operation = _queue[index];
            _queue.RemoveAt(index);
            Begin(operation, _profile.OperationNs + (operation.Request.Length / SectorMedia.SectorBytes * _profile.SectorNs));
        }
    }

    private void StartFlush(Operation operation)
    {
        operation.FlushesTo = bug == PlantedBug.LateJoiner ? _lastFlushAt : media.Completions;
        operation.FlushesNothing = bug == PlantedBug.FlushDoesNothing
            || ((bug == PlantedBug.FirstFlushAfterRestart || IsTakenForClean) && !_flushed)
            || (bug == PlantedBug.DsyncMarksRestClean && _dsyncSinceFlush);
        if (bug == PlantedBug.FlushCoversItsRing)
            operation.FlushesRings = [.. history.Rings.Where(ring => ring.Pending.Exists(request => request.Op == RequestOp.Flush)).Select(ring => ring.Id)];
        if (bug == PlantedBug.FlushTwice)
            Record(HistoryKind.DeviceStart, operation);
        _flushed = true;
        _dsyncSinceFlush = false;
        _flushSinceNs = system.NowNs;
        Begin(operation, _profile.FlushNs + ((long)media.DirtySectors * _profile.FlushSectorNs));
    }

    private void Begin(Operation operation, long serviceNs)
    {
        _busy.Add(operation);
        long takes = (serviceNs / 2) + random.NextInt64((serviceNs * 3 / 2) + 1);
        if (_profile.SlowOneOf > 0 && random.Next(_profile.SlowOneOf) == 0)
            takes *= 20;
        if (_profile.StallOneOf > 0 && random.Next(_profile.StallOneOf) == 0)
            takes += random.Next(50_000_000, 500_000_000);
        system.After(takes, () =>
        {
            if (!_busy.Remove(operation))
                return;
            Finish(operation, signal: true);
            Work();
        });
    }

    private void Finish(Operation operation, bool signal)
    {
        DeviceRequest request = operation.Request;
        bool sync = request.Op == DeviceOp.Flush || request.Flags.HasFlag(DeviceFlags.Dsync);
        int oneOf = sync ? _profile.SyncErrorOneOf : request.Op == DeviceOp.Prefetch ? 0 : _profile.ErrorOneOf;
        if (oneOf > 0 && random.Next(oneOf) == 0)
            operation.Error = request.Op is DeviceOp.Write or DeviceOp.Zero && random.Next(3) == 0 ? Errno.ENOSPC : Errno.EIO;

        if (operation.Error == 0)
            Apply(operation, _ => true);
        else if (request.Op is not (DeviceOp.Read or DeviceOp.Flush))
            ApplyVolatile(operation, _ => random.Next(2) == 0);

        if (request.Op == DeviceOp.Flush)
        {
            _flushingNs = FlushingNs;
            _flushSinceNs = -1;
        }

        // The caller that is told of success behaves as one that tried again, and had it.
        int failed = operation.Error;
        if ((bug == PlantedBug.FailedFlushRetried && request.Op == DeviceOp.Flush)
            || (bug == PlantedBug.WriteErrorSwallowed && request.Op == DeviceOp.Write && !sync))
            operation.Error = 0;
        if (sync && failed is not (0 or Errno.ENOSPC))
            FailSync(failed);
        Record(HistoryKind.DeviceEnd, operation);
        _done.Add(operation);
        if (signal && _done.Count == 1)
            _signal();
    }

    // The kernel may have dropped the dirty pages, and forgotten that it did.
    private void FailSync(int error)
    {
        media.LoseCache(random);
        foreach (Operation operation in _queue.Concat(_busy))
            operation.MayBeDropped = true;
        history.Add(new HistoryEvent { Kind = HistoryKind.SyncFailed, Domain = domain, Value = error });
    }

    private void Apply(Operation operation, Func<int, bool> sectors)
    {
        if (operation.MayBeDropped && operation.Request.Op is not (DeviceOp.Read or DeviceOp.Status or DeviceOp.Prefetch) && random.Next(2) == 0)
            return;
        DeviceRequest request = operation.Request;
        bool durable = !spec.VolatileCache || (request.Op == DeviceOp.Write
            && (spec.DurableWrites || (request.Flags.HasFlag(DeviceFlags.Dsync) && bug != PlantedBug.DsyncNotDurable)));
        _dsyncSinceFlush |= request.Flags.HasFlag(DeviceFlags.Dsync);
        switch (request.Op)
        {
            case DeviceOp.Read:
                Read(request);
                break;
            case DeviceOp.Flush:
                if (!operation.FlushesNothing)
                    media.Flush(operation.FlushesTo, operation.FlushesRings is { } rings ? stamp => stamp == 0 || rings.Contains(history.Requests[Stamp.Request(stamp)].Ring) : null);
                _lastFlushAt = media.Completions;
                break;
            case DeviceOp.Discard when random.Next(2) == 0:
                // A hint: the range may keep what it holds.
                break;
            case DeviceOp.Write or DeviceOp.Zero or DeviceOp.Discard when durable:
                foreach ((int sector, ulong stamp) in Content(request))
                    media.WriteDurable(sector, stamp);
                break;
            case DeviceOp.Write or DeviceOp.Zero or DeviceOp.Discard:
                ApplyVolatile(operation, sectors);
                break;
            default:
                break;
        }
    }

    private void ApplyVolatile(Operation operation, Func<int, bool> sectors)
    {
        if (operation.Request.Op is not (DeviceOp.Write or DeviceOp.Zero or DeviceOp.Discard))
            return;
        foreach ((int sector, ulong stamp) in Content(operation.Request))
        {
            if (sectors(sector))
                media.Write(sector, stamp, operation.Write);
        }
    }

    private static IEnumerable<(int Sector, ulong Stamp)> Content(DeviceRequest request)
    {
        int first = (int)(request.Offset / SectorMedia.SectorBytes);
        int count = (int)(request.Length / SectorMedia.SectorBytes);
        ulong stamp = Stamp.OfBuffer(request.Buffer);
        for (int i = 0; i < count; i++)
            yield return (first + i, request.Op == DeviceOp.Write ? stamp + (uint)i : 0);
    }

    private void Read(in DeviceRequest request)
    {
        ulong place = Stamp.OfBuffer(request.Buffer);
        ulong[] result = history.Requests[Stamp.Request(place)].Result;
        for (int i = 0; i < request.Length / SectorMedia.SectorBytes; i++)
            result[Stamp.Sector(place) + i] = media.Newest((int)(request.Offset / SectorMedia.SectorBytes) + i);
    }

    private void Record(HistoryKind kind, Operation operation) => history.Add(new HistoryEvent
    {
        Kind = kind,
        Domain = domain,
        DeviceOp = operation.Request.Op,
        DeviceFlags = operation.Request.Flags,
        Number = (int)operation.Request.Tag,
        Offset = operation.Request.Offset,
        Length = operation.Request.Length,
        Value = operation.Error,
        Request = RequestOf(operation),
        Ring = RequestOf(operation) is var request and not 0 ? history.Requests[request].Ring : -1,
    });

    private static int RequestOf(Operation operation) => Stamp.Request(Stamp.OfBuffer(operation.Request.Buffer));

    private sealed class Operation(DeviceRequest request)
    {
        public DeviceRequest Request { get; } = request;

        public VolatileWrite Write { get; } = new();

        public int Error { get; set; }

        /// <summary>A flush: covers what had completed by then.</summary>
        public long FlushesTo { get; set; }

        public bool FlushesNothing { get; set; }

        public HashSet<int>? FlushesRings { get; set; }

        /// <summary>In flight when a sync failed.</summary>
        public bool MayBeDropped { get; set; }
    }
}
