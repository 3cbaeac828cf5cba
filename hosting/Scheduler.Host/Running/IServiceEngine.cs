using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Running;

/// <summary>What an engine is made from.</summary>
/// <param name="Settings">Checked configuration.</param>
/// <param name="Journal">The journal.</param>
/// <param name="Format">How events are written there.</param>
/// <param name="Telemetry">Instruments and spans.</param>
/// <param name="Loggers">Makes loggers.</param>
/// <param name="Failed">Told of each actor that an exception stops, with its path.</param>
internal sealed record EngineSetup(ServiceSettings Settings, SqlJournal Journal, EventFormat Format, VolumeTelemetry Telemetry, ILoggerFactory Loggers, Action<string, Exception> Failed);

/// <summary>What runs a service's actors and volumes: this process alone, or a node of a cluster.</summary>
internal interface IServiceEngine : IAsyncDisposable
{
    /// <summary>Runs the actors.</summary>
    IActorSystem System { get; }

    /// <summary>The other processes that share the catalog; null: there are none.</summary>
    ICatalogPeers? Peers { get; }

    /// <summary>What keeps volumes that this process does not run from being served, a line each.</summary>
    IReadOnlyList<string> Problems { get; }

    /// <summary>Ends when the service can't go on and has to be started anew, with the reason; never by itself on the local engine.</summary>
    Task<string> Ended { get; }

    /// <summary>The service is made: its volumes may be started.</summary>
    /// <param name="service">The service.</param>
    /// <returns>Done when the engine runs.</returns>
    Task StartAsync(Service service);

    /// <summary>Has a volume served.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="disks">Its disks.</param>
    /// <param name="support">What it needs where it runs.</param>
    /// <returns>The volume as front ends see it.</returns>
    /// <exception cref="Scheduler.Storage.VolumeOpenException">It can't be opened.</exception>
    Task<IServedVolume> OpenAsync(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support);

    /// <summary>Gives the volumes that run here to others, where there are any.</summary>
    /// <returns>Whether all of them have ended; again the same if it is called again.</returns>
    Task<bool> HandOverAsync();
}
