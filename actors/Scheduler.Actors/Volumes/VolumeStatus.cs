using Scheduler.Core;

namespace Scheduler.Actors;

/// <summary>
/// What others may read of a volume while it runs: numbers that its scheduler writes and any thread reads, each by itself
/// up to date (aligned words are read whole on 64-bit machines).
/// </summary>
public sealed class VolumeStatus
{
    private readonly TaskCompletionSource<string?> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly VolumeCore _core;
    private (long Requests, long Bytes)[] _answered;
    private (long LatencyNs, long DrainNs)[] _times;
    private IReadOnlyList<string> _guests;

    /// <summary>Creates the status of a volume that has not started.</summary>
    /// <param name="name">Name of the volume.</param>
    /// <param name="spec">Its guests, disks and domains.</param>
    /// <param name="core">Its core, which the scheduler steps; here only its counters are read.</param>
    internal VolumeStatus(string name, VolumeSpec spec, VolumeCore core)
    {
        Name = name;
        _core = core;
        DomainCount = spec.Domains.Count;
        _guests = [.. spec.Guests.Select(guest => guest.Name)];
        _answered = new (long, long)[_guests.Count * OpNames.Count];
        _times = new (long, long)[_guests.Count];
    }

    /// <summary>The values of the label `op`.</summary>
    public static IReadOnlyList<string> OpNames { get; } = ["read", "write", "flush", "barrier", "discard", "zero"];

    /// <summary>Name of the volume.</summary>
    public string Name { get; }

    /// <summary>Names of the guests, by index. It is never changed, but replaced when a guest comes: all numbers of those in it can
    /// be read.</summary>
    public IReadOnlyList<string> Guests => Volatile.Read(ref _guests);

    /// <summary>Ends when the scheduler has stopped: with null after a clean stop, otherwise with what broke.</summary>
    public Task<string?> Stopped => _stopped.Task;

    /// <summary>Flush domains.</summary>
    public int DomainCount { get; }

    /// <summary>Whether a sync fault fences a domain.</summary>
    public bool IsFenced => Enumerable.Range(0, DomainCount).Any(domain => Fault(domain) != 0);

    /// <summary>Requests that are accepted and not answered.</summary>
    public int QueueDepth => _core.Busy;

    /// <summary>Operations on the device.</summary>
    public int InFlight => _core.InFlight;

    /// <summary>Most operations on the device at once now (Q6).</summary>
    public int DeviceDepth => _core.DeviceDepth;

    /// <summary>Attached rings.</summary>
    public int Rings { get; internal set; }

    /// <summary>Device flushes since the start.</summary>
    public long DeviceFlushes => _core.DeviceFlushes;

    /// <summary>Writes with <c>RWF_DSYNC</c> since the start.</summary>
    public long DsyncWrites => _core.DsyncWrites;

    /// <summary>Requests that device flushes have served since the start.</summary>
    public long FlushesServed => _core.FlushesServed;

    /// <summary>Requests answered since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <param name="op">Index in <see cref="OpNames"/>.</param>
    /// <returns>Count.</returns>
    public long Requests(int guest, int op) => _answered[(guest * OpNames.Count) + op].Requests;

    /// <summary>Bytes of requests answered without error since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <param name="op">Index in <see cref="OpNames"/>.</param>
    /// <returns>Bytes.</returns>
    public long Bytes(int guest, int op) => _answered[(guest * OpNames.Count) + op].Bytes;

    /// <summary>Times from arrival to answer of a guest's answered requests, summed up since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Seconds.</returns>
    public double LatencySeconds(int guest) => _times[guest].LatencyNs / 1e9;

    /// <summary>How long a guest's answered requests waited for drains of their streams, summed up since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Seconds.</returns>
    public double DrainSeconds(int guest) => _times[guest].DrainNs / 1e9;

    /// <summary>Operations of a guest on the device, without flushes.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Count.</returns>
    public int GuestInFlight(int guest) => _core.GuestInFlight(guest);

    /// <summary>Flushes that a guest asked for since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Count.</returns>
    public long FlushRequests(int guest) => _core.FlushRequests(guest);

    /// <summary>Device time charged to a guest since the start.</summary>
    /// <param name="guest">Index of the guest.</param>
    /// <returns>Seconds.</returns>
    public double DeviceTimeSeconds(int guest) => _core.DeviceTimeNs(guest) / 1e9;

    /// <summary>Errno of the fault that fences a domain, or 0.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <returns>Errno or 0.</returns>
    public int Fault(int domain) => _core.Fault(domain);

    /// <summary>The label `op` of an operation. Prefetch and status count as reads.</summary>
    internal static int OpIndex(RequestOp op) => op switch
    {
        RequestOp.Write => 1,
        RequestOp.Flush => 2,
        RequestOp.BarrierWrite or RequestOp.EmptyBarrier => 3,
        RequestOp.Discard => 4,
        RequestOp.Zero => 5,
        _ => 0,
    };

    /// <summary>A guest has come; the core has it already. On the volume's dispatcher.</summary>
    internal void Add(string guest)
    {
        // Last, so that who sees the name finds the numbers.
        Array.Resize(ref _answered, (_guests.Count + 1) * OpNames.Count);
        Array.Resize(ref _times, _guests.Count + 1);
        Volatile.Write(ref _guests, [.. _guests, guest]);
    }

    internal void Answered(int guest, int opIndex, long bytes, long latencyNs, long drainNs)
    {
        ref (long Requests, long Bytes) answered = ref _answered[(guest * OpNames.Count) + opIndex];
        answered.Requests++;
        answered.Bytes += bytes;
        ref (long LatencyNs, long DrainNs) times = ref _times[guest];
        times.LatencyNs += latencyNs;
        times.DrainNs += drainNs;
    }

    /// <summary>It has stopped before a failed sync was recorded (F6). To be looked at when it has stopped.</summary>
    public bool HasUnrecordedFault { get; internal set; }

    internal void SetStopped(string? broken) => _ = _stopped.TrySetResult(broken);
}
