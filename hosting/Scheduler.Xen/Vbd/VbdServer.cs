// The backend of Xen's virtual disks: looks in xenstore for disks that guests are to have from it, and has each of them served.
//
// On a thread of its own, which may wait for xenstore; the rings run on the loops of their volumes. Whatever is told of a change, only
// notes which disk is to be looked at: so what guests write, however often, takes a bounded amount of memory, and a disk is looked
// at as it is then, now and then (S4). A connection to xenstore that breaks is made anew; the rings go on meanwhile.
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Hypervisor;
using Scheduler.Xen.Rings;
using Scheduler.Xen.Server;
using Scheduler.Xen.Store;

namespace Scheduler.Xen.Vbd;

/// <summary>Serves disks to Xen's guests, from the domain that this process runs in.</summary>
public sealed partial class VbdServer : FrontEndServer, ILoopDescriptor, ILoopWork
{
    private const string BackendWatch = "backend";
    private static readonly string[] s_stores = ["/run/xenstored/socket", "/var/run/xenstored/socket", "/dev/xen/xenbus"];

    private readonly VbdOptions _options;
    private readonly Func<string, VbdDomain, RingDiskLookup> _find;
    private readonly IHypervisor _hypervisor;
    private readonly VbdTimes _times;
    private readonly ConnectionNumbers _numbers;
    private readonly ILogger _logger;
    private readonly EventLoop _loop = new("xen");
    private readonly string _root;
    private readonly Dictionary<VbdAddress, VbdDevice> _devices = [];
    private readonly HashSet<VbdAddress> _changed = [];
    private StoreClient? _store;
    private LoopTimer? _again;
    private int _watch = -1;
    private bool _scan;
    private bool _sizes;
    private bool _unreachable;
    private bool _started;
    private volatile bool _stopping;

    /// <summary>Creates a server that does nothing yet.</summary>
    /// <param name="options">What it serves.</param>
    /// <param name="find">Finds a disk by name, for a domain; called under a lock, must not block.</param>
    /// <param name="numbers">Numbers of connections.</param>
    /// <param name="logger">Where it logs.</param>
    public VbdServer(VbdOptions options, Func<string, VbdDomain, RingDiskLookup> find, ConnectionNumbers numbers, ILogger<VbdServer> logger)
        : this(options, find, numbers, logger, new XenHypervisor(), new VbdTimes())
    {
    }

    internal VbdServer(
        VbdOptions options, Func<string, VbdDomain, RingDiskLookup> find, ConnectionNumbers numbers, ILogger<VbdServer> logger, IHypervisor hypervisor, VbdTimes times)
    {
        _options = options;
        _find = find;
        _numbers = numbers;
        _logger = logger;
        _hypervisor = hypervisor;
        _times = times;
        _root = $"backend/{options.Backend}";
    }

    /// <inheritdoc/>
    public override void DisksChanged() => Post(() =>
    {
        _sizes = true;
        Work();
    });

    /// <summary>Begins. Without xenstore it tries again, until there is one.</summary>
    public override void Start()
    {
        _started = true;
        _loop.Start();
        _loop.Post(() =>
        {
            _again = _loop.AddTimer(this);
            Work();
        });
    }

    /// <summary>Serves no further disks. Rings take no more, and end when what they have taken is answered: their guests notice
    /// nothing but that it takes long, until another process goes on with the rings.</summary>
    public override void StopAccepting()
    {
        RingConnection[] connections;
        lock (Gate)
        {
            if (_stopping || !_started)
                return;
            _stopping = true;
            connections = [.. OpenConnections.Cast<RingConnection>()];
        }

        foreach (RingConnection connection in connections)
            connection.Disk.Loop.Post(() => connection.Park("the service is stopping; the next one goes on with it"));
        using ManualResetEventSlim done = new();
        _loop.Post(() =>
        {
            Drop();
            done.Set();
        });
        done.Wait();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        StopAccepting();
        _loop.Dispose();
    }

    void ILoopDescriptor.OnReady(LoopReady ready) => Guarded(() =>
    {
        _store?.Receive();
        Work();
    });

    /// <summary>Time to try again.</summary>
    void ILoopWork.Run() => Work();

    internal StoreClient Store => _store ?? throw new InvalidOperationException("xenstore is used without a connection to it");

    internal VbdOptions Options => _options;

    internal VbdTimes Times => _times;

    /// <summary>Whether disks are left as they are, for the next process. Once true, no ring is opened.</summary>
    internal bool IsStopping => _stopping;

    internal IHypervisor Hypervisor => _hypervisor;

    internal ILogger Logger => _logger;

    internal RingDiskLookup Find(string disk, VbdDomain domain)
    {
        lock (Gate)
            return _find(disk, domain);
    }

    /// <summary>Starts a ring.</summary>
    /// <param name="device">Whose ring it is.</param>
    /// <param name="name">Name of the disk.</param>
    /// <param name="domain">The guest's domain.</param>
    /// <param name="offered">What the guest knows of the disk.</param>
    /// <param name="make">Makes what the ring needs.</param>
    /// <param name="peer">For the log.</param>
    /// <param name="connection">The ring.</param>
    /// <returns>Why there is none, or null.</returns>
    internal string? Open(
        VbdDevice device, string name, VbdDomain domain, BlkifDisk offered, Func<RingDisk, VbdRing> make, string peer, out RingConnection? connection)
    {
        connection = null;
        RingDisk? disk;
        lock (Gate)
        {
            (disk, string problem) = _find(name, domain);
            if (disk is null)
                return problem;
            if (OpenConnections.Count >= _options.RingsMax)
                return $"there are {_options.RingsMax} rings already; raise scheduler.xen.rings-max";
            if (!disk.Guest.TryEnter())
                return $"guest {disk.Guest.Name} has as many connections as it may have";
        }

        // Not under the lock, which the volumes' loops take too: this takes its time, of the hypervisor and of files.
        VbdRing ring = default;
        try
        {
            ring = make(disk);
        }
        finally
        {
            if (ring.Pages is null)
                disk.Guest.Exit();
        }

        if (ring.Problem is not null)
            return ring.Problem;
        string? refusal;
        lock (Gate)
        {
            // Whoever takes a disk away, and then sees no ring of it, gets none afterwards; and what stops parks all rings that it sees.
            refusal = _stopping ? "the service is stopping" : WhyNotStill(disk, _find(name, domain));
            if (refusal is null)
            {
                connection = new RingConnection(disk with { Info = offered }, ring.Pages!, ring.Table!, ring.Bell!, peer, _numbers.Next(), ended => Ended(device, ended), _logger);
                _ = OpenConnections.Add(connection);
            }
        }

        if (connection is null)
        {
            ring.GiveBack();
            disk.Guest.Exit();
            return refusal;
        }

        connection.Disk.Loop.Post(connection.Start);
        return null;
    }

    /// <summary>A disk is to be looked at again. From any thread.</summary>
    internal void LookAgain(VbdAddress address) => Post(() =>
    {
        _ = _changed.Add(address);
        Work();
    });

    /// <summary>A disk is to be looked at again in a while, and not before. On the loop.</summary>
    internal void LookLater(VbdDevice device)
    {
        device.NotBeforeNs = EventLoop.NowNs + _times.PauseNs;
        _ = _changed.Add(device.Address);
    }

    private static string? WhyNotStill(RingDisk disk, RingDiskLookup now) => now.Disk is null ? now.Problem
        : now.Disk.Info with { Size = disk.Info.Size } != disk.Info || now.Disk.Info.Size < disk.Info.Size
            || now.Disk.Guest != disk.Guest || now.Disk.Loop != disk.Loop
            ? $"disk {disk.Name} has changed while its ring was made"
        : null;

    private void Ended(VbdDevice device, RingConnection connection)
    {
        connection.Disk.Guest.Exit();
        lock (Gate)
            _ = OpenConnections.Remove(connection);
        Post(() =>
        {
            device.Ended(connection);
            _ = _changed.Add(device.Address);
            Work();
        });
    }

    // Once it stops, the loop may be gone.
    private void Post(Action action)
    {
        lock (Gate)
        {
            if (!_stopping)
                _loop.Post(action);
        }
    }

    // On the loop.
    private void Work() => Guarded(() =>
    {
        if (_stopping || _again is null)
            return;
        if (_store is null)
            Connect();
        if (_scan)
            Scan();
        if (_sizes)
        {
            _changed.UnionWith(_devices.Keys);
            foreach (VbdDevice device in _devices.Values)
                device.LookAtSize();
        }

        _sizes = false;
        LookAtChanged();
    });

    // Once at each: what changes meanwhile comes later, after what else there is to do here; and each disk is looked at so often that
    // a guest which changes its nodes all the time keeps no other waiting.
    private void LookAtChanged()
    {
        long now = EventLoop.NowNs;
        foreach (VbdAddress address in _changed.Where(address => NotBefore(address) <= now).ToArray())
        {
            if (_stopping)
                return;
            _ = _changed.Remove(address);
            Look(address);
        }

        long next = _scan || _sizes ? now : _changed.Select(NotBefore).DefaultIfEmpty(long.MaxValue).Min();
        _again!.DueNs = Math.Min(_again.DueNs, next);
    }

    private long NotBefore(VbdAddress address) => _devices.TryGetValue(address, out VbdDevice? device) ? device.NotBeforeNs : 0;

    private void Look(VbdAddress address)
    {
        if (!_devices.TryGetValue(address, out VbdDevice? device))
            _devices[address] = device = new VbdDevice(this, address, $"{_root}/{address}");
        try
        {
            device.NotBeforeNs = EventLoop.NowNs + _times.LookNs;
            if (!device.Look())
                _ = _devices.Remove(address);
        }
        catch (StoreException)
        {
            _ = _changed.Add(address);
            throw;
        }
    }

    private void Connect()
    {
        string path = _options.Store ?? s_stores.FirstOrDefault(File.Exists) ?? s_stores[0];
        _store = StoreClient.Connect(path, Happened);
        _watch = _loop.Watch(_store.Descriptor, this, LoopReady.Readable);
        _store.Watch(_root, BackendWatch);
        foreach (VbdDevice device in _devices.Values)
            device.WatchAgain();
        _changed.UnionWith(_devices.Keys);
        _scan = true;
        _unreachable = false;
        Watching(_logger, path, _root);
    }

    private void Scan()
    {
        _scan = false;
        foreach (string domain in Store.List(_root))
        {
            foreach (string device in Store.List($"{_root}/{domain}"))
            {
                if (VbdAddress.TryParse(domain, device) is { } address)
                    _ = _changed.Add(address);
            }
        }
    }

    // During any call of xenstore: only notes what has changed.
    private void Happened(string path, string watch)
    {
        if (watch != BackendWatch)
        {
            if (VbdAddress.TryParse(watch) is { } told)
                _ = _changed.Add(told);
            return;
        }

        // backend/TYPE/DOMAIN/DEVICE/NODE; of one's own domain, relative.
        int at = path.IndexOf(_root, StringComparison.Ordinal);
        string[] parts = at < 0 ? [] : path[(at + _root.Length)..].Split('/', 4, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 2)
        {
            // A part of the tree may be new, or gone.
            _scan = true;
            _changed.UnionWith(_devices.Keys);
        }
        else if (VbdAddress.TryParse(parts[0], parts[1]) is { } address)
        {
            _ = _changed.Add(address);
        }
    }

    private void Drop()
    {
        if (_watch >= 0)
            _loop.Unwatch(_watch);
        _watch = -1;
        _store?.Dispose();
        _store = null;
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is StoreException or StoreRefusedException)
        {
            Drop();
            if (_stopping)
                return;
            if (!_unreachable)
                Unreachable(_logger, exception.Message);
            _unreachable = true;
            _again!.DueNs = EventLoop.NowNs + _times.PauseNs;
        }
#pragma warning disable CA1031 // A defect here costs the guests nothing that they have; it is tried again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Defect(_logger, exception);
            Drop();
            if (!_stopping)
                _again!.DueNs = EventLoop.NowNs + _times.PauseNs;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Xen: xenstore at {Store}: serves {Root}")]
    private static partial void Watching(ILogger logger, string store, string root);

    [LoggerMessage(Level = LogLevel.Error, Message = "Xen: {Problem}; tried again each second, rings go on meanwhile")]
    private static partial void Unreachable(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "Xen: a defect of the server; it looks at all virtual disks anew")]
    private static partial void Defect(ILogger logger, Exception exception);
}
