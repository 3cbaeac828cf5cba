using System.Text.Json.Serialization;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.CommandLine;

/// <summary>What a guest had of a volume during an interval.</summary>
/// <param name="Guest">Name of the guest.</param>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Weight">Its weight at the end.</param>
/// <param name="Share">Its part of the device time of all guests of the volume; 0 to 1.</param>
/// <param name="Iops">Requests a second that were answered, flushes apart.</param>
/// <param name="BytesPerSecond">Their bytes.</param>
/// <param name="LatencySeconds">Mean time from arrival to answer; null if nothing was answered.</param>
/// <param name="FlushesPerSecond">Flushes that it asked for.</param>
/// <param name="DrainSecondsPerSecond">Time that its requests waited for a stream to drain; above 1 if several did.</param>
/// <param name="Rings">Connections at the end.</param>
/// <param name="Queued">Requests that waited at the end.</param>
/// <param name="InFlight">Operations on the device at the end.</param>
internal sealed record GuestRates(
    string Guest,
    string Volume,
    int Weight,
    double Share,
    double Iops,
    double BytesPerSecond,
    double? LatencySeconds,
    double FlushesPerSecond,
    double DrainSecondsPerSecond,
    int Rings,
    int Queued,
    int InFlight);

/// <summary>What a volume did during an interval.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="State">ok, fenced or stopped at the end.</param>
/// <param name="Policy">Which request goes to the device next.</param>
/// <param name="Depth">Most operations on the device at once at the end.</param>
/// <param name="InFlight">Operations on the device at the end.</param>
/// <param name="Queued">Requests that waited at the end.</param>
/// <param name="Iops">Of all its guests.</param>
/// <param name="BytesPerSecond">Of all its guests.</param>
/// <param name="FlushesPerSecond">Flushes that its guests asked for.</param>
/// <param name="DeviceFlushesPerSecond">Flushes that went to the device.</param>
/// <param name="ServedPerFlush">Requests that one of those served; null if there was none.</param>
internal sealed record VolumeRates(
    string Volume,
    string State,
    string Policy,
    int Depth,
    int InFlight,
    int Queued,
    double Iops,
    double BytesPerSecond,
    double FlushesPerSecond,
    double DeviceFlushesPerSecond,
    double? ServedPerFlush);

/// <summary>
/// Differences of a service's counters over an interval. A counter that has become smaller began anew with the service,
/// and one that was not there before began with 0: both count as a whole.
/// </summary>
/// <param name="At">End of the interval.</param>
/// <param name="Seconds">Its length by the service's clock; above 0.</param>
/// <param name="Volumes">All volumes there were at the end.</param>
/// <param name="Guests">All guests there were at the end.</param>
internal sealed record TopRates(DateTimeOffset At, double Seconds, IReadOnlyList<VolumeRates> Volumes, IReadOnlyList<GuestRates> Guests)
{
    /// <summary>Computes them.</summary>
    /// <param name="before">At the beginning.</param>
    /// <param name="after">At the end.</param>
    /// <param name="elapsed">The interval by this machine's clock, above 0: taken if the service's clock has not gone on.</param>
    public static TopRates Between(Stats before, Stats after, TimeSpan elapsed)
    {
        double seconds = after.At > before.At ? (after.At - before.At).TotalSeconds : elapsed.TotalSeconds;
        Dictionary<(string, string), GuestStats> guestsBefore = before.Guests.ToDictionary(guest => (guest.Volume, guest.Guest));
        Dictionary<string, VolumeStats> volumesBefore = before.Volumes.ToDictionary(volume => volume.Name);

        GuestStats[] done = [.. after.Guests.Select(guest => Since(guestsBefore.GetValueOrDefault((guest.Volume, guest.Guest)), guest))];
        Dictionary<string, double> deviceTime = done.GroupBy(guest => guest.Volume).ToDictionary(guests => guests.Key, guests => guests.Sum(guest => guest.DeviceTimeSeconds));
        GuestRates[] guests = [.. done.Select(guest => new GuestRates(
            guest.Guest,
            guest.Volume,
            guest.Weight,
            Share: deviceTime[guest.Volume] > 0 ? guest.DeviceTimeSeconds / deviceTime[guest.Volume] : 0,
            Iops: guest.Requests.Values.Sum() / seconds,
            BytesPerSecond: guest.Bytes.Values.Sum() / seconds,
            LatencySeconds: guest.LatencyCount > 0 ? guest.LatencySecondsSum / guest.LatencyCount : null,
            FlushesPerSecond: guest.FlushRequests / seconds,
            DrainSecondsPerSecond: guest.DrainSecondsSum / seconds,
            guest.Rings,
            guest.Queued,
            guest.InFlight))];

        ILookup<string, GuestRates> guestsOf = guests.ToLookup(guest => guest.Volume);
        VolumeRates[] volumes = [.. after.Volumes.Select(volume =>
        {
            VolumeStats? earlier = volumesBefore.GetValueOrDefault(volume.Name);
            double flushes = Since(earlier?.DeviceFlushes, volume.DeviceFlushes);
            double served = Since(earlier?.FlushesServed, volume.FlushesServed);
            return new VolumeRates(
                volume.Name,
                volume.Stopped ? "stopped" : volume.Fenced ? "fenced" : "ok",
                volume.Policy,
                volume.Depth,
                volume.InFlight,
                volume.Queued,
                guestsOf[volume.Name].Sum(guest => guest.Iops),
                guestsOf[volume.Name].Sum(guest => guest.BytesPerSecond),
                guestsOf[volume.Name].Sum(guest => guest.FlushesPerSecond),
                DeviceFlushesPerSecond: flushes / seconds,
                ServedPerFlush: flushes > 0 ? served / flushes : null);
        })];
        return new TopRates(after.At, seconds, volumes, guests);
    }

    // The counters of the interval alone.
    private static GuestStats Since(GuestStats? before, GuestStats after) => after with
    {
        DeviceTimeSeconds = Since(before?.DeviceTimeSeconds, after.DeviceTimeSeconds),
        Requests = after.Requests.Where(count => count.Key != "flush").ToDictionary(
            count => count.Key, count => (long)Since(before?.Requests.GetValueOrDefault(count.Key), count.Value)),
        Bytes = after.Bytes.ToDictionary(count => count.Key, count => (long)Since(before?.Bytes.GetValueOrDefault(count.Key), count.Value)),
        FlushRequests = (long)Since(before?.FlushRequests, after.FlushRequests),
        LatencySecondsSum = Since(before?.LatencySecondsSum, after.LatencySecondsSum),
        LatencyCount = (long)Since(before?.LatencyCount, after.LatencyCount),
        DrainSecondsSum = Since(before?.DrainSecondsSum, after.DrainSecondsSum),
    };

    private static double Since(double? before, double after) => before <= after ? after - before.Value : after;
}

/// <summary>How <c>scheduler top --json</c> writes them.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TopRates))]
internal sealed partial class TopJson : JsonSerializerContext;
