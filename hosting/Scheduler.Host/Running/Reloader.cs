namespace Scheduler.Host.Running;

/// <summary>What the service does when it is told to read everything anew: its configuration, then its volume groups.</summary>
/// <param name="configuration">Its configuration.</param>
/// <param name="service">The service.</param>
/// <param name="manager">Is told before and after.</param>
internal sealed class Reloader(ConfigurationReload configuration, Service service, ServiceManager manager) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Does it, one call after the other. What came of it is logged.</summary>
    public async Task ReloadAsync()
    {
        await _one.WaitAsync();
        try
        {
            manager.Reloading();
            await configuration.ReloadAsync();
            _ = await service.RescanAsync();
            manager.Ready(service.Summary());
        }
        finally
        {
            _ = _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();
}
