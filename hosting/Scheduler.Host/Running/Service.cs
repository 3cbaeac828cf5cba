using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Server;
using Scheduler.Nbd.Tls;
using Scheduler.Storage;
using Scheduler.Storage.Journal;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Rings;
using Scheduler.Xen.Server;
using Scheduler.Xen.Vbd;

namespace Scheduler.Host.Running;

/// <summary>The running service without its admin side: the catalog, its volumes, and the NBD server in front of them.</summary>
internal sealed partial class Service : IAsyncDisposable
{
    /// <summary>Longest time that a clean stop waits for the volumes; for the last replies, little more.</summary>
    public static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_lastRepliesTimeMax = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger;
    private readonly ServiceSettings _settings;
    private readonly SqlJournal _journal;
    private readonly IServiceEngine _engine;
    private readonly RunningParts _parts;
    private readonly RunningCatalog _catalog;
    private readonly NbdServer _nbd;

    // With NBD first.
    private readonly List<FrontEndServer> _frontEnds;

    /// <summary>All events and snapshots that a service stores.</summary>
    public static EventFormat JournalFormat { get; } = new([.. CatalogFormat.Kinds, .. VolumeFaultFormat.Kinds]);

    private Service(ServiceSettings settings, VolumeTelemetry telemetry, ILoggerFactory loggers, SqlJournal journal, Func<EngineSetup, IServiceEngine> engine)
    {
        _settings = settings;
        _logger = loggers.CreateLogger<Service>();
        _journal = journal;
        _engine = engine(new EngineSetup(settings, journal, JournalFormat, telemetry, loggers, (path, exception) => _catalog?.ActorFailed(path, exception)));
        _parts = new RunningParts(settings, new VolumeSupport(settings.DataDirectory, _engine.System, telemetry, _logger, FaultsInJournal: settings.Cluster is not null), _engine, _logger);
        _catalog = new RunningCatalog(journal, JournalFormat, _parts, _engine.Peers, _logger);
        ConnectionNumbers numbers = new();
        _nbd = new NbdServer(NbdOptions(loggers), _parts.Exports, loggers.CreateLogger<NbdServer>(), numbers);
        _frontEnds = [_nbd];
        if (settings.Rings is { } rings)
            _frontEnds.Add(new RingServer(new RingServerOptions(rings.Path, rings.ConnectionsMax, rings.HandshakeTimeout), FindForRing, numbers, loggers.CreateLogger<RingServer>()));
        if (settings.Xen is { } xen)
            _frontEnds.Add(new VbdServer(new VbdOptions(xen.Backend, xen.Store, xen.RingsMax, xen.QueuesMax, xen.RunDirectory), FindForDomain, numbers, loggers.CreateLogger<VbdServer>()));
        _parts.Offers = () => _frontEnds.ForEach(frontEnd => frontEnd.DisksChanged());
        _parts.IsAttached = disk => _frontEnds.Exists(frontEnd => frontEnd.HasConnections(disk));
        _parts.Disconnect = (disk, reason) => Close(view => view.Disk == disk, reason);
        _catalog.DetachHere = disk => Close(view => view.Disk == disk, "an operator has disconnected it");
    }

    /// <summary>Opens the journal, recovers the catalog, starts all volumes, then listens.</summary>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="telemetry">Instruments.</param>
    /// <param name="loggers">Makes loggers.</param>
    /// <param name="engine">Makes what runs it; null: <see cref="LocalEngine"/>.</param>
    /// <returns>The service.</returns>
    /// <exception cref="JournalUnavailableException">The journal can't be opened.</exception>
    /// <exception cref="JournalDamagedException">The journal is something else, or corrupt.</exception>
    /// <exception cref="StartRefusedException">What the journal says can't be read, or does not go together with the file.</exception>
    /// <exception cref="VolumeOpenException">A declared volume can't be opened.</exception>
    /// <exception cref="IOException">An address can't be bound, or a file for TLS is no good.</exception>
    public static async Task<Service> StartAsync(ServiceSettings settings, VolumeTelemetry telemetry, ILoggerFactory loggers, Func<EngineSetup, IServiceEngine>? engine = null)
    {
        _ = Directory.CreateDirectory(settings.DataDirectory);
        SqlJournal journal = await EventJournals.OpenAsync(settings.Journal);
        Service? service = null;
        try
        {
            service = new Service(settings, telemetry, loggers, journal, engine ?? LocalEngine.Create);
            await service._catalog.StartAsync(service._engine.System, settings);
            await service._engine.StartAsync(service);
            service._frontEnds.ForEach(frontEnd => frontEnd.Start());
            service._parts.UsersAreGuests = all => service._frontEnds.ForEach(frontEnd => frontEnd.LetUsersIn(all));
            service._parts.TakeIdentities(service._catalog.State);
            return service;
        }
        catch
        {
            if (service is null)
                await journal.DisposeAsync();
            else
                await service.AbandonAsync();
            throw;
        }
    }

    /// <summary>The actors of the volumes and the rings.</summary>
    public IActorSystem System => _engine.System;

    /// <summary>Ends when the service can't go on and has to be started anew, with the reason.</summary>
    public Task<string> Ended => _engine.Ended;

    /// <summary>The catalog.</summary>
    public RunningCatalog Catalog => _catalog;

    /// <summary>The volumes that run: those of the file first.</summary>
    public IReadOnlyList<RunningVolume> Volumes => _parts.Volumes;

    /// <summary>The disks that are served now: those of the file in its order, then the others by name.</summary>
    public IReadOnlyList<PlacedDisk> Disks => _parts.Disks;

    /// <summary>Where NBD is served.</summary>
    public IReadOnlyList<EndPoint> NbdEndpoints => _nbd.LocalEndpoints;

    /// <summary>Path of the Unix socket for rings in shared memory; null: there are none.</summary>
    public string? RingsPath => _settings.Rings?.Path;

    /// <summary>The guests' connections, by number.</summary>
    public IReadOnlyList<ConnectionView> Connections =>
        [.. _frontEnds.SelectMany(frontEnd => frontEnd.Connections).OrderBy(view => view.Id)];

    /// <summary>Closes a connection.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>Whether there was one.</returns>
    public bool Disconnect(long id) => Close(view => view.Id == id, "an operator has disconnected it") > 0;

    /// <summary>What happened to a volume's faults, the newest first.</summary>
    /// <param name="volume">Name of the volume; it need not be there any more.</param>
    /// <param name="to">Number of the newest wanted; <see cref="long.MaxValue"/> for the newest there is.</param>
    /// <param name="count">So many at most; 1 to <see cref="CatalogHistory.CountMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<IReadOnlyList<(long Number, VolumeFaultEvent Happened)>> FaultHistoryAsync(string volume, long to, int count, CancellationToken cancellation) =>
        FaultHistory.ReadAsync(volume, _journal, JournalFormat, to, count, cancellation);

    /// <summary>The failed syncs that fence flush domains. Those of a volume that another node owns are in the journal.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>By volume as in the file, then by domain.</returns>
    public async Task<IReadOnlyList<VolumeFault>> FaultsAsync(CancellationToken cancellation)
    {
        if (_engine.Peers is null)
            return [.. Volumes.SelectMany(FaultsOf)];
        List<VolumeFault> faults = [];
        foreach (string volume in _catalog.State.All<CatalogVolume>().Select(volume => volume.Name).OrderBy(_parts.PlaceInFile))
        {
            faults.AddRange(_parts.Find(volume) is { } here
                ? FaultsOf(here)
                : VolumeFault.After(volume, await FaultHistoryAsync(volume, long.MaxValue, CatalogHistory.CountMax, cancellation)));
        }

        return faults;
    }

    /// <summary>Clears a fault, wherever its volume is owned (F6).</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="domain">Index of the flush domain.</param>
    /// <param name="by">Who clears it.</param>
    /// <returns>What came of it.</returns>
    public Task<FaultClearing> ClearFaultAsync(string volume, int domain, string by) =>
        _parts.Find(volume) is { } here ? ClearFaultAsync(here, domain, by)
        : _engine.Peers is { } peers && _catalog.State.Find<CatalogVolume>(volume) is not null ? peers.ClearFaultAsync(volume, domain, by)
        : Task.FromResult(new FaultClearing(false, $"there is no volume {volume}"));

    /// <summary>Clears a fault of a volume that runs here (F6), and says so in the log.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="domain">Index of the flush domain.</param>
    /// <param name="by">Who clears it.</param>
    /// <returns>What came of it.</returns>
    public async Task<FaultClearing> ClearFaultAsync(RunningVolume volume, int domain, string by)
    {
        string name = volume.Settings.Name;
        if (FaultsOf(volume).FirstOrDefault(fault => fault.Domain == domain) is not { } fault)
            return new FaultClearing(false, $"volume {name} has no fault in domain {domain}");
        if (await volume.ClearFaultAsync(domain, by) is { } refusal)
        {
            NotCleared(_logger, name, domain, by, refusal);
            return new FaultClearing(true, refusal);
        }

        Cleared(_logger, name, domain, fault.Errno, fault.Since, by);
        return new FaultClearing(true, null);
    }

    /// <summary>Buffer memory that a guest's requests take now.</summary>
    /// <param name="guest">Name of the guest.</param>
    /// <returns>Bytes.</returns>
    public long BuffersInUse(string guest) => _parts.Guest(guest)?.Buffers.InUse ?? 0;

    /// <summary>What it serves, in a line.</summary>
    /// <returns>The line.</returns>
    public string Summary() => string.Create(CultureInfo.InvariantCulture, $"Serves disks: {Disks.Count}, volumes: {Volumes.Count}");

    /// <summary>What keeps the service from being ready, a line each; empty if it is ready.</summary>
    /// <returns>The problems.</returns>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [.. _parts.Problems, .. _engine.Problems];
        if (_catalog.Problem is { } behind)
            problems.Add(behind);
        foreach (RunningVolume volume in Volumes)
        {
            if (volume.Status.Stopped.IsCompleted)
                problems.Add($"volume {volume.Settings.Name} has stopped: {volume.Status.Stopped.Result ?? "the service is stopping"}");
            else
                problems.AddRange(FaultsOf(volume).Select(fault => $"volume {fault.Volume} is fenced: a sync of domain {fault.Domain} ({volume.Paths[fault.Domain]}) failed (errno {fault.Errno}); acknowledged writes may be lost; see the README, \"When a sync fails\""));
        }

        return problems;
    }

    /// <summary>Reads all volume groups anew; new connections see what has changed. What went on and what did not is logged.</summary>
    /// <returns>Of each that goes on as it was, why; empty if all were taken.</returns>
    public Task<IReadOnlyList<string>> RescanAsync() => _catalog.RescanAsync();

    /// <summary>Starts the scheduler of a volume of a cluster here.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="tenure">Where and how long it runs.</param>
    /// <returns>The volume; ended by <see cref="EndVolumeAsync"/>.</returns>
    /// <exception cref="VolumeOpenException">It can't be opened.</exception>
    /// <exception cref="JournalUnavailableException">Nobody can tell which disks it has.</exception>
    public async Task<RunningVolume> StartVolumeAsync(string volume, VolumeTenure tenure)
    {
        // What earlier owners have changed, up to the end of their ownership, is in there.
        CatalogState then = await _catalog.ReadNowAsync();
        RunningVolume started = await _parts.StartHereAsync(volume, then, tenure);
        if (await _catalog.WithPartsAsync(state => _parts.TakeInAsync(started, then, state)) is not { } problem)
            return started;
        System.Stop(started.Actor);
        _ = await started.Status.Stopped;
        await Task.Run(started.Dispose);
        throw new InvalidOperationException(problem);
    }

    /// <summary>Closes a volume of a cluster whose scheduler has stopped.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>Done when its I/O has ended, and no change of its disks is under way here.</returns>
    public async Task EndVolumeAsync(RunningVolume volume)
    {
        _ = await _catalog.WithPartsAsync(_ =>
        {
            _parts.Ended(volume);
            return Task.FromResult(true);
        });
        await Task.Run(volume.Dispose);
    }

    /// <summary>Offers the disks of a volume as its owner in the cluster has them now.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Done when they are offered.</returns>
    public Task OfferDisksAsync(string volume) => _catalog.WithPartsAsync(state =>
    {
        _parts.OfferDisks(volume, state);
        return Task.FromResult(true);
    });

    /// <summary>Accepts no more, answers what was accepted, flushes, and ends the connections.</summary>
    /// <returns>Whether all volumes stopped cleanly.</returns>
    public async Task<bool> StopAsync()
    {
        _frontEnds.ForEach(frontEnd => frontEnd.StopAccepting());
        _catalog.Stop();
        bool clean = await _engine.HandOverAsync();
        IReadOnlyList<RunningVolume> volumes = Volumes;
        foreach (RunningVolume volume in volumes)
            volume.Actor.Tell(StopVolume.Instance);

        Task timeIsUp = Task.Delay(StopTimeMax);
        foreach (RunningVolume volume in volumes)
        {
            Task ended = await Task.WhenAny(volume.Status.Stopped, timeIsUp);
            if (ended != volume.Status.Stopped)
            {
                // Its device does not come back. Closing it would wait for ever.
                StopTimedOut(_logger, volume.Settings.Name, StopTimeMax.TotalSeconds);
                clean = false;
            }
            else
            {
                clean &= volume.Status.Stopped.Result is null;
            }
        }

        DateTime deadline = DateTime.UtcNow + s_lastRepliesTimeMax;
        while (_frontEnds.Sum(frontEnd => frontEnd.ConnectionCount) > 0 && DateTime.UtcNow < deadline)
            await Task.Delay(10);
        _ = Close(_ => true, "the server has stopped");
        return clean;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // If it was not stopped: what runs uses all the rest.
        _ = await _engine.HandOverAsync();
        _parts.Dispose();
        _frontEnds.ForEach(frontEnd => frontEnd.Dispose());
        await _catalog.DisposeAsync();
        await _engine.DisposeAsync();
        await _journal.DisposeAsync();
    }

    // It has not started.
    private async Task AbandonAsync()
    {
        _ = await _engine.HandOverAsync();
        _frontEnds.ForEach(frontEnd => frontEnd.Dispose());
        _catalog.Stop();
        foreach (RunningVolume volume in Volumes)
            _ = await volume.StopAsync(StopTimeMax);
        await DisposeAsync();
    }

    /// <summary>Closes all connections of guests, without answers to what is under way.</summary>
    /// <param name="reason">For the log.</param>
    /// <returns>How many there were.</returns>
    public int CloseConnections(string reason) => Close(_ => true, reason);

    private int Close(Func<ConnectionView, bool> which, string reason) => _frontEnds.Sum(frontEnd => frontEnd.Close(which, reason));

    // What a user of this machine sees is the same over a ring as over NBD's Unix socket.
    private RingDiskLookup FindForRing(string name, uint? user) => FindForRing(name, new PeerIdentity(null, user));

    internal RingDiskLookup FindForDomain(string name, VbdDomain domain) =>
        FindForRing(name, new PeerIdentity(null, null) { Domain = new PeerDomain(domain.Name, domain.Uuid) });

    private RingDiskLookup FindForRing(string name, PeerIdentity peer)
    {
        if (_parts.Exports.Find(name, _parts.SightOf(peer)) is not { } export)
            return new RingDiskLookup(null, $"there is no disk '{name}'");
        if (!export.IsAvailable())
            return new RingDiskLookup(null, $"volume {export.Volume} of disk {name} has stopped");
        if (export.Info.MinBlock > BlkifAbi.PageBytes)
            return new RingDiskLookup(null, $"disk {name} has blocks of {export.Info.MinBlock} bytes, which are more than a page");
        return new RingDiskLookup(
            new RingDisk
            {
                Name = name,
                Volume = export.Volume,
                Info = new BlkifDisk(export.Info.Size, export.Info.MinBlock, export.Info.Order),
                Loop = export.Loop,
                Guest = export.Guest,
                StartRing = export.StartRing,
                ReattachMax = export.ReattachMax,
            },
            "");
    }

    private static IEnumerable<VolumeFault> FaultsOf(RunningVolume volume) =>
        from domain in Enumerable.Range(0, volume.Status.DomainCount)
        let error = volume.Status.Fault(domain)
        where error != 0
        select new VolumeFault(volume.Settings.Name, domain, error, volume.Faults.Since(domain));

    private static EndPoint EndPointOf(ListenEndpoint endpoint) => endpoint switch
    {
        TcpListenEndpoint tcp => new IPEndPoint(tcp.Address, tcp.Port),
        UnixListenEndpoint unix => new UnixDomainSocketEndPoint(unix.Path),
        _ => throw new ArgumentException($"endpoint {endpoint} is of no known kind", nameof(endpoint)),
    };

    private NbdServerOptions NbdOptions(ILoggerFactory loggers)
    {
        NbdSettings nbd = _settings.Nbd;
        return new NbdServerOptions([.. nbd.Listen.Select(EndPointOf)], nbd.ConnectionsMax, nbd.HandshakeTimeout)
        {
            HandshakesMax = nbd.HandshakesMax,
            Tls = nbd.Tls is { } tls ? new ServerTls(new TlsFiles(tls.Certificate, tls.Key, tls.ClientCa), loggers.CreateLogger<ServerTls>()) : null,
            TlsRequired = nbd.Tls is { Required: true },
            SightOf = _parts.SightOf,
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: the fault of domain {Domain} (errno {Errno}, since {Since:O}) was cleared by {Client}")]
    private static partial void Cleared(ILogger logger, string volume, int domain, int errno, DateTimeOffset? since, string client);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: the fault of domain {Domain} was not cleared for {Client}: {Reason}")]
    private static partial void NotCleared(ILogger logger, string volume, int domain, string client, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} did not stop within {Seconds} s: its device does not answer")]
    private static partial void StopTimedOut(ILogger logger, string volume, double seconds);
}
