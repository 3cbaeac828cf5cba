using System.Diagnostics;
using System.Diagnostics.Metrics;
using Scheduler.Core;

namespace Scheduler.Actors;

/// <summary>
/// The instruments of volumes, on System.Diagnostics. Counts are read from <see cref="VolumeStatus"/> when somebody
/// collects; only durations are recorded as they happen.
/// </summary>
/// <remarks>Names are part of the service's interface and do not change.</remarks>
public sealed class VolumeTelemetry : IDisposable
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string SourceName = "Scheduler";

    private readonly List<VolumeStatus> _volumes = [];
    private readonly Lock _lock = new();

    /// <summary>Creates the instruments.</summary>
    public VolumeTelemetry()
    {
        Duration = Meter.CreateHistogram("scheduler.request.duration", "s", "Time from a request's arrival to its answer.", null, Buckets);
        Queued = Meter.CreateHistogram("scheduler.request.queued", "s", "Time that a request waited before its first device operation.", null, Buckets);
        OnDevice = Meter.CreateHistogram("scheduler.request.device", "s", "Time from a request's first device operation to its answer.", null, Buckets);
        _ = Meter.CreateObservableCounter("scheduler.requests", () => PerGuestAndOp((volume, guest, op) => volume.Requests(guest, op)), null, "Requests answered.");
        _ = Meter.CreateObservableCounter("scheduler.bytes", () => PerGuestAndOp((volume, guest, op) => volume.Bytes(guest, op)), "By", "Bytes of requests answered without error.");
        _ = Meter.CreateObservableCounter("scheduler.flush.requests", () => PerGuest((volume, guest) => volume.FlushRequests(guest)), null, "Flushes that guests asked for.");
        _ = Meter.CreateObservableCounter("scheduler.device.time", () => PerGuest((volume, guest) => volume.DeviceTimeSeconds(guest)), "s", "Device time charged to a guest.");
        _ = Meter.CreateObservableCounter("scheduler.flush.device", () => PerVolume(volume => volume.DeviceFlushes), null, "Device flushes: whole-domain syncs.");
        _ = Meter.CreateObservableCounter("scheduler.flush.served", () => PerVolume(volume => volume.FlushesServed), null, "Requests that device flushes served: divided by the flushes, how many were merged.");
        _ = Meter.CreateObservableCounter("scheduler.fua.device", () => PerVolume(volume => volume.DsyncWrites), null, "Writes sent with RWF_DSYNC.");
        _ = Meter.CreateObservableGauge("scheduler.queue.depth", () => PerVolume(volume => volume.QueueDepth), null, "Requests accepted and not answered.");
        _ = Meter.CreateObservableGauge("scheduler.device.inflight", () => PerVolume(volume => volume.InFlight), null, "Operations on the device.");
        _ = Meter.CreateObservableGauge("scheduler.device.depth", () => PerVolume(volume => volume.DeviceDepth), null, "Most operations on the device at once now.");
        _ = Meter.CreateObservableGauge("scheduler.rings", () => PerVolume(volume => volume.Rings), null, "Attached rings.");
        _ = Meter.CreateObservableGauge("scheduler.volume.fenced", () => PerVolume(volume => volume.IsFenced ? 1 : 0), null, "1 while a sync fault fences a domain of the volume.");
        _ = Meter.CreateObservableGauge("scheduler.volume.stopped", () => PerVolume(volume => volume.Stopped.IsCompleted ? 1 : 0), null, "1 when the volume's scheduler has stopped.");
    }

    /// <summary>Requests whose spans are recorded: one of so many; 0 for none.</summary>
    public int TraceEvery { get; init; }

    /// <summary>The instruments.</summary>
    internal Meter Meter { get; } = new(SourceName);

    /// <summary>Spans of requests and device flushes.</summary>
    internal ActivitySource Source { get; } = new(SourceName);

    internal Histogram<double> Duration { get; }

    internal Histogram<double> Queued { get; }

    internal Histogram<double> OnDevice { get; }

    /// <summary>Upper bounds of the durations' buckets in seconds: 10 microseconds to 10 seconds, three a decade.</summary>
    public static double[] BucketBoundaries =>
        [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5, 10];

    private static InstrumentAdvice<double> Buckets => new() { HistogramBucketBoundaries = BucketBoundaries };

    /// <summary>Includes a volume.</summary>
    /// <param name="volume">What is read of it.</param>
    public void Add(VolumeStatus volume)
    {
        lock (_lock)
            _volumes.Add(volume);
    }

    /// <summary>Leaves a volume out from now on: it is gone.</summary>
    /// <param name="volume">What was read of it.</param>
    public void Remove(VolumeStatus volume)
    {
        lock (_lock)
            _ = _volumes.Remove(volume);
    }

    /// <summary>Starts the span of a request. It never is the thread's current one: many are open at once on one thread.</summary>
    /// <param name="name">The span's name.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="parent">The span that it belongs to; the default: it begins a trace.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="request">The request.</param>
    /// <returns>The span; null if nobody collects spans.</returns>
    internal Activity? StartRequest(string name, ActivityKind kind, ActivityContext parent, string volume, string disk, in RingRequest request)
    {
        Activity? span = Source.StartActivity(name, kind, parent);
        Activity.Current = null;
        return span?.SetTag("volume", volume).SetTag("disk", disk).SetTag("op", VolumeStatus.OpNames[VolumeStatus.OpIndex((RequestOp)request.Op)])
            .SetTag("offset", request.Offset).SetTag("length", request.Length);
    }

    /// <summary>Ends the span of a request.</summary>
    /// <param name="span">The span.</param>
    /// <param name="error">What it was answered with: 0 or an errno.</param>
    internal static void End(Activity span, int error)
    {
        if (error != 0)
            _ = span.SetTag("errno", error).SetStatus(ActivityStatusCode.Error);
        span.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Meter.Dispose();
        Source.Dispose();
    }

    /// <summary>Tags of the durations, made once for each guest and operation.</summary>
    internal static KeyValuePair<string, object?>[][] DurationTags(VolumeStatus volume) =>
        [.. from guest in volume.Guests from op in VolumeStatus.OpNames select Tags(volume.Name, guest, op)];

    private static KeyValuePair<string, object?>[] Tags(string volume, string guest, string op) =>
        [new("volume", volume), new("guest", guest), new("op", op)];

    private VolumeStatus[] Volumes()
    {
        lock (_lock)
            return [.. _volumes];
    }

    private IEnumerable<Measurement<T>> PerVolume<T>(Func<VolumeStatus, T> read)
        where T : struct =>
        from volume in Volumes() select new Measurement<T>(read(volume), new KeyValuePair<string, object?>("volume", volume.Name));

    private IEnumerable<Measurement<T>> PerGuest<T>(Func<VolumeStatus, int, T> read)
        where T : struct =>
        from volume in Volumes()
        let guests = volume.Guests
        from guest in Enumerable.Range(0, guests.Count)
        select new Measurement<T>(read(volume, guest), new("volume", volume.Name), new("guest", guests[guest]));

    private IEnumerable<Measurement<T>> PerGuestAndOp<T>(Func<VolumeStatus, int, int, T> read)
        where T : struct =>
        from volume in Volumes()
        let guests = volume.Guests
        from guest in Enumerable.Range(0, guests.Count)
        from op in Enumerable.Range(0, VolumeStatus.OpNames.Count)
        select new Measurement<T>(read(volume, guest, op), Tags(volume.Name, guests[guest], VolumeStatus.OpNames[op]));
}
