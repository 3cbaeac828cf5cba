using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>What a volume needs of the service around it.</summary>
/// <param name="DataDirectory">Where faults of block devices are marked.</param>
/// <param name="System">Runs the actors.</param>
/// <param name="Telemetry">Instruments.</param>
/// <param name="Logger">Where faults are told.</param>
/// <param name="FaultsInJournal">Faults are kept in the journal alone, where the volume's next owner sees them on whatever machine
/// it is; the volume is owned before it is started. Otherwise they are marked on this machine.</param>
internal sealed record VolumeSupport(string DataDirectory, IActorSystem System, VolumeTelemetry Telemetry, ILogger Logger, bool FaultsInJournal = false);

/// <summary>Where and how long a volume runs that moves between the nodes of a cluster.</summary>
/// <param name="Loop">Its loop on this node, which goes on when the volume is elsewhere.</param>
/// <param name="Epoch">Of its lease.</param>
/// <param name="MayWrite">Whether the lease holds; asked before each submission.</param>
internal sealed record VolumeTenure(EventLoop Loop, long Epoch, Func<bool> MayWrite);

/// <summary>
/// One volume of the running service: its devices, its loop and its scheduler actor. Disks and guests change one call at a time.
/// </summary>
internal sealed class RunningVolume : IServedVolume, IDisposable
{
    private readonly VolumeSupport _support;
    private readonly IReadOnlyList<VolumeDomain> _domains;
    private readonly VolumeTenure? _tenure;
    private readonly FaultRecord _record;
    private LoopTimerOfVolume? _timer;
    private IReadOnlyList<DiskSettings> _configured;
    private volatile IReadOnlyList<PlacedDisk> _disks = [];
    private int _zeroings;

    private RunningVolume(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support, IReadOnlyList<VolumeDomain> domains, VolumeTenure? tenure)
    {
        Settings = settings;
        _tenure = tenure;
        _support = support;
        _domains = domains;
        _configured = disks;
        Loop = tenure?.Loop ?? new EventLoop($"volume-{settings.Name}");
        _record = new FaultRecord(settings.Name, support.System);
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

    /// <summary>The lease under which it runs; null: it is this process's.</summary>
    public VolumeTerm? Term => _tenure is { } tenure ? new VolumeTerm(Settings.Name, tenure.Epoch) : null;

    /// <inheritdoc/>
    public bool IsAvailable => !Status.Stopped.IsCompleted;

    /// <inheritdoc/>
    public TimeSpan ReattachMax => TimeSpan.Zero;

    /// <inheritdoc/>
    public long? SizeOf(string disk) => _disks.FirstOrDefault(placed => placed.Settings.Name == disk)?.Size;

    /// <summary>Opens the devices and starts the scheduler.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="disks">Its disks.</param>
    /// <param name="support">What it needs.</param>
    /// <param name="tenure">Of a volume of a cluster; null: it is this process's.</param>
    /// <exception cref="VolumeOpenException">A device can't be opened, or is too small for a disk; a volume group is refused.</exception>
    /// <returns>The volume.</returns>
    public static RunningVolume Start(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support, VolumeTenure? tenure = null)
    {
        string? fallback = null;
        IReadOnlyList<VolumeDomain> domains = VolumeDomain.OpenAll(settings, support.DataDirectory, reason => fallback = reason, tenure?.Epoch ?? 0);
        RunningVolume? volume = null;
        try
        {
            volume = new RunningVolume(settings, disks, support, domains, tenure) { IoFallback = fallback };

            // Under the lock: nobody else changes what is read.
            volume.PlaceDisks();
            volume.Start();
            return volume;
        }
        catch
        {
            foreach (VolumeDomain domain in domains)
                domain.Device.Dispose();
            volume?.DisposeLoop();
            volume?._record.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ActorRef StartRing(string disk, Props props) => _support.System.ActorOf(props, $"ring-{disk}", Loop);

    /// <summary>Changes a guest's weight, reservation, limit and bounds, or takes it in; a guest that has no disk here is left out.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="takeIn">Takes it in if it has none.</param>
    /// <returns>Why it was refused, or null.</returns>
    public async Task<string?> PutGuestAsync(GuestSettings guest, bool takeIn = false)
    {
        _configured = [.. _configured.Select(disk => disk.Guest.Name == guest.Name ? disk with { Guest = guest } : disk)];
        return takeIn || IndexOf(guest.Name) >= 0 ? await AskAsync(done => new ChangeGuests([GuestSpecOf(guest)], done)) : null;
    }

    /// <summary>Serves a disk that is new, or has grown.</summary>
    /// <param name="disk">The disk.</param>
    /// <returns>Why it was refused, or null.</returns>
    public async Task<string?> PutDiskAsync(DiskSettings disk)
    {
        List<DiskSettings> configured = [.. _configured.Where(other => other.Name != disk.Name), disk];
        if (Settings.IsGroup)
        {
            (GroupDisks? found, string? problem) = await FindAsync(configured);
            if (found is null)
                return problem;
            if (found.Disks.FirstOrDefault(placed => placed.Settings.Name == disk.Name) is not { } logical)
                return $"disk {disk.Name}: {found.NotServed.FirstOrDefault(line => line.Contains(disk.LogicalVolume!, StringComparison.Ordinal)) ?? "its logical volume is not there"}";
            return await PutAsync(logical, configured);
        }

        return Beyond(disk) is { } beyond ? beyond.Message : await PutAsync(PlacedDisk.Slice(disk), configured);
    }

    /// <summary>Serves a disk no more. It must not be offered any more, and have no connections.</summary>
    /// <param name="name">Name of the disk.</param>
    /// <returns>Why it was refused, or null; of a scheduler that has stopped nothing is refused.</returns>
    public async Task<string?> RemoveDiskAsync(string name)
    {
        // What was sent last may still be with the device.
        const int tries = 100;
        string? problem = null;
        for (int i = 0; i < tries && _disks.Any(disk => disk.Settings.Name == name) && !Status.Stopped.IsCompleted; i++)
        {
            problem = await AskAsync(done => new RemoveDisk(name, done));
            if (problem is null || Status.Stopped.IsCompleted)
                break;
            await Task.Delay(5);
        }

        if (problem is not null && !Status.Stopped.IsCompleted)
            return problem;
        _configured = [.. _configured.Where(disk => disk.Name != name)];
        _disks = [.. _disks.Where(disk => disk.Settings.Name != name)];
        return null;
    }

    /// <summary>Takes a run of the volume that belongs to no disk, to zero it at the cost of a guest.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>For <see cref="ZeroAsync"/>, which has to follow; or why it was refused.</returns>
    public async Task<(string? Run, string? Problem)> TakeRunAsync(GuestSettings guest, long offset, long length)
    {
        if (offset > Size - length)
            return (null, $"volume {Settings.Name} of {Size} bytes ends before {offset + length}");
        if (await PutGuestAsync(guest, takeIn: true) is { } refused)
            return (null, refused);

        // Not a name of the catalog: nobody can open it.
        string name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"(zeroing {++_zeroings})");
        DiskSpec disk = new() { Name = name, Guest = IndexOf(guest.Name), Extents = [new Extent(0, 0, offset, length)] };
        return await AskAsync(done => new ChangeDisks([disk], done)) is { } problem ? (null, problem) : (name, null);
    }

    /// <summary>Makes a run that was taken read zeroes, durably, and gives it back. It may take long: disks and guests may change
    /// meanwhile.</summary>
    /// <param name="run">From <see cref="TakeRunAsync"/>.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Why it failed, or null. Nothing is written there any more, unless the volume has stopped.</returns>
    public async Task<string?> ZeroAsync(string run, long length, CancellationToken cancellation)
    {
        Task<string?> zeroing = Zeroing.RunAsync(Settings.Name, run, length, Settings.Preallocate, Loop, props => StartRing(run, props), cancellation);

        // The loop of a volume that is closed may end before the ring is told.
        string? problem = await Task.WhenAny(zeroing, Status.Stopped) == zeroing ? await zeroing : $"volume {Settings.Name} has stopped";

        // Not before the device is done with it: the next disk there would be written to.
        while (!Status.Stopped.IsCompleted && await AskAsync(done => new RemoveDisk(run, done)) is not null)
            await Task.Delay(5, CancellationToken.None);
        return problem;
    }

    /// <summary>Answers what was accepted, flushes, and stops. <see cref="IDisposable.Dispose"/> may follow if it has stopped in time.</summary>
    /// <param name="timeMax">Longest time to wait.</param>
    /// <returns>Whether it has stopped.</returns>
    public Task<bool> StopAsync(TimeSpan timeMax) => StopAsync(StopVolume.Instance, timeMax);

    /// <summary>As <see cref="StopAsync(TimeSpan)"/>, but its rings go on with its next scheduler.</summary>
    /// <param name="timeMax">Longest time to wait.</param>
    /// <returns>Whether it has stopped.</returns>
    public Task<bool> HandOverAsync(TimeSpan timeMax) => StopAsync(StopVolume.ToMove, timeMax);

    private async Task<bool> StopAsync(StopVolume how, TimeSpan timeMax)
    {
        Actor.Tell(how);
        return await Task.WhenAny(Status.Stopped, Task.Delay(timeMax)) == Status.Stopped;
    }

    /// <summary>
    /// Reads a volume group's metadata anew: logical volumes that have grown, and configured ones that are new, are served so
    /// from now on. What is served now stays where it is; where that is not so, nothing is changed.
    /// </summary>
    /// <returns>Why it was refused, or null.</returns>
    public async Task<string?> RescanAsync()
    {
        (GroupDisks? found, string? problem) = await FindAsync(_configured);
        if (found is null || (problem = found.WhyNotInPlaceOf(_disks)) is not null)
            return problem;
        foreach (PlacedDisk disk in found.Disks)
        {
            if (await PutGuestAsync(disk.Settings.Guest, takeIn: true) is { } unwanted)
                return unwanted;
        }

        if (await AskAsync(done => new ChangeDisks([.. found.Disks.Select(disk => disk.Spec(IndexOf(disk.Settings.Guest.Name)))], done)) is { } refused)
            return refused;
        _disks = found.Disks;
        NotServed = found.NotServed;
        return null;
    }

    /// <summary>Clears the fault of a domain, which lets everything through again (F6).</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <param name="by">Who clears it.</param>
    /// <returns>Null when it is cleared, otherwise why it is not.</returns>
    public Task<string?> ClearFaultAsync(int domain, string by) => AskAsync(done => new ClearVolumeFault(domain, by, done));

    /// <summary>Ends its own loop and closes the devices, which waits for what is in flight. The scheduler has stopped before.</summary>
    public void Dispose()
    {
        // The devices first: their last completions are reaped on the loop.
        foreach (VolumeDomain domain in _domains)
            domain.Device.Dispose();
        DisposeLoop();
        _record.Dispose();
        _support.Telemetry.Remove(Status);
    }

    private void DisposeLoop()
    {
        if (_tenure is null)
            Loop.Dispose();
        else
            Loop.Post(() => _timer?.Remove());
    }

    // A guest that has, or had, a disk here has an index; else -1.
    private int IndexOf(string guest)
    {
        for (int i = 0; i < Status.Guests.Count; i++)
        {
            if (Status.Guests[i] == guest)
                return i;
        }

        return -1;
    }

    // A scheduler that has stopped answers no more.
    private async Task<string?> AskAsync(Func<Action<string?>, object> message)
    {
        TaskCompletionSource<string?> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Actor.Tell(message(done.SetResult));
        return await Task.WhenAny(done.Task, Status.Stopped) == done.Task ? await done.Task : $"volume {Settings.Name} has stopped";
    }

    private async Task<string?> PutAsync(PlacedDisk disk, IReadOnlyList<DiskSettings> configured)
    {
        if (await PutGuestAsync(disk.Settings.Guest, takeIn: true) is { } refused)
            return refused;
        if (await AskAsync(done => new ChangeDisks([disk.Spec(IndexOf(disk.Settings.Guest.Name))], done)) is { } problem)
            return problem;
        _configured = configured;
        _disks = [.. _disks.Where(other => other.Settings.Name != disk.Settings.Name), disk];
        return null;
    }

    private async Task<(GroupDisks? Found, string? Problem)> FindAsync(IReadOnlyList<DiskSettings> disks)
    {
        try
        {
            return (await Task.Run(() => GroupDisks.Find(Settings, disks, _domains)), null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (null, exception.Message);
        }
    }

    private VolumeOpenException? Beyond(DiskSettings disk) => disk.Offset + disk.Size > Size
        ? new VolumeOpenException(Settings.Path, $"disk {disk.Name} ends at {disk.Offset + disk.Size}, the volume at {Size}", "make the disk smaller or the volume larger")
        : null;

    private void PlaceDisks()
    {
        if (Settings.IsGroup)
        {
            GroupDisks found = GroupDisks.Find(Settings, _configured, _domains);
            (_disks, NotServed) = (found.Disks, found.NotServed);
            return;
        }

        if (_configured.Select(Beyond).FirstOrDefault(beyond => beyond is not null) is { } problem)
            throw problem;

        _disks = [.. _configured.Select(PlacedDisk.Slice)];
    }

    private void Start()
    {
        long epoch = _tenure?.Epoch ?? 1;
        (IFaultStore store, IReadOnlyList<Fault?> found, long clearings) =
            _support.FaultsInJournal ? _record.InJournal(_domains, epoch) : _record.BesideMarkers(_domains);
        Faults = new KnownFaults(store, Settings.Name, _support.Logger);
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is { } fault)
                Faults.Found(i, fault.Time);
        }

        VolumeSpec spec = Spec(found);
        VolumeDevices devices = new([.. _domains.Select(domain => domain.Device)], spec.OperationsMax, Loop.Post);
        VolumeSetup setup = new()
        {
            Name = Settings.Name,
            Spec = spec,
            Devices = devices,
            DeviceNames = [.. _domains.Select(domain => domain.Path)],
            Timer = actor => _timer = new LoopTimerOfVolume(Loop, actor),
            AfterTurn = new SettleAtTurnEnd(Loop).Ask,
            Faults = Faults,
            Telemetry = _support.Telemetry,
            Epoch = epoch,
            Clearings = clearings,
            MayWrite = _tenure?.MayWrite,
        };
        foreach (ILoopDevice attached in _domains.Select(domain => domain.Device).OfType<ILoopDevice>())
            Loop.Post(() => attached.AttachTo(Loop));
        (Props props, VolumeStatus status) = VolumeScheduler.Prepare(setup);
        Status = status;
        Actor = _support.System.ActorOf(props, $"volume-{Settings.Name}", Loop);
        if (_tenure is not null)
            return;
        _support.System.Register(Settings.Name, Actor);
        Loop.Start();
    }

    private VolumeSpec Spec(IReadOnlyList<Fault?> faults)
    {
        List<GuestSettings> guests = [.. _disks.Select(disk => disk.Settings.Guest).DistinctBy(guest => guest.Name)];
        return new VolumeSpec
        {
            Domains = [.. _domains.Select((domain, i) => domain.Spec(faults[i]))],
            Guests = [.. guests.Select(GuestSpecOf)],
            Disks = [.. _disks.Select(disk => disk.Spec(guests.FindIndex(guest => guest.Name == disk.Settings.Guest.Name)))],
            Depth = Settings.Depth,
            LatencyTargetNs = (long)Settings.LatencyTarget.TotalNanoseconds,
            Policy = Settings.Policy,
            Costs = Settings.Device == DeviceKind.Faulty ? WithFaults(Settings.Cost, Settings.Faulty) : Settings.Cost,
        };
    }

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
