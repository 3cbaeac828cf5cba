using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using Scheduler.Actors;
using Scheduler.Actors.Akka;
using Scheduler.Host.Cluster.Link;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Storage;
using Scheduler.Storage.Lease;
using Scheduler.Storage.Loop;
using LinkOptions = Scheduler.Host.Cluster.Link.LinkOptions;

namespace Scheduler.Host.Cluster;

/// <summary>
/// A service's actors and volumes on one node of a cluster: every node has each volume's loop and door, and the one that sharding
/// chooses has its owner.
/// </summary>
internal sealed partial class ClusterEngine : IServiceEngine
{
    private static readonly LinkOptions s_linkOptions = new();

    // A node that does not reach a volume's storage has its lease no longer than this, before it pauses and tries again.
    private static readonly TimeSpan s_fencingMax = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, ClusterVolume> _volumes = new();
    private readonly ConcurrentDictionary<string, (VolumeSettings Settings, string Definition)> _definitions = new();
    private readonly ConcurrentDictionary<string, ActorRef> _doors = new();
    private readonly ConcurrentDictionary<string, Task> _tenancies = new();
    private readonly ConcurrentDictionary<string, (string Reason, int Count)> _failures = new();
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger<LinkServer> _linkLog;
    private readonly ServiceSettings _settings;
    private readonly ClusterSettings _cluster;
    private readonly ServiceProvider _services;
    private readonly ActorSystem _akka;
    private readonly AkkaSystem _system;
    private readonly LeaseOwner _self;
    private readonly IFence _fence;
    private readonly EventLoop _linkLoop;
    private readonly LinkPlace _place;
    private readonly LinkClients _links;
    private LinkServer? _server;
    private PostgresLeases? _leases;
    private Service? _service;
    private volatile bool _leaving;

    /// <summary>What this process had may still be written to: it takes nothing more.</summary>
    private volatile bool _givenUp;

    private ClusterEngine(EngineSetup setup, ClusterSettings cluster)
    {
        _settings = setup.Settings;
        _cluster = cluster;
        Logger = setup.Loggers.CreateLogger<ClusterEngine>();
        _self = LeaseOwner.ThisProcess(cluster.Node);
        _fence = cluster.Fence switch
        {
            FenceMethod.None => new NoFence(),
            FenceMethod.Command => new FenceCommand(cluster.FenceCommand, cluster.FenceTimeout),
            _ => new ReservationFence(
                _self, volume => _definitions[volume].Settings.Paths, path => ReservationDevice.Open(path, KindOf(cluster.Fence)), cluster.FenceTimeout),
        };
        AkkaPersistence persistence = new(setup.Settings.Journal, setup.Format);
        _services = new ServiceCollection()
            .AddSingleton(setup.Loggers)
            .AddLogging()
            .AddAkka(cluster.Name, (builder, _) => AkkaNode.Configure(builder, cluster, persistence))
            .BuildServiceProvider();
        _akka = _services.GetRequiredService<ActorSystem>();
        Catalog = new ClusterCatalog(_akka, this);
        _system = new AkkaSystem(_akka, setup.Format, setup.Loggers.CreateLogger<AkkaSystem>()) { Failed = setup.Failed };
        _ = _akka.WhenTerminated.ContinueWith(_ => Terminated(), TaskScheduler.Default);
        _linkLoop = new EventLoop("links");
        _linkLoop.Start();
        _place = new LinkPlace(cluster.Node, _linkLoop, _system);
        _links = new LinkClients(_place, s_linkOptions, new LinkTracing(setup.Telemetry), setup.Loggers.CreateLogger<LinkClients>());
        _linkLog = setup.Loggers.CreateLogger<LinkServer>();
    }

    /// <summary>This node's name.</summary>
    public string Node => _cluster.Node;

    /// <summary>Where it takes what guests of other nodes write and read.</summary>
    public IPEndPoint Payload => _cluster.Payload;

    /// <summary>The log.</summary>
    public ILogger Logger { get; }

    /// <summary>The service that it runs.</summary>
    public Service Service => _service ?? throw new InvalidOperationException("the engine has no service yet");

    /// <inheritdoc/>
    public IActorSystem System => _system;

    /// <inheritdoc/>
    public ICatalogPeers Peers => Catalog;

    /// <summary>The catalog that it shares with other nodes.</summary>
    public ClusterCatalog Catalog { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Problems => [.. _volumes.OrderBy(volume => volume.Key, StringComparer.Ordinal).Select(volume => volume.Value.Problem).OfType<string>()];

    /// <inheritdoc/>
    public Task<string> Ended => _ended.Task;

    /// <summary>Makes the engine: a node if the configuration says so, else <see cref="LocalEngine"/>.</summary>
    /// <param name="setup">What it is made from.</param>
    /// <exception cref="StartRefusedException">It can't listen where the configuration says.</exception>
    public static IServiceEngine Create(EngineSetup setup)
    {
        if (setup.Settings.Cluster is not { } cluster)
            return LocalEngine.Create(setup);
        RefuseIfTaken(cluster.Listen, "listen");
        RefuseIfTaken(cluster.Payload, "payload");
        return new ClusterEngine(setup, cluster);
    }

    /// <inheritdoc/>
    public async Task StartAsync(Service service)
    {
        _service = service;
        try
        {
            _leases = await PostgresLeases.OpenAsync(_settings.Journal);
        }
        catch (LeaseStoreException away)
        {
            throw new StartRefusedException(away.Message);
        }

        _server = await LinkServer.StartAsync(_place, _cluster.Payload, s_linkOptions, _linkLog);
        Dictionary<string, IActorRef> regions = [];
        foreach (string role in _definitions.Values.Select(known => known.Settings.Role ?? "").Distinct())
            regions[role] = await StartRegionAsync(role);
        foreach ((string name, (VolumeSettings settings, string definition)) in _definitions)
        {
            ClusterVolume volume = _volumes[name];
            DoorSetup door = new(
                name,
                Node,
                definition,
                settings.Role,
                AkkaSystem.RefOf(regions[settings.Role ?? ""]),
                () => volume.Here is { IsAvailable: true } here ? here.Actor : null,
                (owner, taken, attach, ring) => OpenLink(name, owner, taken, attach, ring),
                (owner, actor, reason) => Found(name, volume, owner, actor, reason),
                Logger);
            _doors[name] = _system.ActorOf(new Actors.Props(() => new VolumeDoor(door)), $"door-{name}");
            _system.Register(name, _doors[name]);
        }

        Catalog.Start();
    }

    /// <inheritdoc/>
    public Task<IServedVolume> OpenAsync(VolumeSettings settings, IReadOnlyList<DiskSettings> disks, VolumeSupport support)
    {
        // One that the journal has was checked as a volume of one machine.
        if (settings.Cache != CacheMode.Direct)
            throw new StartRefusedException($"volume {settings.Name} has cache = {KebabName.Of(settings.Cache)}: of a volume of a cluster it must be direct, since a node that is gone keeps acknowledged writes in its page cache");
        bool isReached = settings.Role is not { } role || _cluster.Roles.Contains(role);
        if (isReached && _cluster.Fence is FenceMethod.ScsiPr or FenceMethod.Nvme)
        {
            // One that is not there now may come.
            foreach (string path in settings.Paths.Where(Path.Exists))
            {
                if (ReservationDevice.WhyNot(path, KindOf(_cluster.Fence)) is { } reason)
                    throw new StartRefusedException($"volume {settings.Name} can't be fenced with {KebabName.Of(_cluster.Fence)}: {reason}");
            }
        }

        EventLoop loop = new($"volume-{settings.Name}");
        loop.Start();
        ClusterVolume volume = new(_system, loop, _cluster.ReattachMax);
        _volumes[settings.Name] = volume;
        _definitions[settings.Name] = (settings, VolumeDefinition.Of(settings, [.. _settings.Disks.Where(disk => disk.Volume.Name == settings.Name)]));
        return Task.FromResult<IServedVolume>(volume);
    }

    /// <inheritdoc/>
    public async Task<bool> HandOverAsync()
    {
        _leaving = true;

        // Without an answer to what is under way: guests send it again, to another node.
        _ = _service?.CloseConnections($"node {Node} leaves the cluster");

        // What they go on to ask would keep sharding here until its time is up.
        foreach (ActorRef door in _doors.Values)
            _system.Stop(door);
        return await LeaveAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _leaving = true;
        if (!await LeaveAsync())
        {
            // Closing what a device still uses would wait for ever. The lease is not given back: the next owner has this process fenced.
            return;
        }

        await _links.StopAsync();
        if (_server is not null)
            await _server.StopAsync();
        _linkLoop.Dispose();
        foreach (ClusterVolume volume in _volumes.Values)
            volume.Loop.Dispose();
        if (_leases is not null)
            await _leases.DisposeAsync();
        await _services.DisposeAsync();
    }

    /// <summary>The node can't go on: the process ends.</summary>
    /// <param name="reason">Why.</param>
    public void GiveUp(string reason)
    {
        _givenUp = true;
        _ = _ended.TrySetResult($"node {Node} ends, and has to be started again: {reason.ReplaceLineEndings(" ")}");
    }

    /// <summary>The loop of a volume on this node.</summary>
    /// <param name="volume">Name of the volume.</param>
    public EventLoop LoopOf(string volume) => _volumes[volume].Loop;

    /// <summary>What this node takes a volume to be.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>The definition; empty if this node does not know the volume.</returns>
    public string DefinitionOf(string volume) => _definitions.GetValueOrDefault(volume).Definition ?? "";

    /// <summary>A volume's owner, wherever that is.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Its address; or why there is none.</returns>
    public (IActorRef? Owner, string? Problem) OwnerOf(string volume) => _volumes.TryGetValue(volume, out ClusterVolume? known)
        ? (known.Owner, known.Problem ?? "it has no owner yet")
        : (null, $"node {Node} does not know it");

    /// <summary>The node of a volume's owner, as far as this one knows.</summary>
    /// <param name="volume">Name of the volume.</param>
    public string OwnerNodeOf(string volume) => _volumes.GetValueOrDefault(volume)?.OwnerNode ?? "unknown";

    /// <summary>Asks a volume's owner what it serves.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Done when it has answered; null if there is nobody to ask.</returns>
    public Task? Ask(string volume)
    {
        if (!_volumes.TryGetValue(volume, out ClusterVolume? known) || !_doors.TryGetValue(volume, out ActorRef? door))
            return null;
        Task answered = known.NextAnswer;
        door.Tell(AskOwner.Instance);
        return answered;
    }

    /// <summary>Why a volume could not be served by this node the last time; null if it could.</summary>
    /// <param name="volume">Name of the volume.</param>
    public string? LastFailure(string volume) => _failures.GetValueOrDefault(volume).Reason;

    /// <summary>How long to wait before a volume is tried again that has just failed: longer each time.</summary>
    /// <param name="volume">Name of the volume.</param>
    public TimeSpan PauseAfterFailure(string volume) => TimeSpan.FromSeconds(Math.Min(30, 1 << Math.Min(5, _failures.GetValueOrDefault(volume).Count - 1)));

    /// <summary>Owns a volume for a time, after an earlier such time of this process is over (S5).</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="tenancy">The time.</param>
    /// <returns>Done, or failed, when the volume is given back.</returns>
    public Task RunAsync(string volume, VolumeTenancy tenancy)
    {
        Task run = After(_tenancies.GetValueOrDefault(volume, Task.CompletedTask), tenancy);
        _tenancies[volume] = run.ContinueWith(_ => { }, TaskScheduler.Default);
        return run;

        async Task After(Task before, VolumeTenancy next)
        {
            await before;
            if (_givenUp)
                throw new InvalidOperationException($"node {Node} ends");
            await next.RunAsync();
        }
    }

    /// <summary>Takes a volume's lease, and has those before it fenced.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="told">Told what it waits for.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<VolumeOwnership> AcquireAsync(string volume, Action<string> told, CancellationToken cancellation) =>
        VolumeOwnership.AcquireAsync(_leases!, _fence, volume, _self, _cluster.Lease, s_fencingMax, told, cancellation);

    /// <summary>A volume's scheduler runs on this node, or does no more.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="running">It, or null.</param>
    public void SetHere(string volume, RunningVolume? running) => _volumes[volume].Here = running;

    /// <summary>Remembers how a tenancy ended, for those who ask why a volume has no owner.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="failure">What failed, one line; null: nothing.</param>
    public void Remember(string volume, string? failure)
    {
        if (failure is null)
            _ = _failures.TryRemove(volume, out _);
        else
            _failures[volume] = (failure, _failures.GetValueOrDefault(volume).Count + 1);
    }

    /// <summary>Has the frames of another node's ring taken.</summary>
    /// <param name="attach">The ring.</param>
    /// <param name="running">The volume.</param>
    /// <returns>What the frames bear.</returns>
    /// <exception cref="LinkRefusedException">It is not taken.</exception>
    public Task<LinkTicket> OfferAsync(AttachRing attach, RunningVolume running)
    {
        if (running.Disks.FirstOrDefault(placed => placed.Settings.Name == attach.Disk && placed.Settings.Guest.Name == attach.Guest) is not { } disk)
            throw new LinkRefusedException($"volume {running.Settings.Name} has no disk {attach.Disk} of guest {attach.Guest}", again: false);
        return _server!.OfferAsync(new LinkedRingSetup
        {
            Node = attach.Node,
            Ring = attach.Ring,
            Volume = running.Settings.Name,
            Scheduler = running.Actor,
            Disk = attach.Disk,
            DiskBytes = () => running.SizeOf(attach.Disk) ?? 0,
            BlockBytes = running.BlockSize,
            Guest = disk.Settings.Guest.Name,
            LastEpoch = attach.LastEpoch,
            Clearings = attach.Clearings,
            Credits = attach.Credits,
            Streams = attach.Streams,
            BufferBytes = disk.Settings.Guest.BufferMemory,
        });
    }

    // Before the node is one for the others. Akka.NET would say it with a stack of exceptions.
    private static void RefuseIfTaken(IPEndPoint listen, string key)
    {
        using Socket socket = new(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(listen);
        }
        catch (SocketException taken)
        {
            throw new StartRefusedException($"can't listen on {listen}: {taken.Message}; choose another in scheduler.cluster.{key}");
        }
    }

    private static ReservationKind KindOf(FenceMethod method) => method == FenceMethod.ScsiPr ? ReservationKind.Scsi : ReservationKind.Nvme;

    // Sharding hands the volumes over; then all that this node had is given back.
    private async Task<bool> LeaveAsync()
    {
        _ = await CoordinatedShutdown.Get(_akka).Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        await _akka.WhenTerminated;
        Task all = Task.WhenAll(_tenancies.Values);
        return await Task.WhenAny(all, Task.Delay(Service.StopTimeMax)) == all;
    }

    private ActorRef OpenLink(string volume, OwnerIs owner, RingTaken taken, Attach attach, ActorRef ring) =>
        _links.Open(
            new LinkPeer(owner.Node, IPEndPoint.Parse(owner.Payload)),
            new LinkTicket(taken.Ticket, taken.Epoch, taken.Credits, taken.Guest, taken.BufferBytes, taken.Clearings),
            new ForwardedRingSetup(volume, ring, attach));

    private async Task<IActorRef> StartRegionAsync(string role)
    {
        ClusterSharding sharding = ClusterSharding.Get(_akka);
        string type = role.Length == 0 ? "volumes" : $"volumes-{role}";
        if (role.Length > 0 && !_cluster.Roles.Contains(role))
            return await sharding.StartProxyAsync(type, role, new VolumeShards());
        ClusterShardingSettings settings = ClusterShardingSettings.Create(_akka);
        return await sharding.StartAsync(
            type,
            volume => global::Akka.Actor.Props.Create(() => new VolumeEntity(volume, this)),
            role.Length == 0 ? settings : settings.WithRole(role),
            new VolumeShards(),
            sharding.DefaultShardAllocationStrategy(settings),
            HandOver.Instance);
    }

    private void Found(string name, ClusterVolume volume, OwnerIs? owner, ActorRef? actor, string reason)
    {
        if (volume.Found(owner, actor is null ? null : AkkaSystem.AkkaOf(actor), reason))
            _ = Service.OfferDisksAsync(name);
    }

    private void Terminated()
    {
        if (!_leaving)
            GiveUp("it was excluded from the cluster, or could not go on in it");
    }

    // A shard for each volume: they move one by one.
    private sealed class VolumeShards : IMessageExtractor
    {
        public string? EntityId(object message) => (message as IVolumeMessage)?.Volume;

        public object? EntityMessage(object message) => message;

        public string? ShardId(object message) => EntityId(message);

        public string ShardId(string entityId, object? messageHint = null) => entityId;
    }
}
