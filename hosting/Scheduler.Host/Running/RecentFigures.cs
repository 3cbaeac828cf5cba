namespace Scheduler.Host.Running;

/// <summary>What a guest had in the last interval.</summary>
/// <param name="Share">Of the device time that was charged on its volumes, the part that was charged to it: 0 to 1. Null: none
/// was charged.</param>
/// <param name="LatencySeconds">Mean time from a request's acceptance to its answer. Null: none was answered.</param>
internal sealed record RecentGuest(double? Share, double? LatencySeconds);

/// <summary>Counters of a guest on one volume, since that was opened.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Guest">Name of the guest.</param>
/// <param name="DeviceTimeSeconds">Device time charged to it.</param>
/// <param name="LatencySecondsSum">Sum of its requests' times.</param>
/// <param name="LatencyCount">Requests in that sum.</param>
internal readonly record struct GuestCounters(string Volume, string Guest, double DeviceTimeSeconds, double LatencySecondsSum, long LatencyCount);

/// <summary>
/// Differences of the guests' counters over an interval that ended last. A counter that has become smaller began anew with its
/// volume and counts as a whole, as does one that was not there before.
/// </summary>
internal sealed class RecentFigures : IDisposable
{
    private readonly Func<IEnumerable<GuestCounters>> _read;
    private readonly Timer _timer;
    private readonly Lock _lock = new();
    private Dictionary<(string, string), GuestCounters> _before;
    private volatile IReadOnlyDictionary<string, RecentGuest> _guests = new Dictionary<string, RecentGuest>();

    /// <summary>Begins an interval.</summary>
    /// <param name="read">Gives the counters as they are now; on any thread.</param>
    /// <param name="interval">How long each is; <see cref="Timeout.InfiniteTimeSpan"/>: they end with <see cref="Take"/> alone.</param>
    public RecentFigures(Func<IEnumerable<GuestCounters>> read, TimeSpan interval)
    {
        _read = read;
        _before = Now();
        _timer = new Timer(_ => Take(), null, interval, interval);
    }

    /// <summary>By guest; those that had a disk when the interval ended.</summary>
    public IReadOnlyDictionary<string, RecentGuest> Guests => _guests;

    /// <summary>Ends the interval, and begins the next.</summary>
    public void Take()
    {
        lock (_lock)
        {
            Dictionary<(string, string), GuestCounters> now = Now();
            GuestCounters[] done = [.. now.Select(pair => Since(_before.GetValueOrDefault(pair.Key), pair.Value))];
            Dictionary<string, double> volumes = done.GroupBy(guest => guest.Volume).ToDictionary(all => all.Key, all => all.Sum(guest => guest.DeviceTimeSeconds));
            _guests = done.GroupBy(guest => guest.Guest).ToDictionary(all => all.Key, all =>
            {
                double charged = all.Sum(guest => volumes[guest.Volume]);
                long answered = all.Sum(guest => guest.LatencyCount);
                return new RecentGuest(
                    charged > 0 ? all.Sum(guest => guest.DeviceTimeSeconds) / charged : null,
                    answered > 0 ? all.Sum(guest => guest.LatencySecondsSum) / answered : null);
            });
            _before = now;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private Dictionary<(string, string), GuestCounters> Now()
    {
        Dictionary<(string, string), GuestCounters> now = [];
        foreach (GuestCounters guest in _read())
            now[(guest.Volume, guest.Guest)] = guest;
        return now;
    }

    private static GuestCounters Since(GuestCounters before, GuestCounters now) => now with
    {
        DeviceTimeSeconds = now.DeviceTimeSeconds - (before.DeviceTimeSeconds <= now.DeviceTimeSeconds ? before.DeviceTimeSeconds : 0),
        LatencySecondsSum = now.LatencySecondsSum - (before.LatencySecondsSum <= now.LatencySecondsSum ? before.LatencySecondsSum : 0),
        LatencyCount = now.LatencyCount - (before.LatencyCount <= now.LatencyCount ? before.LatencyCount : 0),
    };
}
