using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Actors;
using Scheduler.Cluster.Tests.Link;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Lease;
using Scheduler.Storage.Loop;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Catalog;

/// <summary>
/// A node's service in this process, which owns volume "v" under epoch 1 and knows of volume "far", which another has. The test plays
/// the other nodes: <see cref="Other"/> is one of them's view of the catalog.
/// </summary>
internal sealed class PlayedCluster : IServiceEngine, ICatalogPeers, IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly VolumeTelemetry _telemetry = new();
    private readonly EventLoop _loop = new("test-volume");
    private readonly PostgresLeases _leases;
    private readonly PostgresJournal _journal;
    private IServiceEngine _inner = null!;
    private int _disposing;

    private PlayedCluster(PostgresLeases leases, PostgresJournal journal)
    {
        _leases = leases;
        _journal = journal;
        _loop.Start();
        Other = new SharedCatalog(journal, Service.JournalFormat);
    }

    /// <summary>The node's.</summary>
    public Service Service { get; private set; } = null!;

    /// <summary>Another node's view.</summary>
    public SharedCatalog Other { get; }

    /// <summary>Changes that the node has sent to the owner of a volume.</summary>
    public ConcurrentQueue<(string Volume, CatalogCommand Command)> Forwarded { get; } = new();

    /// <summary>What the node has told the others.</summary>
    public ConcurrentQueue<long> Told { get; } = new();

    /// <summary>Whether the volume's lease holds.</summary>
    public bool Holds { get; set; } = true;

    /// <summary>The file of volume "v".</summary>
    public string VolumePath => _directory.File("v.img");

    public EndPoint Endpoint => Service.NbdEndpoints[0];

    public static async Task<PlayedCluster> StartAsync(PostgresServer postgres, string volume = "")
    {
        string database = postgres.Cluster.NewDatabase();
        PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        _ = await leases.TakeAsync("v", "this", TimeSpan.Zero);
        PlayedCluster played = new(leases, await PostgresJournal.OpenAsync(database));
        File.WriteAllText(played._directory.File("test.conf"), $$"""
            scheduler {
              data-dir = "{{played._directory.Path}}", nbd.listen = ["unix:{{played._directory.File("nbd.sock")}}"], admin.listen = "http://127.0.0.1:0"
              journal.postgres = "{{database}}"
              volumes { v { path = "{{played.VolumePath}}", size = 64MiB, {{volume}} }, far { path = "{{played._directory.File("far.img")}}", size = 64MiB } }
              guests { g {} }
              disks { d { volume = v, guest = g, offset = 0, size = 4MiB } }
            }
            """);
        ServiceSettings settings = SettingsLoader.Load(played._directory.File("test.conf"), []);
        played.Service = await Service.StartAsync(settings, played._telemetry, LoggerFactory.Create(_ => { }), setup =>
        {
            played._inner = LocalEngine.Create(setup);
            return played;
        });
        await played.Other.RecoverAsync(CatalogSettings.Declared(settings));
        return played;
    }

    /// <summary>Another node has taken the volume.</summary>
    public async Task TakeAsync() => Assert.Equal(2, (await _leases.TakeAsync("v", "other", TimeSpan.FromMinutes(10))).Epoch);

    /// <summary>Another node changes the catalog, and says nothing.</summary>
    public async Task ChangeAsync(CatalogCommand command)
    {
        await Other.ReadOnAsync();
        (CatalogEvent? decided, CatalogRefusal? refusal) = Other.State.Decide(command, DateTimeOffset.UtcNow, _ => false);
        Assert.True(refusal is null, refusal?.Reason);
        Assert.True(await Other.AppendAsync(decided!));
    }

    /// <summary>The node is told to change the catalog.</summary>
    public Task<CatalogAnswer> TellAsync(CatalogCommand command) => Service.Catalog.ChangeAsync(command).WaitAsync(TestTime.Max);

    IActorSystem IServiceEngine.System => _inner.System;

    ICatalogPeers IServiceEngine.Peers => this;

    IReadOnlyList<string> IServiceEngine.Problems => [];

    Task<string> IServiceEngine.Ended => _inner.Ended;

    Task IServiceEngine.StartAsync(Service service) => Task.CompletedTask;

    async Task<IServedVolume> IServiceEngine.OpenAsync(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support)
    {
        if (settings.Name != "v")
            return new Elsewhere(_loop);
        RunningVolume here = await Task.Run(() => RunningVolume.Start(settings, disks, support, new VolumeTenure(_loop, 1, () => Holds)));
        _inner.System.Register("v", here.Actor);
        return here;
    }

    Task<bool> IServiceEngine.HandOverAsync() => Task.FromResult(true);

    string? ICatalogPeers.WhyNot(CatalogEvent decided) => null;

    void ICatalogPeers.Changed(long number) => Told.Enqueue(number);

    Task<CatalogAnswer> ICatalogPeers.ForwardAsync(string volume, CatalogCommand command, CancellationToken cancellation)
    {
        Forwarded.Enqueue((volume, command));
        return Task.FromResult(new CatalogAnswer(null, null));
    }

    Task ICatalogPeers.AskOwnerAsync(string volume) => Task.CompletedTask;

    Task<FaultClearing> ICatalogPeers.ClearFaultAsync(string volume, int domain, string by) => throw new NotSupportedException();

    Task<int> ICatalogPeers.DetachAsync(string disk) => Task.FromResult(0);

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        // The engine's, and the whole's.
        if (Service is null || Interlocked.Exchange(ref _disposing, 1) == 1)
            return;
        _ = await Service.StopAsync();
        await Service.DisposeAsync();
        await _inner.DisposeAsync();
        _loop.Dispose();
        await _journal.DisposeAsync();
        await _leases.DisposeAsync();
        _telemetry.Dispose();
        _directory.Dispose();
    }

    private sealed class Elsewhere(EventLoop loop) : IServedVolume
    {
        public EventLoop Loop => loop;

        public int BlockSize => 512;

        public bool IsAvailable => true;

        public TimeSpan ReattachMax => TimeSpan.Zero;

        public long? SizeOf(string disk) => null;

        public ActorRef StartRing(string disk, Props props) => throw new NotSupportedException();
    }
}
