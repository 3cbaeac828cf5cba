using System.Text.Json.Serialization;
using Scheduler.Simulation;

namespace Scheduler.Host.Load;

/// <summary>What came of a load. Times are in seconds.</summary>
/// <param name="Spec">The load.</param>
/// <param name="Seconds">How long it was.</param>
/// <param name="Errors">Requests that failed.</param>
/// <param name="All">All requests, flushes apart.</param>
/// <param name="Operations">By kind; those that there were.</param>
/// <param name="Guests">By guest, flushes apart.</param>
/// <param name="ServiceCpuSeconds">Processor time that the service took meanwhile; null if its process is not known.</param>
/// <param name="ServiceCpuSecondsPerMillion">That for a million requests, flushes included.</param>
internal sealed record LoadResult(
    LoadSpec Spec,
    double Seconds,
    long Errors,
    LoadFigures All,
    IReadOnlyDictionary<string, LoadFigures> Operations,
    IReadOnlyList<LoadGuestFigures> Guests,
    double? ServiceCpuSeconds,
    double? ServiceCpuSecondsPerMillion);

/// <summary>Figures of some requests.</summary>
/// <param name="Requests">How many.</param>
/// <param name="PerSecond">How many a second.</param>
/// <param name="BytesPerSecond">Their bytes a second.</param>
/// <param name="P50Seconds">The time that half of them took at most; null if there were none.</param>
/// <param name="P99Seconds">The time that 99 of 100 took at most.</param>
internal sealed record LoadFigures(long Requests, double PerSecond, double BytesPerSecond, double? P50Seconds, double? P99Seconds)
{
    /// <summary>Of what was recorded.</summary>
    /// <param name="latencies">Nanoseconds.</param>
    /// <param name="seconds">How long it was.</param>
    /// <param name="bytes">Bytes of a request.</param>
    public static LoadFigures Of(IEnumerable<LatencyRecorder> latencies, double seconds, int bytes)
    {
        LatencyRecorder all = new();
        foreach (LatencyRecorder some in latencies)
            all.Add(some);
        double? p50 = all.Count > 0 ? all.Percentile(0.5) / 1e9 : null;
        double? p99 = all.Count > 0 ? all.Percentile(0.99) / 1e9 : null;
        return new LoadFigures(all.Count, all.Count / seconds, all.Count / seconds * bytes, p50, p99);
    }
}

/// <summary>Figures of one guest.</summary>
/// <param name="Disk">Its disk.</param>
/// <param name="Figures">Its figures.</param>
internal sealed record LoadGuestFigures(string Disk, LoadFigures Figures);

/// <summary>As JSON.</summary>
[JsonSerializable(typeof(LoadResult))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class LoadJson : JsonSerializerContext;
