using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>One volume of the running service: its devices, its loop and its scheduler actor.</summary>
internal sealed class RunningVolume : IDisposable
{
    private readonly IReadOnlyList<VolumeDomain> _domains;
    private readonly IReadOnlyList<DiskSettings> _configured;
    private readonly IReadOnlyList<GuestSettings> _guests;
    private readonly Dictionary<string, int> _guestIndices;
    private readonly LoopDispatcher _dispatcher;
    private volatile IReadOnlyList<PlacedDisk> _disks = [];

    private RunningVolume(VolumeSettings settings, ServiceSettings service, IReadOnlyList<VolumeDomain> domains)
    {
        Settings = settings;
        _domains = domains;
        _configured = [.. service.Disks.Where(disk => disk.Volume.Name == settings.Name)];
        HashSet<string> owners = [.. _configured.Select(disk => disk.Guest.Name)];
        _guests = [.. service.Guests.Where(guest => owners.Contains(guest.Name))];
        _guestIndices = _guests.Select((guest, i) => (guest.Name, i)).ToDictionary();
        Loop = new EventLoop($"volume-{settings.Name}");
        _dispatcher = new LoopDispatcher(Loop);
    }

    /// <summary>Its configuration.</summary>
    public VolumeSettings Settings { get; }

    /// <summary>Its loop.</summary>
    public EventLoop Loop { get; }

    /// <summary>Its scheduler.</summary>
    public ActorRef Actor { get; private set; } = null!;

    /// <summary>What may be read of its scheduler.</summary>
    public VolumeStatus Status { get; private set; } = null!;

    /// <summary>The disks that are served now.</summary>
    public IReadOnlyList<PlacedDisk> Disks => _disks;

    /// <summary>What of a volume group is not served and why, a line each.</summary>
    public IReadOnlyList<string> NotServed { get; private set; } = [];

    /// <summary>Paths of its flush domains, by index.</summary>
    public IReadOnlyList<string> Paths => [.. _domains.Select(domain => domain.Path)];

    /// <summary>Bytes of its devices.</summary>
    public long Size => _domains.Sum(domain => domain.Device.Info.Size);

    /// <summary>Granularity of offsets and lengths that all its devices take.</summary>
    public int BlockSize => _domains.Max(domain => domain.Device.Info.BlockSize);

    /// <summary>Its faults, as they are recorded and cleared.</summary>
    public KnownFaults Faults { get; private set; } = null!;

    /// <summary>Why a device does without io_uring, where it was to be used if possible; else null.</summary>
    public string? IoFallback { get; private init; }

    /// <summary>Opens the devices and starts the scheduler.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="service">All of the configuration: its guests and disks.</param>
    /// <param name="system">Runs the actors.</param>
    /// <param name="telemetry">Instruments.</param>
    /// <param name="logger">Where faults are told.</param>
    /// <exception cref="VolumeOpenException">A device can't be opened, or is too small for a disk; a volume group is refused.</exception>
    /// <returns>The volume.</returns>
    public static RunningVolume Start(VolumeSettings settings, ServiceSettings service, LocalSystem system, VolumeTelemetry telemetry, ILogger logger)
    {
        string? fallback = null;
        IReadOnlyList<VolumeDomain> domains = VolumeDomain.OpenAll(settings, service, reason => fallback = reason);
        RunningVolume volume = new(settings, service, domains) { IoFallback = fallback };
        try
        {
            // Under the lock: nobody else changes what is read.
            volume.PlaceDisks();
            volume.Start(system, telemetry, logger);
            return volume;
        }
        catch
        {
            foreach (VolumeDomain domain in domains)
                domain.Device.Dispose();
            throw;
        }
    }

    /// <summary>Starts the actor of a ring on the volume's loop.</summary>
    public ActorRef StartRing(LocalSystem system, string disk, Props props) => system.ActorOf(props, $"ring-{disk}", _dispatcher);

    /// <summary>
    /// Reads a volume group's metadata anew: logical volumes that have grown, and configured ones that are new, are served so
    /// from now on. What is served now stays where it is; where that is not so, nothing is changed.
    /// </summary>
    /// <returns>Why it was refused, or null.</returns>
    public async Task<string?> RescanAsync()
    {
        GroupDisks found;
        try
        {
            found = await Task.Run(() => GroupDisks.Find(Settings, _configured, _domains));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }

        if (found.WhyNotInPlaceOf(_disks) is { } problem)
            return problem;
        TaskCompletionSource<string?> changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Actor.Tell(new ChangeDisks([.. found.Disks.Select(disk => disk.Spec(_guestIndices))], changed.SetResult));
        if (await Task.WhenAny(changed.Task, Status.Stopped) != changed.Task)
            return "its scheduler has stopped";
        if (changed.Task.Result is { } refused)
            return refused;
        _disks = found.Disks;
        NotServed = found.NotServed;
        return null;
    }

    /// <summary>Clears the fault of a domain, which lets everything through again (F6).</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <returns>Null when it is cleared, otherwise why it is not.</returns>
    public async Task<string?> ClearFaultAsync(int domain)
    {
        TaskCompletionSource<string?> cleared = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Actor.Tell(new ClearVolumeFault(domain, "operator", cleared.SetResult));

        // A scheduler that has stopped answers no more.
        return await Task.WhenAny(cleared.Task, Status.Stopped) == cleared.Task
            ? await cleared.Task
            : $"volume {Settings.Name} has stopped";
    }

    /// <summary>Ends the loop and closes the devices, which waits for what is in flight. The scheduler has stopped before.</summary>
    public void Dispose()
    {
        // The devices first: their last completions are reaped on the loop.
        foreach (VolumeDomain domain in _domains)
            domain.Device.Dispose();
        Loop.Dispose();
    }

    private void PlaceDisks()
    {
        if (Settings.IsGroup)
        {
            GroupDisks found = GroupDisks.Find(Settings, _configured, _domains);
            (_disks, NotServed) = (found.Disks, found.NotServed);
            return;
        }

        foreach (DiskSettings disk in _configured)
        {
            if (disk.Offset + disk.Size > Size)
                throw new VolumeOpenException(Settings.Path, $"disk {disk.Name} ends at {disk.Offset + disk.Size}, the volume at {Size}", "make the disk smaller or the volume larger");
        }

        _disks = [.. _configured.Select(PlacedDisk.Slice)];
    }

    private void Start(LocalSystem system, VolumeTelemetry telemetry, ILogger logger)
    {
        Faults = new KnownFaults(new MarkerFaultStore([.. _domains.Select(domain => domain.Marker)]), Settings.Name, logger);
        for (int i = 0; i < _domains.Count; i++)
        {
            if (_domains[i].Fault is { } fault)
                Faults.Found(i, fault.Time);
        }

        VolumeSpec spec = Spec();
        VolumeDevices devices = new([.. _domains.Select(domain => domain.Device)], spec.OperationsMax, Loop.Post);
        VolumeSetup setup = new()
        {
            Name = Settings.Name,
            Spec = spec,
            Devices = devices,
            Timer = actor => new LoopTimerOfVolume(Loop, actor),
            AfterTurn = new SettleAtTurnEnd(Loop).Ask,
            Faults = Faults,
            Telemetry = telemetry,
        };
        foreach (ILoopDevice attached in _domains.Select(domain => domain.Device).OfType<ILoopDevice>())
            Loop.Post(() => attached.AttachTo(Loop));
        (Props props, VolumeStatus status) = VolumeScheduler.Prepare(setup);
        Status = status;
        Actor = system.ActorOf(props, $"volume-{Settings.Name}", _dispatcher);
        system.Register(Settings.Name, Actor);
        Loop.Start();
    }

    private VolumeSpec Spec() => new()
    {
        Domains = [.. _domains.Select(domain => domain.Spec())],
        Guests = [.. _guests.Select(GuestSpecOf)],
        Disks = [.. _disks.Select(disk => disk.Spec(_guestIndices))],
        Depth = Settings.Depth,
        LatencyTargetNs = (long)Settings.LatencyTarget.TotalNanoseconds,
        Policy = Settings.Policy,
        Costs = Settings.Device == DeviceKind.Faulty ? WithFaults(Settings.Cost, Settings.Faulty) : Settings.Cost,
    };

    // What a faulty device adds is device time like any other.
    private static CostModel WithFaults(CostModel costs, FaultyOptions faulty)
    {
        double service = faulty.ServiceTime.TotalNanoseconds;
        return costs with
        {
            Parallel = costs.Learn ? faulty.Parallel : Math.Min(costs.Parallel, faulty.Parallel),
            ReadNs = costs.ReadNs + service,
            WriteNs = costs.WriteNs + service,
            DiscardNs = costs.DiscardNs + service,
            FlushNs = costs.FlushNs + faulty.FlushTime.TotalNanoseconds,
        };
    }

    private static GuestSpec GuestSpecOf(GuestSettings guest) => new()
    {
        Name = guest.Name,
        Weight = guest.Weight,
        Reservation = guest.Reservation,
        Limit = guest.Limit,
        FlushLatencyNsMax = (long)guest.FlushLatencyMax.TotalNanoseconds,
        UnflushedBytesMax = guest.UnflushedMax,
    };
}
