using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Configuration;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Protocol;
using Scheduler.Nbd.Server;
using Scheduler.Nbd.Tls;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>The running service without its admin side: volumes, and the NBD server in front of them.</summary>
internal sealed partial class Service : IDisposable
{
    /// <summary>Longest time that a clean stop waits for the volumes; for the last replies, little more.</summary>
    public static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_lastRepliesTimeMax = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger;
    private readonly LocalSystem _system;
    private readonly List<RunningVolume> _volumes = [];
    private readonly ServiceSettings _settings;
    private readonly Dictionary<string, NbdGuest> _guests;
    private readonly NbdExports _exports;
    private readonly NbdServer _nbd;
    private readonly SemaphoreSlim _rescan = new(1);

    /// <summary>Starts all volumes, then listens.</summary>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="telemetry">Instruments.</param>
    /// <param name="loggers">Makes loggers.</param>
    /// <exception cref="VolumeOpenException">A volume can't be opened.</exception>
    /// <exception cref="IOException">An address can't be bound, or a file for TLS is no good.</exception>
    public Service(ServiceSettings settings, VolumeTelemetry telemetry, ILoggerFactory loggers)
    {
        _settings = settings;
        _logger = loggers.CreateLogger<Service>();
        _system = new LocalSystem(loggers.CreateLogger<LocalSystem>());
        _guests = settings.Guests.ToDictionary(guest => guest.Name, guest => new NbdGuest(guest.Name, new GuestBuffers(guest.BufferMemory), guest.ConnectionsMax));
        try
        {
            foreach (VolumeSettings volume in settings.Volumes)
                _volumes.Add(RunningVolume.Start(volume, settings, _system, telemetry, _logger));
            _exports = new NbdExports(Exports());
            _nbd = new NbdServer(NbdOptions(loggers), _exports, loggers.CreateLogger<NbdServer>());
            _nbd.Start();
        }
        catch
        {
            _nbd?.Dispose();
            foreach (RunningVolume volume in _volumes)
                volume.Dispose();
            throw;
        }

        foreach (RunningVolume volume in _volumes)
        {
            VolumeStarted(_logger, volume.Settings.Name, string.Join(", ", volume.Paths), volume.Size, volume.Settings.Policy);
            SayWhatIsNotServed(volume);
            if (volume.IoFallback is { } reason)
                VolumeFallsBack(_logger, volume.Settings.Name, reason);
            if (volume.Status.IsFenced)
                VolumeFenced(_logger, volume.Settings.Name);
            _ = WatchAsync(volume);
        }
    }

    /// <summary>The actors of the volumes and the rings.</summary>
    public LocalSystem System => _system;

    /// <summary>The volumes.</summary>
    public IReadOnlyList<RunningVolume> Volumes => _volumes;

    /// <summary>The disks that are served now, in the order of the configuration.</summary>
    public IReadOnlyList<PlacedDisk> Disks
    {
        get
        {
            Dictionary<string, PlacedDisk> served = _volumes.SelectMany(volume => volume.Disks).ToDictionary(disk => disk.Settings.Name);
            return [.. _settings.Disks.Select(disk => served.GetValueOrDefault(disk.Name)).OfType<PlacedDisk>()];
        }
    }

    /// <summary>Where NBD is served.</summary>
    public IReadOnlyList<EndPoint> NbdEndpoints => _nbd.LocalEndpoints;

    /// <summary>Buffer memory that a guest's requests take now.</summary>
    /// <param name="guest">Name of the guest.</param>
    /// <returns>Bytes.</returns>
    public long BuffersInUse(string guest) => _guests[guest].Buffers.InUse;

    /// <summary>What it serves, in a line.</summary>
    /// <returns>The line.</returns>
    public string Summary() => string.Create(CultureInfo.InvariantCulture, $"Serves disks: {Disks.Count}, volumes: {_volumes.Count}");

    /// <summary>What keeps the service from being ready, a line each; empty if it is ready.</summary>
    /// <returns>The problems.</returns>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        foreach (RunningVolume volume in _volumes)
        {
            if (volume.Status.Stopped.IsCompleted)
                problems.Add($"volume {volume.Settings.Name} has stopped: {volume.Status.Stopped.Result ?? "the service is stopping"}");
            else
                problems.AddRange(FencesOf(volume));
        }

        return problems;
    }

    /// <summary>Reads all volume groups anew; new connections see what has changed. What went on and what did not is logged.</summary>
    public async Task RescanAsync()
    {
        await _rescan.WaitAsync();
        try
        {
            foreach (RunningVolume volume in _volumes.Where(volume => volume.Settings.IsGroup))
            {
                if (await volume.RescanAsync() is { } problem)
                {
                    RescanRefused(_logger, volume.Settings.Name, problem);
                    continue;
                }

                _exports.Replace(Exports());
                Rescanned(_logger, volume.Settings.Name, string.Join(", ", volume.Disks.Select(disk => $"{disk.Settings.Name} {ByteSize.Format(disk.Size)}")));
                SayWhatIsNotServed(volume);
            }
        }
        finally
        {
            _ = _rescan.Release();
        }
    }

    /// <summary>Accepts no more, answers what was accepted, flushes, and ends the connections.</summary>
    /// <returns>Whether all volumes stopped cleanly.</returns>
    public async Task<bool> StopAsync()
    {
        _nbd.StopAccepting();
        foreach (RunningVolume volume in _volumes)
            volume.Actor.Tell(StopVolume.Instance);

        bool clean = true;
        Task timeIsUp = Task.Delay(StopTimeMax);
        foreach (RunningVolume volume in _volumes)
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
        while (_nbd.ConnectionCount > 0 && DateTime.UtcNow < deadline)
            await Task.Delay(10);
        _nbd.Abort();
        return clean;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RunningVolume volume in _volumes)
        {
            if (volume.Status.Stopped.IsCompleted)
                volume.Dispose();
        }

        _nbd.Dispose();
        _rescan.Dispose();
    }

    private static IEnumerable<string> FencesOf(RunningVolume volume) =>
        from domain in Enumerable.Range(0, volume.Status.DomainCount)
        let error = volume.Status.Fault(domain)
        where error != 0
        select $"volume {volume.Settings.Name} is fenced: a sync of domain {domain} ({volume.Paths[domain]}) failed (errno {error}); acknowledged writes may be lost; see the README, \"When a sync fails\"";

    private static EndPoint EndPointOf(ListenEndpoint endpoint) => endpoint switch
    {
        TcpListenEndpoint tcp => new IPEndPoint(tcp.Address, tcp.Port),
        UnixListenEndpoint unix => new UnixDomainSocketEndPoint(unix.Path),
        _ => throw new ArgumentException($"endpoint {endpoint} is of no known kind", nameof(endpoint)),
    };

    private NbdServerOptions NbdOptions(ILoggerFactory loggers)
    {
        NbdSettings nbd = _settings.Nbd;
        Dictionary<string, string> identities = _settings.Guests
            .SelectMany(guest => guest.Identities, (guest, identity) => (guest, identity))
            .ToDictionary(pair => pair.identity, pair => pair.guest.Name, StringComparer.Ordinal);
        return new NbdServerOptions([.. nbd.Listen.Select(EndPointOf)], nbd.ConnectionsMax, nbd.HandshakeTimeout)
        {
            HandshakesMax = nbd.HandshakesMax,
            Tls = nbd.Tls is { } tls ? new ServerTls(new TlsFiles(tls.Certificate, tls.Key, tls.ClientCa), loggers.CreateLogger<ServerTls>()) : null,
            TlsRequired = nbd.Tls is { Required: true },
            UnixForAllUsers = _settings.Guests.Any(guest => guest.Uids.Count > 0),
            SightOf = new GuestIdentities(identities).SightOf,
        };
    }

    private List<NbdExport> Exports() => [.. Disks.Select(ExportOf)];

    private NbdExport ExportOf(PlacedDisk placed)
    {
        DiskSettings disk = placed.Settings;
        RunningVolume volume = _volumes.First(volume => volume.Settings.Name == disk.Volume.Name);
        return new NbdExport
        {
            Info = new ExportInfo(disk.Name, placed.Size, Math.Max(512, volume.BlockSize), order: (RingOrder)disk.Ordered),
            Volume = disk.Volume.Name,
            Disk = disk.Name,
            Loop = volume.Loop,
            Guest = _guests[disk.Guest.Name],
            Credits = _settings.Nbd.Credits,
            StartRing = props => volume.StartRing(_system, disk.Name, props),
            IsAvailable = () => !volume.Status.Stopped.IsCompleted,
        };
    }

    private void SayWhatIsNotServed(RunningVolume volume)
    {
        foreach (string line in volume.NotServed)
            NotServed(_logger, volume.Settings.Name, line);
    }

    private async Task WatchAsync(RunningVolume volume)
    {
        if (await volume.Status.Stopped is { } broken)
            VolumeBroken(_logger, volume.Settings.Name, broken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume}: {Path}, {Size} bytes, policy {Policy}")]
    private static partial void VolumeStarted(ILogger logger, string volume, string path, long size, Scheduler.Core.PolicyKind policy);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: {What}")]
    private static partial void NotServed(ILogger logger, string volume, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} was read anew: {Disks}")]
    private static partial void Rescanned(ILogger logger, string volume, string disks);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} was read anew, and goes on as it was: {Reason}")]
    private static partial void RescanRefused(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume} uses threads, as io_uring can't be used: {Reason}")]
    private static partial void VolumeFallsBack(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} is fenced: a sync failed before; everything but reads fails until the fault is cleared")]
    private static partial void VolumeFenced(ILogger logger, string volume);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Volume {Volume} has stopped: {Reason}")]
    private static partial void VolumeBroken(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} did not stop within {Seconds} s: its device does not answer")]
    private static partial void StopTimedOut(ILogger logger, string volume, double seconds);
}
