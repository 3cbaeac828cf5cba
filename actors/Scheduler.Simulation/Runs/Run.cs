using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Storage.Journal;

namespace Scheduler.Simulation;

/// <summary>
/// One run: a volume, its guests, and everything that happens to them over power cuts and restarts. First safety under
/// faults; then the faults stop, and progress is demanded.
/// </summary>
internal sealed class Run
{
    public const string VolumeName = "v";

    // Without guests and faults a volume comes to rest long before.
    private const int QuietStepsMax = 300_000;

    private readonly SimulationOptions _options;
    private readonly Random _engineRandom;
    private readonly Random _guestRandom;
    private readonly Random _chaosRandom;
    private readonly Chaos _chaos;
    private readonly FaultRecords _records;
    private readonly VolumeTelemetry _telemetry;
    private readonly Changes _changes;
    private readonly Takeovers _takeovers;
    private Incarnation _now = null!;
    private long _epoch;
    private int _steps;
    private bool _faultsAreOver;

    private Run(SimulationOptions options, VolumeTelemetry telemetry)
    {
        _options = options;
        _telemetry = telemetry;
        Random seeds = new(options.Seed);
        Random volumeRandom = new(seeds.Next());
        _engineRandom = new Random(seeds.Next());
        _guestRandom = new Random(seeds.Next());
        _chaosRandom = new Random(seeds.Next());
        VolumeSpec spec = SimulatedVolume.Draw(volumeRandom, options.Guests, new Random(seeds.Next()));
        Random more = new(seeds.Next());
        _chaos = Chaos.Draw(volumeRandom, options.Faults).With(more, options.Faults);
        if ((options.Faults & FaultKinds.Costs) != 0 && more.Next(2) == 0)
            spec = spec with { Costs = SimulatedVolume.DrawWrongCosts(more, _chaos.Device, spec.Depth) };
        _records = new FaultRecords(spec.Domains.Count);
        Map = new DiskMap(spec, [.. spec.Domains.Select(domain => new SectorMedia((int)(domain.Size / SectorMedia.SectorBytes)))]);
        _changes = new Changes(this, more);
        Random takeovers = new(seeds.Next());
        _chaos = _chaos.WithTakeovers(takeovers, options.Faults);
        _takeovers = new Takeovers(this, takeovers, _chaos);
        if (_chaos.ChangeDiskOneOf > 0)
            _changes.HoldBack();
        AddCheckers();
    }

    public History History { get; } = new();

    public DiskMap Map { get; }

    public PlantedBug Bug => _options.Bug;

    public SimulatedSystem System => _now.System;

    public Incarnation Now => _now;

    /// <summary>What of the history of faults is durable.</summary>
    public JournalRecords Journal { get; } = new();

    public bool Crowded => _chaos.Crowded;

    public int CrowdFuaPercent => _chaos.CrowdFuaPercent;

    /// <summary>The failed sync of which a waiter was told, for <see cref="PlantedBug.FailedFlushFailsFirstOnly"/>.</summary>
    public int FirstFailed { get; set; } = -1;

    /// <summary>Guests ask for more while this holds.</summary>
    public bool GuestsMaySend { get; private set; } = true;

    /// <summary>Runs.</summary>
    public static SimulationResult Execute(SimulationOptions options, int tableLines = 80)
    {
        using VolumeTelemetry telemetry = new();
        Run run = new(options, telemetry);
        RuleViolationException? violation = null;
        try
        {
            run.Go();
        }
        catch (RuleViolationException exception)
        {
            violation = exception;
        }
#pragma warning disable CA1031 // Whatever goes wrong in a run is reported with its seed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            violation = new RuleViolationException("S6", "engine", exception.ToString());
        }

        History history = run.History;
        return new SimulationResult(
            options,
            violation?.Rule,
            violation?.Checker,
            violation?.Message,
            run._steps,
            history.Requests.Count - 1,
            history.Events.Count,
            history.Hash,
            history.Table(Math.Min(tableLines, history.Events.Count)));
    }

    /// <summary>How long a new ring looks for its volume's next scheduler.</summary>
    public TimeSpan ReattachMax() => _takeovers.ReattachMax();

    /// <summary>Whether a disk has rings that the volume of now does not know.</summary>
    public bool HasRingsAway(int disk) => _now.Rings.Exists(ring => ring.Disk == disk && ring.Epoch != 0 && ring.Epoch != _epoch);

    /// <summary>A ring is over. Its guest comes back, or another does.</summary>
    public void Closed(SimulatedRing ring)
    {
        _ = _now.Rings.Remove(ring);
        _now.System.After(_guestRandom.Next(5_000_000), () =>
        {
            if (GuestsMaySend && !_now.Stopping && _changes.MayOpen(ring.Disk))
                Open(ring.Disk);
        });
    }

    /// <summary>Guests may come to a disk again; one does, if there is none.</summary>
    public void Reopen(int disk)
    {
        if (GuestsMaySend && !_now.Stopping && _changes.MayOpen(disk) && !_now.Rings.Exists(ring => ring.Disk == disk))
            _ = Open(disk);
    }

    private void Go()
    {
        Start();
        for (int i = 0; i < _options.Steps; i++)
        {
            if (!Step())
                _ = Open(_guestRandom.Next(Map.Spec.Disks.Count));
            if (_now.Stopping && _now.KillIn < 0 && _now.Status.Stopped.IsCompleted)
                Restart();
            Disturb();
        }

        Finish();
    }

    // The order matters: who judges an era's end comes before the log that ends it.
    private void AddCheckers()
    {
        SectorLog log = new(History, Map);
        WaitingRequests waiting = new(History, Map);
        DeviceOccupancy device = new();
        Checker[] all =
        [
            new BarrierCrashChecker(History, Map, log),
            log,
            new AnswerChecker(History),
            new IsolationChecker(History),
            new FlushCountChecker(History, Map),
            new FenceChecker(History, Map, log),
            new SyncFailureChecker(History, Map, log),
            new DurabilityChecker(History, Map, log),
            new BarrierFailureChecker(History, Map),
            new BarrierReadChecker(History, log),
            new LinearizabilityChecker(History, Map, log),
            waiting,
            device,
            new WorkConservationChecker(History, Map, waiting, device),
            new ShareBoundChecker(Map, waiting),
            new ChargeChecker(Map),
            new LearnedCostChecker(Map, device, _chaos.Device.IsSteady),
            new DiskRemovalChecker(History, Map),
            new FaultHistoryChecker(Journal, _records),
        ];
        History.Checkers.AddRange(all.Where(checker => checker is SectorLog or WaitingRequests or DeviceOccupancy || _options.OnlyChecker is null || checker.GetType().Name == _options.OnlyChecker));
    }

    private void Start()
    {
        SimulatedSystem system = new(_engineRandom, _now is null ? 1_000_000 : _now.System.NowNs);
        foreach (RingRecord ring in History.Rings)
            ring.Memory.InUse = false;
        Start(system, [], 0);
        for (int disk = 0; disk < Map.Spec.Disks.Count && GuestsMaySend; disk++)
        {
            if (!Map.IsServed(disk))
                continue;
            for (int n = _guestRandom.Next(1, 3); n > 0; n--)
                Open(disk);
        }
    }

    /// <summary>The volume's next scheduler starts; all else goes on.</summary>
    /// <param name="foundNs">In so many nanoseconds it is found.</param>
    public void StartNext(long foundNs) => Start(_now.System, _now.Rings, foundNs);

    private void Start(SimulatedSystem system, List<SimulatedRing> rings, long foundNs)
    {
        bool forget = Bug == PlantedBug.FaultForgotten;
        VolumeSpec spec = Map.Spec with
        {
            Policy = Bug == PlantedBug.BarrierDrainsOthers && Map.Spec.Policy == PolicyKind.Fair ? PolicyKind.QueueDrain : Map.Spec.Policy,
            Guests = [.. Map.Spec.Guests.Select(guest => Bug == PlantedBug.WeightsIgnored ? guest with { Weight = 100 } : guest)],
            Domains = [.. Map.Spec.Domains.Select((domain, i) => domain with { Fault = forget ? 0 : _records[i] })],
            Disks = [.. Enumerable.Range(0, Map.Spec.Disks.Count).Where(Map.IsServed).Select(DiskNow)],
        };
        _changes.Restarted();
        _now = new Incarnation(this, spec, _chaos, _records, _telemetry, ++_epoch, _engineRandom, system, rings, foundNs);
        if (_faultsAreOver)
            StopFaults();
        History.NowNs = () => _now.System.NowNs;
        _now.System.Taking = NoteAccepted;
        _now.System.Sending = NoteAnswered;
        _now.System.Loses = Bug == PlantedBug.NothingSentAgain ? IsSentAgain : null;
        History.Add(new HistoryEvent { Kind = HistoryKind.Started });
        for (int domain = 0; domain < Map.Spec.Domains.Count && !forget; domain++)
        {
            if (_records[domain] != 0)
                History.Add(new HistoryEvent { Kind = HistoryKind.FaultRecorded, Domain = domain, Value = _records[domain] });
        }
    }

    private DiskSpec DiskNow(int disk) => disk == 0 ? Misplaced(Map.Disk(0, Map.Extents(0))) : Map.Disk(disk, Map.Extents(disk));

    private DiskSpec Misplaced(DiskSpec disk)
    {
        if (Bug != PlantedBug.ExtentOffByOne)
            return disk;
        Extent last = disk.Extents[^1];
        Extent misplaced = last.Stripes is { } stripes
            ? Extent.Striped(last.DiskOffset, last.Length, stripes with { Legs = [.. stripes.Legs.Select(leg => (leg.Domain, leg.DeviceOffset + 4096))] })
            : last with { DeviceOffset = last.DeviceOffset + 4096 };
        return disk with { Extents = [.. disk.Extents.SkipLast(1), misplaced] };
    }

    private SimulatedRing Open(int disk)
    {
        SimulatedRing ring = new(this, disk, new Random(_guestRandom.Next()));
        _now.Rings.Add(ring);
        return ring;
    }

    // One step of the engine; then what it has come to.
    private bool Step()
    {
        bool moved = _now.System.Advance();
        _steps++;

        // As it has to: a persistent actor whose journal fails stops, and is started again.
        if (_now.System.Failures.Count > 0)
            _ = _now.System.Failures.RemoveAll(failure => failure is PersistenceException { InnerException: JournalUnavailableException });
        if (_now.Volume.IsIdle && _now.System.Failures.Count == 0)
        {
            foreach (Checker checker in History.Checkers)
                checker.Rest(_now);
        }

        if (_now.KillIn >= 0 && _now.KillIn-- == 0)
            Kill();
        else if (_now.KillIn < 0 && _now.System.Failures.Count > 0)
            Judge(_now.System.Failures[0]);
        else if (_now.Moving && _now.KillIn < 0 && _now.Status.Stopped.IsCompleted)
            _takeovers.HasStopped();
        return moved;
    }

    private void Judge(Exception failure)
    {
        string rule = failure is InvariantException broken ? broken.Rule : "S6";
        if (rule == "F6" && _now.Faults.HasFailed)
        {
            // As it has to: the fault could not be recorded, so the volume has stopped, and is started again.
            _now.KillIn = _chaosRandom.Next(100);
            return;
        }

        throw new RuleViolationException(rule, "engine", $"{failure.GetType().Name}: {failure.Message}");
    }

    private void Disturb()
    {
        if (Draws(_chaos.PowerCutOneOf))
            CutPower();
        else if (Draws(_chaos.KillOneOf))
            Kill();
        else if (Draws(_chaos.StopOneOf))
            Stop();
        else if (Draws(_chaos.TakeOverOneOf))
            _takeovers.TakeOver();
        else if (Draws(_chaos.MoveOneOf))
            _takeovers.Move();
        else if (Draws(_chaos.DetachOneOf) && _now.Rings.Count > 0)
            _now.Rings[_chaosRandom.Next(_now.Rings.Count)].Close();
        else if (Draws(_chaos.AttachOneOf) && _now.Rings.Count < 3 * Map.Spec.Disks.Count)
            _ = Open(_chaosRandom.Next(Map.Spec.Disks.Count));
        else if (Draws(_chaos.ClearOneOf))
            ClearFaults();
        else if (Draws(_chaos.ChangeGuestOneOf))
            _changes.ChangeGuest();
        else if (Draws(_chaos.ChangeDiskOneOf))
            _changes.ChangeDisk();
    }

    private bool Draws(int oneOf) => oneOf > 0 && _chaosRandom.Next(oneOf) == 0;

    private void CutPower()
    {
        IReadOnlyList<SimulatedDevice> devices = _now.Devices;
        foreach (SimulatedDevice device in devices)
        {
            if (Bug == PlantedBug.TwoPageCaches)
                device.LeavePageCache();
            else
                device.LosePower();
        }

        History.Add(new HistoryEvent { Kind = HistoryKind.PowerCut });
        Start();
        foreach (SimulatedDevice device in devices)
            device.WriteBack(_now.System);
    }

    private void Kill()
    {
        foreach (SimulatedDevice device in _now.Devices)
            device.FinishAll();
        History.Add(new HistoryEvent { Kind = HistoryKind.Killed });
        Start();
    }

    private void Stop()
    {
        if (_now.Stopping || _now.KillIn >= 0)
            return;
        _now.Stopping = true;
        _now.Volume.Tell(StopVolume.Instance);
    }

    // The volume has stopped: all that is left is that everyone hears of it.
    private void Restart()
    {
        RunUntilQuiet("the volume has stopped");
        string? why = _now.Status.Stopped.Result;
        History.Add(new HistoryEvent { Kind = HistoryKind.Quiet });
        History.Add(new HistoryEvent { Kind = HistoryKind.Stopped, Value = why is null ? 0 : 1 });
        Start();
    }

    private void ClearFaults()
    {
        Incarnation mine = _now;
        for (int domain = 0; domain < Map.Spec.Domains.Count; domain++)
        {
            if (mine.Status.Fault(domain) == 0 || mine.Clearing || mine.Stopping)
                continue;
            int cleared = domain;
            mine.Clearing = true;
            mine.Volume.Tell(new ClearVolumeFault(domain, "operator", problem =>
            {
                mine.Clearing = false;
                if (problem is null)
                    History.Add(new HistoryEvent { Kind = HistoryKind.FaultCleared, Domain = cleared });
            }));
        }
    }

    // Faults are over: all is answered; an operator clears what is fenced; every disk is served; the volume stops.
    private void Finish()
    {
        GuestsMaySend = false;
        _faultsAreOver = true;
        History.Add(new HistoryEvent { Kind = HistoryKind.FaultsOver });
        if (_now.KillIn >= 0)
            Kill();
        StopFaults();
        if (_chaos.RingsReattach)
            _takeovers.TakeOver();
        RunUntilQuiet("faults are over");
        if (_now.KillIn >= 0 || _now.Stopping)
        {
            Kill();
            RunUntilQuiet("the service was started again");
        }

        History.Add(new HistoryEvent { Kind = HistoryKind.Quiet });
        while (_now.Status.IsFenced)
        {
            ClearFaults();
            RunUntilQuiet("a fault is cleared");
        }

        Probe();
        Stop();
        RunUntilQuiet("the volume stops");
        Demand(_now.Status.Stopped.IsCompleted && _now.Status.Stopped.Result is null, "the volume does not stop in good order");
        History.Add(new HistoryEvent { Kind = HistoryKind.Quiet });
        History.Add(new HistoryEvent { Kind = HistoryKind.Stopped });
        if ((_options.Faults & FaultKinds.Power) == 0)
            return;
        foreach (SimulatedDevice device in _now.Devices)
            device.LosePower();
        History.Add(new HistoryEvent { Kind = HistoryKind.PowerCut });
    }

    private void Probe()
    {
        foreach (int disk in Enumerable.Range(0, Map.Spec.Disks.Count).Where(Map.IsServed))
            _ = Open(disk);
        RunUntilQuiet("rings were opened");
        List<RequestRecord> probes = [];
        foreach (SimulatedRing ring in _now.Rings)
        {
            Demand(ring.IsAttached, $"a ring of disk {ring.Disk} is not attached");
            probes.AddRange(ring.Probe());
        }

        RunUntilQuiet("probes were sent");
        foreach (RequestRecord probe in probes)
            Demand(probe.Outcome == Outcome.Ok, $"{probe} ends with {probe.Outcome} and error {probe.Error}");
    }

    private void StopFaults()
    {
        _now.Faults.FailOneOf = 0;
        _now.Journal?.StopFaults();
        foreach (SimulatedDevice device in _now.Devices)
            device.StopFaults();
    }

    private void RunUntilQuiet(string since)
    {
        for (int i = 0; Step(); i++)
        {
            if (i >= QuietStepsMax)
                Demand(false, $"no rest {QuietStepsMax} steps after {since}");
        }
    }

    private static void Demand(bool condition, string what)
    {
        if (!condition)
            throw new RuleViolationException("progress", "Run", what);
    }

    private void NoteAccepted(object message, ActorRef receiver)
    {
        if (receiver == _now.Volume && message is StopVolume { Moves: true })
            _now.TakesNothing = true;
        if (message is not RequestBatch batch || receiver != _now.Volume || _now.TakesNothing)
            return;
        foreach (ref readonly RingRequest request in batch.Requests)
            NoteTurn(HistoryKind.Accepted, History.Requests[Stamp.Request(Stamp.OfBuffer(request.Buffer))], 0);
    }

    private void NoteAnswered(object message, ActorRef receiver)
    {
        if (message is not (ReplyBatch or Disconnect or Attached) || _now.Rings.Find(ring => ring.Port.Ring == receiver) is not { } ring)
            return;
        if (message is Attached attached)
        {
            ring.IsLetIn(attached.Epoch);
            return;
        }

        if (message is not ReplyBatch batch)
        {
            ring.IsToldToClose();
            return;
        }

        foreach (ref readonly RingReply reply in batch.Replies)
        {
            if (ring.Sent(reply.Slot) is { } request)
                NoteTurn(HistoryKind.Answered, request, reply.Error);
        }
    }

    private bool IsSentAgain(object message, ActorRef receiver) => message is RequestBatch batch && receiver == _now.Volume
        && batch.Requests.ToArray().Any(request => History.Requests[Stamp.Request(Stamp.OfBuffer(request.Buffer))].IsRepeated);

    private void NoteTurn(HistoryKind kind, RequestRecord request, int error) =>
        History.Add(new HistoryEvent { Kind = kind, Ring = request.Ring, Number = request.Id, Value = error, Offset = _now.System.Turns });
}
