using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Server;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>
/// What runs of the catalog: volumes, the guests of the NBD server, the disks that it offers, and who is which guest. Changes come
/// one at a time; anybody may look.
/// </summary>
internal sealed partial class RunningParts(ServiceSettings declared, VolumeSupport support, IServiceEngine engine, ILogger logger) : IDisposable
{
    private readonly Dictionary<string, ServedGuest> _guests = [];

    /// <summary>What is offered, by disk; each as the catalog has it.</summary>
    private readonly Dictionary<string, (NbdExport Export, CatalogDisk Disk)> _offered = [];

    /// <summary>The volumes that are open, as the catalog has them, and as front ends see them.</summary>
    private readonly Dictionary<string, (CatalogVolume Entity, IServedVolume Served)> _open = [];

    private volatile IReadOnlyList<RunningVolume> _volumes = [];
    private volatile IReadOnlyList<string> _problems = [];
    private IReadOnlyList<string> _identityNames = [];
    private volatile GuestIdentities _identities = new(new Dictionary<string, string>(), isRequired: true);

    /// <summary>What is offered.</summary>
    public NbdExports Exports { get; } = new([]);

    /// <summary>The volumes that run in this process: those of the file in its order, then the others as they came.</summary>
    public IReadOnlyList<RunningVolume> Volumes => _volumes;

    /// <summary>What the catalog has and is not served, and why, a line each.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether a disk has connections.</summary>
    public Func<string, bool> IsAttached { get; set; } = _ => false;

    /// <summary>Closes all connections to a disk.</summary>
    public Action<string, string> Disconnect { get; set; } = (_, _) => { };

    /// <summary>Told when what is offered has changed.</summary>
    public Action Offers { get; set; } = () => { };

    /// <summary>Told whether users of this machine are guests.</summary>
    public Action<bool> UsersAreGuests { get; set; } = _ => { };

    /// <summary>The disks that are served: those of the file in its order, then the others by name.</summary>
    public IReadOnlyList<PlacedDisk> Disks
    {
        get
        {
            // Of a volume that runs elsewhere there is no more than its disks' sizes.
            Dictionary<string, PlacedDisk> served = _volumes.SelectMany(volume => volume.Disks).ToDictionary(disk => disk.Settings.Name);
            IEnumerable<string> first = declared.Disks.Select(disk => disk.Name);
            return [.. first.Concat(served.Keys.Except(first).Order(StringComparer.Ordinal)).Select(name => served.GetValueOrDefault(name)).OfType<PlacedDisk>()];
        }
    }

    /// <summary>A volume that runs.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The volume, or null.</returns>
    public RunningVolume? Find(string name) => _volumes.FirstOrDefault(volume => volume.Settings.Name == name);

    /// <summary>The place of a volume in the file.</summary>
    /// <param name="volume">Its name.</param>
    /// <returns>From 0; one that is not in it comes after all that are.</returns>
    public int PlaceInFile(string volume)
    {
        int place = declared.Volumes.TakeWhile(other => other.Name != volume).Count();
        return place < declared.Volumes.Count ? place : int.MaxValue;
    }

    /// <summary>A guest of the NBD server.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The guest, or null.</returns>
    public ServedGuest? Guest(string name)
    {
        lock (_guests)
            return _guests.GetValueOrDefault(name);
    }

    /// <summary>What a client sees.</summary>
    /// <param name="peer">The client.</param>
    public Sight SightOf(PeerIdentity peer) => _identities.SightOf(peer);

    /// <summary>A volume that is open, here or elsewhere, as the catalog has it.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The volume, or null.</returns>
    public CatalogVolume? Entity(string name) => _open.GetValueOrDefault(name).Entity;

    /// <summary>The disks that are offered, as the catalog has them.</summary>
    public IReadOnlyList<CatalogDisk> Offered => [.. _offered.Values.Select(offered => offered.Disk)];

    /// <summary>Says that something of the catalog is not served.</summary>
    /// <param name="problems">All that is not, and why.</param>
    public void SetProblems(IReadOnlyList<string> problems)
    {
        foreach (string problem in problems.Except(_problems))
            NotServedNow(logger, problem);
        _problems = problems;
    }

    /// <summary>Opens a volume with its disks, and offers them.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="state">The catalog.</param>
    /// <exception cref="VolumeOpenException">It can't be opened.</exception>
    public async Task OpenAsync(CatalogVolume volume, CatalogState state)
    {
        (VolumeSettings settings, IReadOnlyList<DiskSettings> disks) = SettingsOf(volume, state);
        IServedVolume opened = await engine.OpenAsync(settings, disks, support);
        _open[volume.Name] = (volume, opened);
        if (opened is RunningVolume here)
            _volumes = [.. _volumes, here];
        OfferDisks(volume.Name, state);
        if (opened is RunningVolume running)
            Say(running);
    }

    /// <summary>Starts the scheduler of a volume of a cluster. Beside other changes: one that hangs must not keep the others.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="state">The catalog.</param>
    /// <param name="tenure">Where and how long it runs.</param>
    /// <returns>The volume, for <see cref="TakeInAsync"/>.</returns>
    /// <exception cref="VolumeOpenException">It can't be opened.</exception>
    public Task<RunningVolume> StartHereAsync(string name, CatalogState state, VolumeTenure tenure)
    {
        (VolumeSettings settings, IReadOnlyList<DiskSettings> disks) = SettingsOf(state.Find<CatalogVolume>(name)!, state);
        return Task.Run(() => RunningVolume.Start(settings, disks, support, tenure));
    }

    /// <summary>A volume of a cluster runs here from now on, until <see cref="Ended"/>. No ring has reached it yet.</summary>
    /// <param name="started">The volume.</param>
    /// <param name="then">The catalog that it was started with.</param>
    /// <param name="state">The catalog now.</param>
    /// <returns>Why it does not take what has changed meanwhile, or null.</returns>
    public async Task<string?> TakeInAsync(RunningVolume started, CatalogState then, CatalogState state)
    {
        string name = started.Settings.Name;
        string? problem = null;
        foreach (CatalogDisk disk in then.All<CatalogDisk>().Where(disk => disk.Volume == name && state.Find<CatalogDisk>(disk.Name) != disk))
            problem ??= await started.RemoveDiskAsync(disk.Name);
        foreach (CatalogGuest guest in state.All<CatalogGuest>().Where(guest => then.Find<CatalogGuest>(guest.Name) != guest))
            problem ??= await started.PutGuestAsync(CatalogSettings.Settings(guest));
        foreach (CatalogDisk disk in state.All<CatalogDisk>().Where(disk => disk.Volume == name && then.Find<CatalogDisk>(disk.Name) != disk))
            problem ??= await started.PutDiskAsync(SettingsOf(disk, started.Settings, state));
        if (problem is not null)
            return problem;
        _volumes = [.. _volumes, started];
        Say(started);
        return null;
    }

    /// <summary>The scheduler of a volume of a cluster runs here no more.</summary>
    /// <param name="volume">The volume; it is closed by the caller.</param>
    public void Ended(RunningVolume volume) => _volumes = [.. _volumes.Where(other => other != volume)];

    /// <summary>Offers the disks of a volume as they are now.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="state">The catalog.</param>
    public void OfferDisks(string volume, CatalogState state)
    {
        foreach (CatalogDisk disk in state.All<CatalogDisk>().Where(disk => disk.Volume == volume))
            Offer(disk, _open[volume].Served);
        Publish();
    }

    /// <summary>Offers no disk of a volume any more, unless one has connections.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Name of the disk that has, or null.</returns>
    public string? HideUnlessUsed(string volume)
    {
        List<KeyValuePair<string, (NbdExport Export, CatalogDisk Disk)>> hidden = [.. _offered.Where(offered => offered.Value.Disk.Volume == volume)];
        foreach ((string disk, _) in hidden)
            _ = _offered.Remove(disk);
        Publish();
        if (hidden.Select(offered => offered.Key).FirstOrDefault(IsAttached) is not { } used)
            return null;
        foreach ((string disk, (NbdExport Export, CatalogDisk Disk) offered) in hidden)
            _offered[disk] = offered;
        Publish();
        return used;
    }

    /// <summary>Offers no disk of a volume any more, stops it cleanly, and closes it. Its file stays.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Why it has not stopped, or null. It is gone in any case.</returns>
    public async Task<string?> CloseAsync(string name)
    {
        if (Find(name) is not { } volume)
            return null;
        List<string> disks = [.. volume.Disks.Select(disk => disk.Settings.Name)];
        foreach (string disk in disks)
            _ = _offered.Remove(disk);
        _volumes = [.. _volumes.Where(other => other != volume)];
        _ = _open.Remove(name);
        Publish();
        if (!await volume.StopAsync(Service.StopTimeMax))
        {
            // Closing it would wait for ever.
            return $"volume {name} did not stop within {Service.StopTimeMax.TotalSeconds} s: its device does not answer";
        }

        // Their last replies go out on the loop.
        for (int i = 0; i < 200 && disks.Any(IsAttached); i++)
            await Task.Delay(10);
        await Task.Run(volume.Dispose);
        return volume.Status.Stopped.Result;
    }

    /// <summary>Serves a disk that is new or has grown: from now on, to new connections.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="state">The catalog.</param>
    /// <returns>Why it can't be served, or null.</returns>
    public async Task<string?> PutAsync(CatalogDisk disk, CatalogState state)
    {
        if (!_open.TryGetValue(disk.Volume, out (CatalogVolume Entity, IServedVolume Served) open))
            return $"volume {disk.Volume} is not served";
        if (Find(disk.Volume) is { } volume && await volume.PutDiskAsync(SettingsOf(disk, volume.Settings, state)) is { } problem)
            return problem;

        // Of a volume that runs elsewhere, when its owner has it.
        Offer(disk, open.Served);
        Publish();
        return null;
    }

    /// <summary>Offers a disk no more, and serves it no more.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="force">Whether its connections are closed; else it goes on if it has some.</param>
    /// <returns>Why it goes on, or null.</returns>
    public async Task<string?> WithdrawAsync(CatalogDisk disk, bool force)
    {
        string name = disk.Name;
        bool wasOffered = _offered.Remove(name, out (NbdExport Export, CatalogDisk Disk) offered);
        Publish();
        if (force)
            Disconnect(name, "the disk is gone");
        else if (IsAttached(name))
            return GoOn($"disk {name} is used by clients that are connected to it");
        return Find(disk.Volume) is { } volume && await volume.RemoveDiskAsync(name) is { } problem ? GoOn(problem) : null;

        string GoOn(string problem)
        {
            if (wasOffered)
                _offered[name] = offered;
            Publish();
            return problem;
        }
    }

    /// <summary>Gives a guest its bounds, on all volumes where it has disks; a new one too.</summary>
    /// <param name="guest">The guest.</param>
    /// <returns>Why a volume did not take it, or null; the others have.</returns>
    public async Task<string?> PutAsync(GuestSettings guest)
    {
        lock (_guests)
        {
            if (_guests.TryGetValue(guest.Name, out ServedGuest? known))
            {
                known.ConnectionsMax = guest.ConnectionsMax;
                known.Buffers.BytesMax = guest.BufferMemory;
            }
            else
            {
                _guests[guest.Name] = new ServedGuest(guest.Name, new GuestBuffers(guest.BufferMemory), guest.ConnectionsMax);
            }
        }

        string? problem = null;
        foreach (RunningVolume volume in _volumes.Where(volume => !volume.Status.Stopped.IsCompleted))
            problem = await volume.PutGuestAsync(guest) ?? problem;
        return problem;
    }

    /// <summary>Forgets guests, which have no disk any more.</summary>
    /// <param name="stays">Whether a guest stays, by name.</param>
    public void KeepGuests(Func<string, bool> stays)
    {
        lock (_guests)
        {
            foreach (string name in _guests.Keys.Where(name => !stays(name)).ToList())
                _ = _guests.Remove(name);
        }
    }

    /// <summary>Whether clients need an identity also while there is none.</summary>
    public bool AreIdentitiesRequired => declared.Nbd.Tls is { ClientCa: not null };

    /// <summary>Tells clients apart by the identities of the catalog.</summary>
    /// <param name="state">The catalog.</param>
    public void TakeIdentities(CatalogState state)
    {
        bool users = state.All<CatalogIdentity>().Any(identity => identity.Type == CatalogIdentityType.UnixUid);

        // Who may enter the socket sees nothing before that is settled, and afterwards only what it is to see.
        if (!users)
            UsersAreGuests(false);
        _identities = new GuestIdentities(
            state.All<CatalogIdentity>().ToDictionary(CatalogSettings.Text, identity => identity.Guest, StringComparer.Ordinal),
            isRequired: AreIdentitiesRequired);
        if (users)
            UsersAreGuests(true);
        IReadOnlyList<string> names = [.. state.All<CatalogIdentity>().Select(identity => identity.Name)];
        if (names.Count == 0 && _identityNames.Count > 0 && !AreIdentitiesRequired)
            OpenToAll(logger, string.Join(", ", _identityNames));
        _identityNames = names;
    }

    /// <summary>Offers what a volume group has now.</summary>
    /// <param name="volume">The group, read anew.</param>
    /// <param name="state">The catalog.</param>
    public void Rescanned(RunningVolume volume, CatalogState state)
    {
        OfferDisks(volume.Settings.Name, state);
        SayWhatIsNotServed(volume);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RunningVolume volume in _volumes)
        {
            if (volume.Status.Stopped.IsCompleted)
                volume.Dispose();
        }
    }

    private static DiskSettings SettingsOf(CatalogDisk disk, VolumeSettings volume, CatalogState state) =>
        CatalogSettings.Settings(disk, volume, CatalogSettings.Settings(state.Find<CatalogGuest>(disk.Guest)!));

    private (VolumeSettings Volume, IReadOnlyList<DiskSettings> Disks) SettingsOf(CatalogVolume volume, CatalogState state)
    {
        VolumeSettings settings = declared.Volumes.FirstOrDefault(other => other.Name == volume.Name) ?? CatalogSettings.Settings(volume);
        return (settings, [.. state.All<CatalogDisk>().Where(disk => disk.Volume == volume.Name).Select(disk => SettingsOf(disk, settings, state))]);
    }

    // A logical volume that is not there is not offered.
    private void Offer(CatalogDisk disk, IServedVolume volume)
    {
        if (volume.SizeOf(disk.Name) is not { } size)
            return;
        _ = _offered.TryGetValue(disk.Name, out (NbdExport Export, CatalogDisk Disk) before);
        ServedGuest guest = Guest(disk.Guest)!;
        bool same = before.Export is { } export && export.Guest == guest && export.Loop == volume.Loop && export.Info.Size <= size;
        if (same && before.Export.Info.Size == size)
        {
            _offered[disk.Name] = (before.Export, disk);
            return;
        }

        _offered[disk.Name] = (new NbdExport
        {
            Info = new ExportInfo(disk.Name, size, Math.Max(512, volume.BlockSize), order: (RingOrder)disk.Ordered),
            Volume = disk.Volume,
            Disk = disk.Name,
            Loop = volume.Loop,
            Guest = guest,
            Credits = declared.Nbd.Credits,
            StartRing = props => volume.StartRing(disk.Name, props),
            Life = same ? before.Export.Life : new object(),
            IsAvailable = () => volume.IsAvailable,
            ReattachMax = disk.Ordered is OrderedMode.None or OrderedMode.FlushFua ? volume.ReattachMax : TimeSpan.Zero,
        }, disk);
    }

    private void Publish()
    {
        IEnumerable<string> first = declared.Disks.Select(disk => disk.Name);
        IEnumerable<string> names = first.Concat(_offered.Keys.Except(first).Order(StringComparer.Ordinal));
        Exports.Replace([.. from name in names where _offered.ContainsKey(name) select _offered[name].Export]);
        Offers();
    }

    private void Say(RunningVolume volume)
    {
        VolumeStarted(logger, volume.Settings.Name, string.Join(", ", volume.Paths), volume.Size, volume.Settings.Policy);
        SayWhatIsNotServed(volume);
        if (volume.IoFallback is { } reason)
            VolumeFallsBack(logger, volume.Settings.Name, reason);
        if (volume.Status.IsFenced)
            VolumeFenced(logger, volume.Settings.Name);
        _ = WatchAsync(volume);
    }

    private void SayWhatIsNotServed(RunningVolume volume)
    {
        foreach (string line in volume.NotServed)
            NotServed(logger, volume.Settings.Name, line);
    }

    private async Task WatchAsync(RunningVolume volume)
    {
        if (await volume.Status.Stopped is { } broken)
            VolumeBroken(logger, volume.Settings.Name, broken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume}: {Path}, {Size} bytes, policy {Policy}")]
    private static partial void VolumeStarted(ILogger logger, string volume, string path, long size, Scheduler.Core.PolicyKind policy);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: {What}")]
    private static partial void NotServed(ILogger logger, string volume, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last identity ({Names}) is gone: from now on whoever reaches an NBD address or the rings' socket opens any disk")]
    private static partial void OpenToAll(ILogger logger, string names);

    [LoggerMessage(Level = LogLevel.Error, Message = "Not served: {What}")]
    private static partial void NotServedNow(ILogger logger, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} uses threads, as io_uring can't be used: {Reason}")]
    private static partial void VolumeFallsBack(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} is fenced: a sync failed before; everything but reads fails until the fault is cleared")]
    private static partial void VolumeFenced(ILogger logger, string volume);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Volume {Volume} has stopped: {Reason}")]
    private static partial void VolumeBroken(ILogger logger, string volume, string reason);
}
