using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>Keeps the faults of a volume in a marker for each flush domain (F6).</summary>
/// <param name="markers">The domains' markers; null for a domain that keeps nothing over a restart.</param>
internal sealed class MarkerFaultStore(IReadOnlyList<FaultMarker?> markers) : IFaultStore
{
    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done) =>
        Run(done, () => markers[domain]?.Write(new Fault(domain, error, DateTimeOffset.UtcNow, "a sync of the volume failed; acknowledged writes may be lost")));

    /// <inheritdoc/>
    public void Clear(int domain, string by, Action<string?> done) => Run(done, () => markers[domain]?.Clear());

    // Markers are synced: never on the volume's loop.
    private static void Run(Action<string?> done, Action write) => ThreadPool.QueueUserWorkItem(_ =>
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            done(exception.Message);
            return;
        }

        done(null);
    });
}
