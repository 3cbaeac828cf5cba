using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>What a running service does, as its volumes tell.</summary>
internal sealed class ServiceFigures : ILiveFigures, IDisposable
{
    private readonly Service _service;
    private readonly RecentFigures _recent;

    /// <summary>Begins to look at it once a second.</summary>
    /// <param name="service">The service.</param>
    public ServiceFigures(Service service)
    {
        _service = service;
        _recent = new RecentFigures(() => service.Volumes.SelectMany(volume => CountersOf(volume.Status)), TimeSpan.FromSeconds(1));
    }

    /// <inheritdoc/>
    public IReadOnlyList<VolumeFigures> Volumes => [.. _service.Volumes.Select(VolumeOf)];

    /// <inheritdoc/>
    public IReadOnlyList<GuestFigures> Guests
    {
        get
        {
            ILookup<(string, string), ConnectionView> connections = _service.Connections.ToLookup(view => (view.Volume, view.Guest));
            return [.. _service.Volumes.SelectMany(volume => GuestsOf(volume.Status, connections))];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, RecentGuest> Recent => _recent.Guests;

    /// <inheritdoc/>
    public IReadOnlyList<RingFigures> Rings =>
    [
        .. _service.Connections.OrderBy(view => view.Id).Select(view =>
            new RingFigures(view.Id, view.Volume, view.Disk, view.Guest, view.Peer, view.Tls, view.Credits, view.InFlight)),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, DiskState> Disks
    {
        get
        {
            Dictionary<string, int> rings = _service.Connections.CountBy(view => view.Disk).ToDictionary();
            return _service.Volumes.SelectMany(volume => volume.Disks).ToDictionary(
                disk => disk.Settings.Name, disk => new DiskState(rings.GetValueOrDefault(disk.Settings.Name), disk.Size));
        }
    }

    /// <inheritdoc/>
    public bool CloseRing(long id) => _service.Disconnect(id);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> RescanAsync() => _service.RescanAsync();

    /// <inheritdoc/>
    public void Dispose() => _recent.Dispose();

    private static IEnumerable<GuestCounters> CountersOf(VolumeStatus status) => status.Guests.Select((guest, index) =>
        new GuestCounters(status.Name, guest, status.DeviceTimeSeconds(index), status.LatencySeconds(index), Answered(status, index)));

    private static long Answered(VolumeStatus status, int guest) => Enumerable.Range(0, VolumeStatus.OpNames.Count).Sum(op => status.Requests(guest, op));

    private static VolumeFigures VolumeOf(RunningVolume volume)
    {
        VolumeStatus status = volume.Status;
        return new VolumeFigures(
            status.Name,
            volume.Settings.Policy,
            status.DeviceDepth,
            status.InFlight,
            status.QueueDepth,
            status.DeviceFlushes,
            status.FlushesServed,
            status.IsFenced,
            status.Stopped.IsCompleted);
    }

    private static IEnumerable<GuestFigures> GuestsOf(VolumeStatus status, ILookup<(string, string), ConnectionView> connections) =>
        status.Guests.Select((guest, index) => new GuestFigures(
            status.Name,
            guest,
            status.DeviceTimeSeconds(index),
            ByOperation(op => status.Requests(index, op)),
            ByOperation(op => status.Bytes(index, op)),
            status.FlushRequests(index))
        {
            Rings = connections[(status.Name, guest)].Count(),
            Queued = connections[(status.Name, guest)].Sum(view => view.InFlight),
            InFlight = status.GuestInFlight(index),
            LatencySecondsSum = status.LatencySeconds(index),
            LatencyCount = Answered(status, index),
            DrainSecondsSum = status.DrainSeconds(index),
        });

    private static Dictionary<string, long> ByOperation(Func<int, long> count) =>
        VolumeStatus.OpNames.Select((name, op) => (name, count(op))).ToDictionary();
}
