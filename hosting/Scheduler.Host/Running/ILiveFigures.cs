using System.Text.Json.Serialization;
using Scheduler.Core;
using Scheduler.Host.Api.Entities;

namespace Scheduler.Host.Running;

/// <summary>What a running service does now, and what it can be told to do at once. Any thread.</summary>
internal interface ILiveFigures
{
    /// <summary>The volumes that have been started.</summary>
    IReadOnlyList<VolumeFigures> Volumes { get; }

    /// <summary>The guests of each volume.</summary>
    IReadOnlyList<GuestFigures> Guests { get; }

    /// <summary>What each guest had in the last second, by name.</summary>
    IReadOnlyDictionary<string, RecentGuest> Recent { get; }

    /// <summary>The attached rings, by <see cref="RingFigures.Id"/>.</summary>
    IReadOnlyList<RingFigures> Rings { get; }

    /// <summary>The disks that are served, by name.</summary>
    IReadOnlyDictionary<string, DiskState> Disks { get; }

    /// <summary>Closes a ring's connection.</summary>
    /// <param name="id">Its <see cref="RingFigures.Id"/>.</param>
    /// <returns>Whether there was such a ring.</returns>
    bool CloseRing(long id);

    /// <summary>Reads all volume groups anew.</summary>
    /// <returns>Of each group that goes on as it was, why; empty if all were taken.</returns>
    Task<IReadOnlyList<string>> RescanAsync();
}

/// <summary>What a volume does.</summary>
/// <param name="Name">Name of the volume.</param>
/// <param name="Policy">Which request goes to the device next.</param>
/// <param name="Depth">Most operations on the device at once now.</param>
/// <param name="InFlight">Operations on the device.</param>
/// <param name="Queued">Requests that are accepted and not answered.</param>
/// <param name="DeviceFlushes">Device flushes since the start.</param>
/// <param name="FlushesServed">Requests that device flushes have served since the start.</param>
/// <param name="Fenced">A sync fault fences a domain.</param>
/// <param name="Stopped">It has stopped.</param>
internal sealed record VolumeFigures(
    string Name,
    [property: JsonConverter(typeof(Word<PolicyKind>))] PolicyKind Policy,
    int Depth,
    int InFlight,
    int Queued,
    long DeviceFlushes,
    long FlushesServed,
    bool Fenced,
    bool Stopped);

/// <summary>What a guest does on one volume. Counters are since the start.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Guest">Name of the guest.</param>
/// <param name="DeviceTimeSeconds">Device time charged to it.</param>
/// <param name="Requests">Requests answered, by operation.</param>
/// <param name="Bytes">Bytes of requests answered without error, by operation.</param>
/// <param name="FlushRequests">Flushes that it asked for.</param>
internal sealed record GuestFigures(
    string Volume,
    string Guest,
    double DeviceTimeSeconds,
    IReadOnlyDictionary<string, long> Requests,
    IReadOnlyDictionary<string, long> Bytes,
    long FlushRequests)
{
    /// <summary>Its weight; 0 if it was deleted.</summary>
    public int Weight { get; init; }

    /// <summary>Attached rings.</summary>
    public int Rings { get; init; }

    /// <summary>Requests that are accepted and not answered.</summary>
    public int Queued { get; init; }

    /// <summary>Operations on the device.</summary>
    public int InFlight { get; init; }

    /// <summary>Sum of the times from a request's acceptance to its answer.</summary>
    public double LatencySecondsSum { get; init; }

    /// <summary>Requests in that sum.</summary>
    public long LatencyCount { get; init; }

    /// <summary>Sum of the times that its streams waited for drains.</summary>
    public double DrainSecondsSum { get; init; }
}

/// <summary>What a guest does, over all its volumes.</summary>
/// <param name="Rings">Attached rings.</param>
/// <param name="Queued">Requests that are accepted and not answered.</param>
/// <param name="InFlight">Operations on devices.</param>
/// <param name="DeviceTimeSeconds">Device time charged to it since the start.</param>
/// <param name="FlushRequests">Flushes that it asked for since the start.</param>
/// <param name="Share">As <see cref="RecentGuest.Share"/>.</param>
/// <param name="LatencySeconds">As <see cref="RecentGuest.LatencySeconds"/>.</param>
internal sealed record GuestState(
    int Rings, int Queued, int InFlight, double DeviceTimeSeconds, long FlushRequests, double? Share, double? LatencySeconds)
{
    /// <summary>The sum of what it does on each volume.</summary>
    /// <param name="figures">Its figures.</param>
    /// <param name="recent">What it had in the last second, if that is known.</param>
    /// <returns>The sum.</returns>
    public static GuestState Of(IEnumerable<GuestFigures> figures, RecentGuest? recent) => figures.Aggregate(
        new GuestState(0, 0, 0, 0, 0, recent?.Share, recent?.LatencySeconds),
        (sum, one) => sum with
        {
            Rings = sum.Rings + one.Rings,
            Queued = sum.Queued + one.Queued,
            InFlight = sum.InFlight + one.InFlight,
            DeviceTimeSeconds = sum.DeviceTimeSeconds + one.DeviceTimeSeconds,
            FlushRequests = sum.FlushRequests + one.FlushRequests,
        });
}

/// <summary>What a disk does.</summary>
/// <param name="Rings">Attached rings.</param>
/// <param name="Size">Bytes that are served now.</param>
internal sealed record DiskState(int Rings, long Size);

/// <summary>An attached ring.</summary>
/// <param name="Id">Its number, of no other ring since the start.</param>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Guest">Name of the guest.</param>
/// <param name="Peer">Who is at the other end.</param>
/// <param name="Tls">Whether it is encrypted.</param>
/// <param name="Credits">Requests that it may have in flight.</param>
/// <param name="InFlight">Requests that it has in flight.</param>
internal sealed record RingFigures(long Id, string Volume, string Disk, string Guest, string Peer, bool Tls, int Credits, int InFlight);
