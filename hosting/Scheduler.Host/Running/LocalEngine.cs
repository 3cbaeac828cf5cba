using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Running;

/// <summary>All of a service in this process.</summary>
internal sealed class LocalEngine : IServiceEngine
{
    private readonly LocalSystem _system;

    private LocalEngine(EngineSetup setup) => _system = new LocalSystem(setup.Loggers.CreateLogger<LocalSystem>())
    {
        Persistence = new PersistenceSetup(new LocalJournal(setup.Journal), setup.Format),
        Failed = setup.Failed,
    };

    /// <inheritdoc/>
    public IActorSystem System => _system;

    /// <inheritdoc/>
    public ICatalogPeers? Peers => null;

    /// <inheritdoc/>
    public IReadOnlyList<string> Problems => [];

    /// <inheritdoc/>
    public Task<string> Ended { get; } = new TaskCompletionSource<string>().Task;

    /// <summary>Makes the engine.</summary>
    /// <param name="setup">What it is made from.</param>
    /// <exception cref="StartRefusedException">The configuration is for a node of a cluster.</exception>
    public static IServiceEngine Create(EngineSetup setup) => setup.Settings.Cluster is null
        ? new LocalEngine(setup)
        : throw new StartRefusedException("scheduler.engine = akka is for a node of a cluster, which the program scheduler-cluster serves; start that one, or write engine = local");

    /// <inheritdoc/>
    public Task StartAsync(Service service) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<IServedVolume> OpenAsync(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support) =>
        await Task.Run(() => RunningVolume.Start(settings, disks, support));

    /// <inheritdoc/>
    public Task<bool> HandOverAsync() => Task.FromResult(true);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
