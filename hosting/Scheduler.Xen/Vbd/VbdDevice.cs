using System.Globalization;
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Loop;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Hypervisor;
using Scheduler.Xen.Rings;
using Scheduler.Xen.Store;

namespace Scheduler.Xen.Vbd;

/// <summary>One virtual disk: carries out what <see cref="VbdMachine"/> says. On the server's loop.</summary>
/// <param name="server">The server.</param>
/// <param name="address">Which it is.</param>
/// <param name="path">Its directory in xenstore, of the backend's end.</param>
internal sealed partial class VbdDevice(VbdServer server, VbdAddress address, string path)
{
    // A name is not longer.
    private const int NameMax = 63;

    // A guest that begins anew all the time is followed once a second, after some times.
    private const int OffersMax = 5;
    private const long OfferNs = 1_000_000_000;

    // A guest whose state changes faster than it can be followed keeps no other waiting.
    private const int StepsMax = 16;
    private const string QueuesNode = "multi-queue-max-queues";

    // What a guest has taken from the offer for good.
    private static readonly string[] s_lasting = ["feature-barrier", "feature-flush-cache", "sector-size", "info"];

    private readonly VbdMachine _machine = new();
    private readonly List<RingConnection> _rings = [];
    private readonly string _domainPath = string.Create(CultureInfo.InvariantCulture, $"/local/domain/{address.Domain}");

    /// <summary>The guest's end; null until it is known.</summary>
    private string? _frontend;
    private string? _watched;
    private bool _isWatching;

    /// <summary>Why the guest's end can't be known; null: it is, or nothing is said of it.</summary>
    private string? _wrongFrontend;
    private string _name = "";
    private VbdDomain _domain;
    private BlkifDisk? _offered;
    private int _queuesMax;
    private bool _ending;

    /// <summary>Why it could not go on the last time.</summary>
    private string? _reason;

    /// <summary>Why it can't go on, while xenstore has not been told; null: nothing is to be told.</summary>
    private string? _untold;

    /// <summary>The disk may have another size than the guest was told.</summary>
    private bool _sizeChanged;

    /// <summary>How often the disk may be offered now, of <see cref="OffersMax"/> at most; another time comes with each second.</summary>
    private long _offers = OffersMax;
    private long _offersSinceNs = server.Times.Now();

    /// <summary>Rings whose memory the device may use.</summary>
    private int _memories;

    /// <summary>Which it is.</summary>
    public VbdAddress Address => address;

    /// <summary>When it may be looked at again, in <see cref="EventLoop.NowNs"/>.</summary>
    public long NotBeforeNs { get; set; }

    private StoreClient Store => server.Store;

    /// <summary>Does what is to be done now. What breaks off is done when it is called again; what fails closes the disk.</summary>
    /// <returns>False if it is gone.</returns>
    /// <exception cref="StoreException">xenstore can't be reached; it is to be called again.</exception>
    public bool Look()
    {
        try
        {
            return LookNow();
        }
        catch (Exception exception) when (exception is not StoreException)
        {
            if (exception is not StoreRefusedException)
                Defect(server.Logger, exception, address);
            Fail(exception is StoreRefusedException ? exception.Message : "a defect of the server");
            server.LookLater(this);
            return true;
        }
    }

    /// <summary>The disk may have another size: it is to be looked at again.</summary>
    public void LookAtSize() => _sizeChanged = true;

    /// <summary>The connection to xenstore is another one: it is to tell of changes again.</summary>
    public void WatchAgain() => _isWatching = false;

    /// <summary>A ring has ended.</summary>
    /// <param name="ring">The ring.</param>
    public void Ended(RingConnection ring)
    {
        _ = _rings.Remove(ring);
        if (_rings.Count == 0)
            DeleteTables();
        if (!_ending)
            Fail(ring.Ended!);
    }

    private static string Text(XenbusState state) => ((int)state).ToString(CultureInfo.InvariantCulture);

    private static XenbusState StateOf(string? text) => text is ['1' or '2' or '3' or '4' or '5' or '6'] ? (XenbusState)(text[0] - '0') : XenbusState.Unknown;

    private bool LookNow()
    {
        long more = (server.Times.Now() - _offersSinceNs) / OfferNs;
        _offersSinceNs += more * OfferNs;
        _offers = Math.Min(OffersMax, _offers + more);
        if (_offers == 0)
        {
            server.LookLater(this);
            return true;
        }

        for (int i = 0; i < StepsMax && !server.IsStopping; i++)
        {
            bool served = _machine.IsConnected;
            VbdView view = See();
            TellReason(view);
            switch (_machine.Next(view, _rings.Count > 0 || Volatile.Read(ref _memories) > 0))
            {
                case VbdStep.Nothing or VbdStep.Offer or VbdStep.Resume
                    when _wrongFrontend is not null && view.Backend != XenbusState.Unknown && !_machine.HasFailed:
                    Fail(_wrongFrontend);
                    break;
                case VbdStep.Nothing when _sizeChanged:
                    TellSize();
                    break;
                case VbdStep.Nothing:
                    return true;
                case VbdStep.Offer:
                    _offers = Math.Max(0, _offers - 1);
                    Offer();
                    break;
                case VbdStep.Connect:
                    Start(resume: false);
                    break;
                case VbdStep.Resume:
                    Resume();
                    break;
                case VbdStep.WriteConnected:
                    Write(XenbusState.Connected);
                    break;
                case VbdStep.Drain:
                    End(ring => ring.Finish("the guest closes it"));
                    return true;
                case VbdStep.End:
                    End(ring => ring.Abort(served ? "the guest has left it" : "its virtual disk has ended"));
                    return true;
                case VbdStep.WriteClosing:
                    Write(XenbusState.Closing);
                    break;
                case VbdStep.WriteClosed:
                    Write(XenbusState.Closed);
                    Closed(server.Logger, address, _domain.Name);
                    break;
                case VbdStep.Remove:
                    Store.Remove(path);
                    break;
                case VbdStep.Forget:
                    if (_watched is not null)
                        Store.Unwatch(_watched, address.ToString());
                    DeleteTables();
                    RemoveTraces();
                    return false;
            }

            _machine.Done();
        }

        server.LookAgain(address);
        return true;
    }

    private VbdView See()
    {
        string? state = Store.Read($"{path}/state");
        string? frontend = Store.Read($"{path}/frontend");
        bool there = state is not null || frontend is not null;
        if (there && _frontend is null && frontend is not null)
            FindFrontend(frontend);
        Watch();

        return new VbdView(
            there,
            Store.Read(_domainPath) is not null,
            StateOf(state),
            _frontend is null ? XenbusState.Unknown : StateOf(Store.Read(_watched!)));
    }

    // What the guest can write nothing to is not its end. What is no path in xenstore is not looked for.
    private void FindFrontend(string frontend)
    {
        bool isPath = frontend.StartsWith($"{_domainPath}/", StringComparison.Ordinal) && frontend.Length <= StoreHeader.PathMax / 2
            && frontend[1..].Split('/').All(name => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '@'));
        _wrongFrontend = isPath ? null : $"its node frontend = {VbdFrontend.Shown(frontend)} is no path below {_domainPath}";
        if (isPath)
            (_frontend, _watched) = (frontend, $"{frontend}/state");
    }

    private void Watch()
    {
        if (_watched is null || _isWatching)
            return;
        try
        {
            Store.Watch(_watched, address.ToString());
            _isWatching = true;
        }
        catch (StoreRefusedException exception)
        {
            (_frontend, _watched, _wrongFrontend) = (null, null, exception.Message);
        }
    }

    private void Write(XenbusState state) => _ = Store.Update(path, "state", [("state", Text(state))]);

    private void Offer()
    {
        if (Find() is { } problem)
        {
            Fail(problem);
            return;
        }

        // A barrier orders its own ring: a guest that may send some has one.
        _queuesMax = _offered!.HasBarriers ? 1 : server.Options.QueuesMax;
        List<(string, string)> nodes = [.. _offered.Nodes(), (QueuesNode, _queuesMax.ToString(CultureInfo.InvariantCulture))];
        Store.Remove(ErrorPath);
        _ = Store.Update(path, "state", [.. nodes, ("state", Text(XenbusState.InitWait))]);
    }

    // What is wrong, or null.
    private string? Find()
    {
        _name = Store.Read($"{path}/params") ?? "";
        if (_name.Length is 0 or > NameMax)
            return _name.Length == 0 ? "its node params does not name a disk" : $"its node params = {VbdFrontend.Shown(_name)} names no disk";

        _domain = new VbdDomain(Store.Read($"{_domainPath}/name") ?? "", Uuid());
        (RingDisk? disk, string problem) = server.Find(_name, _domain);
        if (disk is null)
            return problem;
        _offered = disk.Info with { IsReadOnly = Store.Read($"{path}/mode") is not ['w', ..] };
        return null;
    }

    // /local/domain/D/vm is /vm/UUID.
    private string Uuid()
    {
        const int UuidMax = 36;
        string vm = Store.Read($"{_domainPath}/vm") ?? "";
        string uuid = vm[(vm.LastIndexOf('/') + 1)..].ToLowerInvariant();
        return uuid.Length <= UuidMax ? uuid : "";
    }

    // The guest knows what the earlier process has offered, and goes by it.
    private void Resume()
    {
        if ((Find() ?? WhyNotAsOffered()) is { } problem)
            Fail(problem);
        else
            Start(resume: true);
    }

    private string? WhyNotAsOffered()
    {
        foreach ((string node, string value) in _offered!.Nodes().Where(node => s_lasting.Contains(node.Node)))
        {
            string? before = Store.Read($"{path}/{node}");
            if (before != value)
                return $"the guest was offered {node} = {VbdFrontend.Shown(before ?? "")}, and it is {value} now; it has to be attached anew";
        }

        if (!long.TryParse(Store.Read($"{path}/sectors"), NumberStyles.None, CultureInfo.InvariantCulture, out long sectors) || sectors > _offered.Size / BlkifAbi.SectorBytes)
            return $"the guest was offered more than the {_offered.Size} bytes that disk {_name} has now; it has to be attached anew";
        _offered = _offered with { Size = sectors * BlkifAbi.SectorBytes };
        _queuesMax = VbdFrontend.TryNumber(Store.Read($"{path}/{QueuesNode}") ?? "", out uint queues) && queues is > 0 and <= VbdOptions.QueuesLimit ? (int)queues : 1;
        return null;
    }

    private void Start(bool resume)
    {
        if (VbdFrontend.TryRead(node => Store.Read($"{_frontend}/{node}"), _queuesMax, out IReadOnlyList<VbdQueue> queues) is { } wrong)
        {
            Fail(wrong);
            return;
        }

        _ending = false;
        for (int i = 0; i < queues.Count; i++)
        {
            string peer = string.Create(CultureInfo.InvariantCulture, $"xen:{address} ({_domain.Name}) queue {i}");
            string table = Path.Combine(server.Options.RunDirectory, TablesBegin + i.ToString(CultureInfo.InvariantCulture));
            if (server.Open(this, _name, _domain, _offered!, disk => Reach(disk, queues[i], table, resume), peer, out RingConnection? ring) is { } problem)
            {
                Fail(problem);
                return;
            }

            _rings.Add(ring!);
        }

        Opened(server.Logger, address, _domain.Name, _name, queues.Count, queues[0].Grants.Count, resume ? "goes on with" : "has");

        // It may have grown since the guest was offered it.
        _sizeChanged = true;
    }

    // The guest knows it when xenstore does.
    private void TellSize()
    {
        _sizeChanged = false;
        if (!_machine.IsConnected || _offered is null)
            return;
        (RingDisk? disk, _) = server.Find(_name, _domain);

        // Who takes it away looks first whether it is used.
        if (disk is null)
            return;
        if (disk.Info.Block != _offered.Block || disk.Info.Order != _offered.Order)
        {
            Fail($"disk {_name} is another one now");
            return;
        }

        if (disk.Info.Size == _offered.Size)
            return;
        _sizeChanged = true;
        BlkifDisk offered = _offered with { Size = disk.Info.Size };

        // The guest may use what it is told of at once.
        foreach (RingConnection ring in _rings)
            ring.Disk.Loop.Post(() => ring.Resize(offered));
        _ = Store.Update(path, "state", [.. offered.Nodes().Where(node => node.Node == "sectors"), ("state", Text(XenbusState.Connected))]);
        (_offered, _sizeChanged) = (offered, false);
        Resized(server.Logger, address, _name, offered.Size);
    }

    private VbdRing Reach(RingDisk disk, VbdQueue queue, string path, bool resume)
    {
        if (disk.Info with { IsReadOnly = _offered!.IsReadOnly, Size = _offered.Size } != _offered || disk.Info.Size < _offered.Size)
            return new VbdRing(null, null, null, $"disk {_name} has changed since it was offered");
        InFlightTable? table = Table(queue, path, resume, out string problem);
        if (table is null)
            return new VbdRing(null, null, null, problem);
        GrantedPages? pages = GrantedPages.TryMap(server.Hypervisor, address.Domain, [.. queue.Grants], disk.Guest.Buffers, GivenBack, out problem);
        if (pages is not null)
        {
            _ = Interlocked.Increment(ref _memories);
            IRingBell? bell = null;
            try
            {
                if (IsBehindFailure(table, pages))
                    problem = "a write had failed, and the guest may have sent what an earlier process has left before it heard of that; it has to be attached anew";
                else
                    bell = server.Hypervisor.Bind(address.Domain, queue.Port, out problem);
            }
            finally
            {
                if (bell is null)
                    new VbdRing(pages, table, null, null).GiveBack();
            }

            return bell is null ? new VbdRing(null, null, null, problem) : new VbdRing(pages, table, bell, null);
        }

        table.Unmap();
        return new VbdRing(null, null, null, problem);
    }

    // O6: which of the requests are to fail, only the earlier process knew.
    private bool IsBehindFailure(InFlightTable table, GrantedPages pages)
    {
        if (!_offered!.HasBarriers || !table.HasFailed)
            return false;
        table.HasFailed = table.Left.Count > 0 || !BackRing.HasHeardAll(pages.Ring, table);
        return table.HasFailed;
    }

    private InFlightTable? Table(VbdQueue queue, string path, bool resume, out string problem)
    {
        problem = "";
        int entries = BlkifAbi.Entries(int.Log2(queue.Grants.Count));
        string name = string.Create(CultureInfo.InvariantCulture, $"{address} {_domain.Uuid} {_name} {queue.Port} {string.Join(',', queue.Grants)}");
        if (resume)
        {
            InFlightTable? left = InFlightTable.Take(path, name, entries, out problem);
            if (left is null)
                problem = $"what an earlier process had under way is not known: {problem}; it has to be attached anew";
            return left;
        }

        try
        {
            return InFlightTable.Make(path, name, entries);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = $"what is under way can't be kept: {exception.Message}; see scheduler.xen.run-dir";
            return null;
        }
    }

    private void DeleteTables()
    {
        try
        {
            foreach (string table in Directory.GetFiles(server.Options.RunDirectory, $"{TablesBegin}*"))
                File.Delete(table);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // They say that their rings have ended, or belong to no domain.
        }
    }

    // From any thread.
    private void GivenBack()
    {
        _ = Interlocked.Decrement(ref _memories);
        server.LookAgain(address);
    }

    private void End(Action<RingConnection> end)
    {
        _ending = true;
        foreach (RingConnection ring in _rings)
            ring.Disk.Loop.Post(() => end(ring));
    }

    // The domain's directories stay for its other disks.
    private void RemoveTraces()
    {
        Store.Remove(ErrorPath);
        Store.RemoveEmpty(ErrorPath[..ErrorPath.LastIndexOf('/')]);
        Store.RemoveEmpty(path[..path.LastIndexOf('/')]);
    }

    private string TablesBegin => string.Create(CultureInfo.InvariantCulture, $"{address.Domain}-{address.Device}-");

    private string ErrorPath => $"error/{path}";

    // As Linux's backends do it: the reason stands in a place of its own, and both ends close. While the service stops, everything is
    // left as it is: what is wrong, the next process finds too.
    private void Fail(string reason)
    {
        if (server.IsStopping)
            return;
        bool isKnown = _machine.HasFailed && reason == _reason;
        _machine.Fail();
        if (isKnown)
            return;
        _reason = reason;
        _untold = reason.Length <= StoreHeader.PayloadMax / 4 ? reason : reason[..(StoreHeader.PayloadMax / 4)];
        Failed(server.Logger, address, _domain.Name, reason);
    }

    // A ring may end while xenstore can't be reached.
    private void TellReason(VbdView view)
    {
        try
        {
            if (_untold is not null && view.IsThere)
                Store.Write($"{ErrorPath}/error", _untold);
        }
        catch (StoreRefusedException)
        {
            // It stands in the log.
        }

        _untold = null;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Xen {Address} ({Domain}): disk {Disk}, {What} {Queues} rings of {Pages} pages")]
    private static partial void Opened(ILogger logger, VbdAddress address, string domain, string disk, int queues, int pages, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "Xen {Address}: disk {Disk} has {Size} bytes now")]
    private static partial void Resized(ILogger logger, VbdAddress address, string disk, long size);

    [LoggerMessage(Level = LogLevel.Information, Message = "Xen {Address} ({Domain}): closed, as the guest's end is")]
    private static partial void Closed(ILogger logger, VbdAddress address, string domain);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Xen {Address} ({Domain}): closed: {Reason}")]
    private static partial void Failed(ILogger logger, VbdAddress address, string domain, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Xen {Address}: a defect of the server ends it")]
    private static partial void Defect(ILogger logger, Exception exception, VbdAddress address);
}
