using System.Text.Json.Serialization;

namespace Scheduler.Host.Api.Client;

/// <summary>What a service does: counters since it started, of which a client takes differences, and what is now.</summary>
/// <param name="At">When it was read.</param>
/// <param name="Volumes">All volumes.</param>
/// <param name="Guests">Each guest on each volume where it has a disk.</param>
internal sealed record Stats(
    [property: JsonRequired] DateTimeOffset At,
    [property: JsonRequired] IReadOnlyList<VolumeStats> Volumes,
    [property: JsonRequired] IReadOnlyList<GuestStats> Guests);

/// <summary>A volume.</summary>
internal sealed record VolumeStats
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Which request goes to the device next.</summary>
    public string Policy { get; init; } = "";

    /// <summary>Most operations on the device at once now.</summary>
    public int Depth { get; init; }

    /// <summary>Operations on the device now.</summary>
    public int InFlight { get; init; }

    /// <summary>Requests that wait now.</summary>
    public int Queued { get; init; }

    /// <summary>Flushes that went to the device.</summary>
    public long DeviceFlushes { get; init; }

    /// <summary>Requests that those served.</summary>
    public long FlushesServed { get; init; }

    /// <summary>A sync failed: it takes no writes.</summary>
    public bool Fenced { get; init; }

    /// <summary>It serves nothing any more.</summary>
    public bool Stopped { get; init; }
}

/// <summary>A guest on a volume.</summary>
internal sealed record GuestStats
{
    /// <summary>Name of the volume.</summary>
    public required string Volume { get; init; }

    /// <summary>Name of the guest.</summary>
    public required string Guest { get; init; }

    /// <summary>Its weight.</summary>
    public int Weight { get; init; }

    /// <summary>Device time that it was charged.</summary>
    public double DeviceTimeSeconds { get; init; }

    /// <summary>Requests answered, by operation.</summary>
    public IReadOnlyDictionary<string, long> Requests { get; init; } = new Dictionary<string, long>();

    /// <summary>Their bytes.</summary>
    public IReadOnlyDictionary<string, long> Bytes { get; init; } = new Dictionary<string, long>();

    /// <summary>Flushes that it asked for.</summary>
    public long FlushRequests { get; init; }

    /// <summary>Its connections now.</summary>
    public int Rings { get; init; }

    /// <summary>Its requests that wait now.</summary>
    public int Queued { get; init; }

    /// <summary>Its operations on the device now.</summary>
    public int InFlight { get; init; }

    /// <summary>Sum of all times from a request's arrival to its answer.</summary>
    public double LatencySecondsSum { get; init; }

    /// <summary>How many those are.</summary>
    public long LatencyCount { get; init; }

    /// <summary>Time that its requests waited for others of their stream to drain.</summary>
    public double DrainSecondsSum { get; init; }
}
