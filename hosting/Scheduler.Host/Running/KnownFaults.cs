using System.Collections.Concurrent;
using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>The faults of a volume on their way to where they are recorded: says them in the log, and knows since when.</summary>
/// <param name="store">Where they are recorded.</param>
/// <param name="volume">Name of the volume.</param>
/// <param name="logger">The log.</param>
internal sealed partial class KnownFaults(IFaultStore store, string volume, ILogger logger) : IFaultStore
{
    private readonly ConcurrentDictionary<int, DateTimeOffset> _since = new();

    /// <summary>When the sync failed that fences a domain; null if that is not known.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <returns>The time.</returns>
    public DateTimeOffset? Since(int domain) => _since.TryGetValue(domain, out DateTimeOffset since) ? since : null;

    /// <summary>A fault was recorded before this start.</summary>
    /// <param name="domain">Index of the domain.</param>
    /// <param name="since">When the sync failed.</param>
    public void Found(int domain, DateTimeOffset since) => _since[domain] = since;

    /// <inheritdoc/>
    public void Record(int domain, int error, Action<string?> done)
    {
        _since[domain] = DateTimeOffset.UtcNow;
        SyncFailed(logger, volume, domain, error);
        store.Record(domain, error, done);
    }

    /// <inheritdoc/>
    public void Clear(int domain, string by, Action<string?> done) => store.Clear(domain, by, problem =>
    {
        if (problem is null)
            _ = _since.TryRemove(domain, out _);
        done(problem);
    });

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume}: a sync failed (errno {Errno}); domain {Domain} is fenced: everything but reads fails there until the fault is cleared")]
    private static partial void SyncFailed(ILogger logger, string volume, int domain, int errno);
}
