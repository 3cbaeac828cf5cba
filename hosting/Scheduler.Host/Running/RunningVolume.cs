using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>One volume of the running service: its device, its loop and its scheduler actor.</summary>
internal sealed class RunningVolume : IDisposable
{
    private readonly IBlockDevice _device;
    private readonly LoopDispatcher _dispatcher;

    private RunningVolume(VolumeSettings settings, IBlockDevice device)
    {
        Settings = settings;
        _device = device;
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

    /// <summary>Its device.</summary>
    public DeviceInfo Device => _device.Info;

    /// <summary>Why the device does without io_uring, where it was to be used if possible; else null.</summary>
    public string? IoFallback { get; private init; }

    /// <summary>Opens the device and starts the scheduler.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="service">All of the configuration: its guests and disks.</param>
    /// <param name="system">Runs the actors.</param>
    /// <param name="telemetry">Instruments.</param>
    /// <exception cref="VolumeOpenException">The device can't be opened, or is too small for a disk.</exception>
    /// <returns>The volume.</returns>
    public static RunningVolume Start(VolumeSettings settings, ServiceSettings service, LocalSystem system, VolumeTelemetry telemetry)
    {
        VolumeOptions options = OptionsOf(settings, service);
        if (settings.Path.Length > 0 && Path.GetDirectoryName(Path.GetFullPath(settings.Path)) is { } directory)
            _ = Directory.CreateDirectory(directory);
        string? fallback = null;
        IBlockDevice device = DeviceFactory.Open(options, reason => fallback = reason);
        RunningVolume volume = new(settings, device) { IoFallback = fallback };
        try
        {
            volume.Start(service, FaultMarker.For(options), system, telemetry);
            return volume;
        }
        catch
        {
            volume._device.Dispose();
            throw;
        }
    }

    /// <summary>Starts the actor of a ring on the volume's loop.</summary>
    public ActorRef StartRing(LocalSystem system, string disk, Props props) => system.ActorOf(props, $"ring-{disk}", _dispatcher);

    /// <summary>Ends the loop and closes the device, which waits for what is in flight. The scheduler has stopped before.</summary>
    public void Dispose()
    {
        // The device first: its last completions are reaped on the loop.
        _device.Dispose();
        Loop.Dispose();
    }

    private static VolumeOptions OptionsOf(VolumeSettings settings, ServiceSettings service) => new()
    {
        Path = settings.Path,
        Size = settings.Size,
        Preallocate = settings.Preallocate,
        Cache = settings.Cache,
        Io = settings.Io,

        // Past the page cache each operation waits for the device, so the depth needs as many threads.
        Workers = settings.Cache == CacheMode.Direct ? settings.Depth : 0,
        Device = settings.Device,
        Faulty = settings.Faulty,
        MarkerDirectory = service.DataDirectory,
    };

    private void Start(ServiceSettings service, FaultMarker? marker, LocalSystem system, VolumeTelemetry telemetry)
    {
        VolumeSpec spec = SpecOf(service, marker?.Read());
        VolumeDevices devices = new([_device], spec.Depth + spec.Domains.Count, Loop.Post);
        VolumeSetup setup = new()
        {
            Name = Settings.Name,
            Spec = spec,
            Devices = devices,
            Timer = actor => new LoopTimerOfVolume(Loop, actor),
            AfterTurn = new SettleAtTurnEnd(Loop).Ask,
            Faults = new MarkerFaultStore(marker),
            Telemetry = telemetry,
        };
        if (_device is ILoopDevice attached)
            Loop.Post(() => attached.AttachTo(Loop));
        (Props props, VolumeStatus status) = VolumeScheduler.Prepare(setup);
        Status = status;
        Actor = system.ActorOf(props, $"volume-{Settings.Name}", _dispatcher);
        system.Register(Settings.Name, Actor);
        Loop.Start();
    }

    private VolumeSpec SpecOf(ServiceSettings service, Fault? fault)
    {
        DiskSettings[] disks = [.. service.Disks.Where(disk => disk.Volume.Name == Settings.Name)];
        GuestSettings[] guests = [.. service.Guests.Where(guest => disks.Any(disk => disk.Guest.Name == guest.Name))];
        DeviceInfo info = _device.Info;
        foreach (DiskSettings disk in disks)
        {
            if (disk.Offset + disk.Size > info.Size)
                throw new VolumeOpenException(Settings.Path, $"disk {disk.Name} ends at {disk.Offset + disk.Size}, the volume at {info.Size}", "make the disk smaller or the volume larger");
        }

        return new VolumeSpec
        {
            // A marker that can't be understood is a fault too; its errno is unknown then.
            Domains = [new DomainSpec(info.Size, info.VolatileCache, info.DurableWrites, info.SupportsDsync, fault is null ? 0 : Math.Max(1, fault.Error))],
            Guests = [.. guests.Select(GuestSpecOf)],
            Disks = [.. disks.Select(disk => DiskSpecOf(disk, guests))],
            Depth = Settings.Depth,
            Policy = Settings.Policy,
            Costs = new CostModel
            {
                // What a faulty device adds is device time like any other.
                OperationNs = Settings.Cost.Operation.TotalNanoseconds + (Settings.Device == DeviceKind.Faulty ? Settings.Faulty.ServiceTime.TotalNanoseconds : 0),
                ByteNs = Settings.Cost.PerMib.TotalNanoseconds / (1 << 20),
                FlushNs = Settings.Cost.Flush.TotalNanoseconds,
            },
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

    private static DiskSpec DiskSpecOf(DiskSettings disk, GuestSettings[] guests) => new()
    {
        Name = disk.Name,
        Guest = Array.FindIndex(guests, guest => guest.Name == disk.Guest.Name),
        Ordered = disk.Ordered,
        Extents = [new Extent(0, 0, disk.Offset, disk.Size)],
    };
}
