// The scheduler of one volume: events and time in, effects out. Nothing here knows an actor, a device, a clock, a thread
// or a random number. What each part does, by rule:
//
//   VolumeCore.cs             events; rings come and go; the end of each step
//   VolumeCore.Requests.cs    a request's life: arrival, order, phases, answer       S3 S4 O1-O6
//   VolumeCore.Dispatch.cs    pieces to the device and back                          Q4 Q5 S2
//   VolumeCore.Durability.cs  flush points, FUA, faults                              F1-F8
//   VolumeCore.Disks.cs       disks grow, come and go while the volume runs          S2 F4
//   VolumeCore.Guests.cs      guests change and come while the volume runs           Q1-Q3 F7
//   RequestStream.cs          order within a stream                                  O1-O6
//   OrderedModes.cs           what the ordered modes mean                            O5
//   FlushDomain.cs            one domain's flushes merged                            F1 F3 F4 Q1
//   FlushGathering.cs         how long a flush waits for company                     F7
//   FuaChoice.cs              which way of FUA                                       F5
//   DepthControl.cs           how many operations at once                            Q6
//   CostModel.cs, DeviceCosts.cs, LearnedCost.cs   what things cost                  Q1
//   FairPolicy.cs             whose piece is next                                    Q2 Q3
//   FifoPolicy.cs, DrainPolicy.cs   baselines for comparison
namespace Scheduler.Core;

/// <summary>
/// A volume's scheduler as a value that is stepped. Owned by one caller; not thread-safe. After an
/// <see cref="InvariantException"/> it must not be used again.
/// </summary>
public sealed partial class VolumeCore
{
    /// <summary>Most credits of a ring.</summary>
    public const int CreditsMax = 1024;

    private readonly VolumeSpec _spec;
    private Guest[] _guests;
    private Disk[] _disks;
    private readonly FlushDomain[] _domains;
    private readonly DeviceCosts _costs;
    private readonly DepthControl _depth;
    private readonly DispatchPolicy _policy;
    private readonly FlushGathering _gathering = new();
    private readonly EffectList _effects = new();
    private readonly List<Ring?> _rings = [];

    private long _nowNs;

    /// <summary>F3: moved on by every completed write and every emitted flush.</summary>
    private long _moment = 1;
    private long _sequence;
    private int _busy;
    private bool _stopping;
    private bool _stopped;
    private long _wakeAtNs = long.MaxValue;

    /// <summary>Creates a scheduler without rings.</summary>
    /// <param name="spec">The volume.</param>
    /// <exception cref="ArgumentException">A value is out of range, or an ordered mode is not known.</exception>
    public VolumeCore(VolumeSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Domains.Count is < 1 or > VolumeSpec.DomainsMax)
            throw new ArgumentException($"a volume has 1 to {VolumeSpec.DomainsMax} flush domains, not {spec.Domains.Count}", nameof(spec));
        if (spec.Depth is < 1 or > 1024)
            throw new ArgumentException($"depth {spec.Depth} is not in 1 to 1024", nameof(spec));

        if (spec.LatencyTargetNs < 0)
            throw new ArgumentException($"latency target {spec.LatencyTargetNs} is below 0", nameof(spec));
        if (spec.Costs is not { Parallel: > 0, ReadNs: > 0, WriteNs: > 0, DiscardNs: > 0, FlushNs: > 0 }
            or not { ReadByteNs: >= 0, WriteByteNs: >= 0, DiscardByteNs: >= 0, FlushByteNs: >= 0, DurableWriteNs: >= 0 })
            throw new ArgumentException($"{spec.Costs}: times of operations are above 0, times of bytes not below", nameof(spec));

        _spec = spec;
        _costs = new DeviceCosts(spec.Costs, spec.Depth);

        // The baselines are what others do, with the depth that they were given.
        _depth = new DepthControl(spec.Depth, spec.Policy == PolicyKind.Fair ? spec.LatencyTargetNs : 0);
        _domains = [.. spec.Domains.Select((domain, i) => new FlushDomain(i, domain, spec.Costs))];
        _guests = [.. spec.Guests.Select((guest, i) => CreateGuest(i, guest))];
        _disks = [.. spec.Disks.Select((disk, i) => CreateDisk(i, disk))];
        _operations = new OperationTable(spec.OperationsMax);
        _newcomersMax = spec.NewcomersMax;
        _policy = spec.Policy switch
        {
            PolicyKind.Fair => new FairPolicy(_guests.Length, _costs),
            PolicyKind.Fifo => new FifoPolicy(_guests.Length),
            PolicyKind.QueueDrain => new DrainPolicy(_guests.Length, perRing: false),
            PolicyKind.RingDrain => new DrainPolicy(_guests.Length, perRing: true),
            _ => throw new ArgumentException($"policy {spec.Policy} is not known", nameof(spec)),
        };
    }

    /// <summary>Report which requests a device flush serves (<see cref="EffectKind.FlushServes"/>).</summary>
    public bool TraceFlushes { get; set; }

    /// <summary>Operations on the device now.</summary>
    public int InFlight => _operations.Count;

    /// <summary>Most operations on the device at once now (Q6).</summary>
    public int DeviceDepth => _depth.Depth;

    /// <summary>Requests that were accepted and are not answered.</summary>
    public int Busy => _busy;

    /// <summary>Sum of the credits of all attached rings: the bound of every queue (S4).</summary>
    public int Credits { get; private set; }

    /// <summary>Device flushes emitted since the start: whole-domain syncs.</summary>
    public long DeviceFlushes { get; private set; }

    /// <summary>Writes emitted that are durable when they complete (<c>RWF_DSYNC</c>).</summary>
    public long DsyncWrites { get; private set; }

    /// <summary>Requests that device flushes served.</summary>
    public long FlushesServed { get; private set; }

    /// <summary>Flush points so far: flushes, barriers' flushes before and after, FUA by flush, and the volume's own.</summary>
    public long FlushPoints { get; private set; }

    /// <summary>Flushes that a guest asked for.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Requests of operation flush since the start.</returns>
    public long FlushRequests(int guest) => _guests[guest].FlushRequests;

    /// <summary>Device time charged to a guest (Q1).</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Nanoseconds since the start.</returns>
    public double DeviceTimeNs(int guest) => _guests[guest].DeviceTimeNs;

    /// <summary>Operations of a guest on the device now, without flushes.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Count.</returns>
    public int GuestInFlight(int guest) => _guests[guest].InFlight;

    /// <summary>Device time that a piece costs now (Q1).</summary>
    /// <param name="op">What it does.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>Nanoseconds; what it turns out to take above that is charged later where it is not known before.</returns>
    public double CostNs(RequestOp op, long length) => _costs.ServiceNs(op, length, durable: false) / _costs.Parallel;

    /// <summary>Bytes that a guest has written and no flush has made durable.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Bytes; in flight counts.</returns>
    public long Unflushed(int guest) => _guests[guest].Unflushed;

    /// <summary>Errno of the fault that fences a domain, or 0.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <returns>Errno or 0.</returns>
    public int Fault(int domain) => _domains[domain].Fault;

    /// <summary>Whether replies wait for a fault to be made durable (F6).</summary>
    public bool IsRecordPending => Array.Exists(_domains, domain => domain.RecordPending);

    /// <summary>Takes one event and says what is to be done.</summary>
    /// <param name="happened">What happened.</param>
    /// <param name="nowNs">Now, in nanoseconds of a clock that never goes back.</param>
    /// <returns>The effects, in order; valid until the next step.</returns>
    /// <exception cref="InvariantException">A rule is broken, by the caller or in here (S6).</exception>
    public ReadOnlySpan<Effect> Step(in VolumeEvent happened, long nowNs)
    {
        Invariant.Holds(nowNs >= _nowNs, "S6", "time went back");
        Invariant.Holds(!_stopped, "S6", "an event came after the volume had stopped");
        _nowNs = nowNs;
        _effects.Clear();
        switch (happened.Kind)
        {
            case EventKind.Submit:
                Arrive(happened);
                break;
            case EventKind.Completed:
                Completed(happened.Operation, happened.Value);
                break;
            case EventKind.Tick:
                _wakeAtNs = long.MaxValue;
                break;
            case EventKind.Attach:
                Attach(happened);
                break;
            case EventKind.Detach:
                Detach(RingOf(happened.Ring));
                break;
            case EventKind.FaultRecorded:
                FaultRecorded(DomainOf(happened.Slot));
                break;
            case EventKind.ClearFault:
                ClearFault(DomainOf(happened.Slot));
                break;
            case EventKind.ChangeDisk:
                ChangeDisk(happened.Disk!);
                break;
            case EventKind.RemoveDisk:
                RemoveDisk(happened.Slot);
                break;
            case EventKind.ChangeGuest:
                ChangeGuest(happened.Guest!);
                break;
            case EventKind.Stop:
                _stopping = true;
                _policy.LiftLimits();
                break;
            default:
                throw new InvariantException("S6", $"event {happened.Kind} is not known");
        }

        EmitFlushes();
        Dispatch();
        FinishStop();
        PlanWake();
        return _effects.Items;
    }

    private Guest CreateGuest(int index, GuestSpec spec)
    {
        if (spec.Weight is < 1 or > 10_000)
            throw new ArgumentException($"guest {spec.Name}: weight {spec.Weight} is not in 1 to 10000", nameof(spec));
        if (spec.Reservation < 0 || spec.Limit < 0 || (spec.Limit > 0 && spec.Limit < spec.Reservation))
            throw new ArgumentException($"guest {spec.Name}: reservation {spec.Reservation} and limit {spec.Limit} do not fit", nameof(spec));
        if (spec.UnflushedBytesMax <= 0 || spec.FlushLatencyNsMax < 0)
            throw new ArgumentException($"guest {spec.Name}: the bounds on unflushed bytes and flush latency must be above 0", nameof(spec));
        return new Guest(index, spec, _domains.Length);
    }

    private Disk CreateDisk(int index, DiskSpec spec)
    {
        if (spec.Guest < 0 || spec.Guest >= _guests.Length)
            throw new ArgumentException($"disk {spec.Name}: there is no guest {spec.Guest}", nameof(spec));
        if (!Enum.IsDefined(spec.Ordered))
            throw new ArgumentException($"disk {spec.Name}: ordered mode {spec.Ordered} is not known", nameof(spec));
        foreach (Extent extent in spec.Extents)
        {
            if (!extent.Runs().All(IsOnItsDevice))
                throw new ArgumentException($"disk {spec.Name}: {extent} is not on its device", nameof(spec));
        }

        Disk disk = new(index, spec, _guests[spec.Guest], _domains.Length);

        // F4: unflushed until one device flush has succeeded.
        Array.Fill(disk.DirtyAt, _moment);
        return disk;
    }

    private bool IsOnItsDevice((int Domain, long DeviceOffset, long Length) run) =>
        run.Domain >= 0 && run.Domain < _domains.Length && run.DeviceOffset <= _domains[run.Domain].Spec.Size - run.Length;

    private Ring RingOf(int number)
    {
        Ring? ring = number >= 0 && number < _rings.Count ? _rings[number] : null;
        Invariant.Holds(ring is { Detached: false }, "S3", "an event names a ring that is not attached");
        return ring;
    }

    private FlushDomain DomainOf(int index)
    {
        Invariant.Holds(index >= 0 && index < _domains.Length, "S6", "an event names a domain that the volume does not have");
        return _domains[index];
    }

    private void Attach(in VolumeEvent happened)
    {
        int number = happened.Ring;
        Invariant.Holds(happened.Slot >= 0 && happened.Slot < _disks.Length, "S6", "a ring attaches to a disk that the volume does not have");
        Invariant.Holds(happened.Value is >= 1 and <= CreditsMax && happened.Stream >= 1, "S4", "a ring attaches with credits or streams out of range");
        Invariant.Holds(number >= 0 && (number >= _rings.Count || _rings[number] is null), "S3", "a ring attaches under a number in use");
        while (_rings.Count <= number)
            _rings.Add(null);
        _rings[number] = new Ring(number, _disks[happened.Slot], happened.Value, happened.Stream);
        Credits += happened.Value;
    }

    private void Detach(Ring ring)
    {
        ring.Detached = true;
        _gathering.Forget(ring);

        DropUnissued(ring, CoreError.Canceled);
        ReleaseIfGone(ring);
    }

    private void ReleaseIfGone(Ring ring)
    {
        if (!ring.Detached || ring.Busy > 0 || _rings[ring.Number] != ring)
            return;
        _rings[ring.Number] = null;
        Credits -= ring.Slots.Length;
        _effects.Add(EffectKind.RingReleased).Ring = ring.Number;
    }

    // S3: stopping answers all that was accepted, flushes where a disk is dirty, and says so once.
    private void FinishStop()
    {
        if (!_stopping || _busy > 0)
            return;
        foreach (FlushDomain domain in _domains)
        {
            if (domain.RecordPending || domain.InFlight)
                return;
            if (domain.Fault == 0 && IsDirty(domain))
            {
                domain.Wanted = true;
                FlushPoints++;
                EmitFlushes();
                return;
            }
        }

        Invariant.Holds(_operations.Count == 0, "S3", "operations are in flight though all requests are answered");
        _stopped = true;
        _effects.Add(EffectKind.Stopped);
    }

    private bool IsDirty(FlushDomain domain)
    {
        if (domain.LeftDirtyAt >= domain.FlushedAt && domain.LeftDirtyAt > 0)
            return true;
        foreach (Disk disk in _disks)
        {
            if ((disk.Extents.Domains & domain.Bit) != 0 && !domain.IsClean(disk))
                return true;
        }

        return false;
    }

    private void PlanWake()
    {
        long wake = _dataInFlight < DataDepth ? _policy.NextTimeNs() : long.MaxValue;
        foreach (FlushDomain domain in _domains)
        {
            if (domain.Hold != 0 && domain.Collecting.Count > 0)
                wake = Math.Min(wake, domain.HoldEndsNs);
        }

        if (wake == _wakeAtNs)
            return;
        _wakeAtNs = wake;
        _effects.Add(EffectKind.WakeAt).TimeNs = wake;
    }
}
