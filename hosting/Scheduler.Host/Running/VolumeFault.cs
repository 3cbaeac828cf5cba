using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>A failed sync that fences a flush domain.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Domain">Index of the domain.</param>
/// <param name="Errno">What the sync failed with.</param>
/// <param name="Since">When, if that is known.</param>
internal sealed record VolumeFault(string Volume, int Domain, int Errno, DateTimeOffset? Since)
{
    /// <summary>The faults that a volume's history leaves. What is being cleared is still there.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="history">What happened, the newest first.</param>
    /// <returns>By domain.</returns>
    public static IReadOnlyList<VolumeFault> After(string volume, IReadOnlyList<(long Number, VolumeFaultEvent Happened)> history)
    {
        SortedDictionary<int, VolumeFault?> last = [];
        foreach ((_, VolumeFaultEvent happened) in history)
        {
            if (happened is not VolumeFaultClearing)
                _ = last.TryAdd(happened.Domain, happened is VolumeFaultRecorded recorded ? new VolumeFault(volume, happened.Domain, recorded.Errno, happened.At) : null);
        }

        return [.. last.Values.OfType<VolumeFault>()];
    }
}
