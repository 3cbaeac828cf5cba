using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>Keeps the fault of a volume with one flush domain in a marker beside the volume (F6).</summary>
/// <param name="marker">The marker; null for a volume that keeps nothing over a restart.</param>
internal sealed class MarkerFaultStore(FaultMarker? marker) : IFaultStore
{
    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done) =>
        Run(done, () => marker?.Write(new Fault(domain, error, DateTimeOffset.UtcNow, "a sync of the volume failed; acknowledged writes may be lost")));

    /// <inheritdoc/>
    public void Clear(int domain, Action<string?> done) => Run(done, () => marker?.Clear());

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
