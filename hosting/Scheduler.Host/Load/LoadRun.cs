using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.Host.Load;

/// <summary>Runs a load: each guest has a connection and a thread of its own.</summary>
internal sealed class LoadRun : IDisposable
{
    private readonly LoadSpec _spec;
    private readonly List<ILoadClient> _clients = [];
    private readonly List<LoadGuest> _guests = [];

    /// <summary>Why the first of the guests broke off.</summary>
    private LoadException? _broken;

    /// <summary>Connects all guests.</summary>
    /// <param name="spec">The load.</param>
    /// <exception cref="LoadException">One can't be connected.</exception>
    public LoadRun(LoadSpec spec)
    {
        _spec = spec;
        try
        {
            for (int i = 0; i < spec.Guests; i++)
            {
                string disk = spec.Disks[i % spec.Disks.Count];
                ILoadClient client = Connect(spec, disk);
                _clients.Add(client);
                _guests.Add(new LoadGuest(spec, client, disk, i));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Answers so far. From any thread.</summary>
    public long Answered => _guests.Sum(guest => guest.Answered);

    /// <summary>What an address stands for.</summary>
    /// <param name="address">The address.</param>
    /// <returns>A path for rings, or an endpoint of NBD; null if it is none.</returns>
    public static object? Parse(string address)
    {
        if (address.StartsWith("blkif:", StringComparison.Ordinal) && address.Length > 6)
            return address[6..];
        if (address.StartsWith("nbd+unix:", StringComparison.Ordinal) && address.Length > 9)
            return new UnixDomainSocketEndPoint(address[9..]);
        if (!address.StartsWith("nbd://", StringComparison.Ordinal))
            return null;
        string authority = address[6..].TrimEnd('/').Replace("localhost", "127.0.0.1", StringComparison.Ordinal);
        return IPEndPoint.TryParse(authority, out IPEndPoint? endpoint) ? new IPEndPoint(endpoint.Address, endpoint.Port == 0 ? 10809 : endpoint.Port) : null;
    }

    /// <summary>Runs it.</summary>
    /// <param name="pid">The service's process; null: found out where it can be.</param>
    /// <param name="cancellation">Cuts it short.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="LoadException">A guest's service has gone.</exception>
    public LoadResult Run(int? pid, CancellationToken cancellation)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using Process? service = ProcessOf(pid ?? _clients[0].ServicePid);
        List<Thread> threads = [.. _guests.Select(guest => new Thread(() => Run(guest, stop)) { IsBackground = true })];
        double cpuBefore = CpuSeconds(service) ?? 0;
        long began = Stopwatch.GetTimestamp();
        threads.ForEach(thread => thread.Start());
        _ = stop.Token.WaitHandle.WaitOne(_spec.Duration);
        stop.Cancel();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double? cpu = CpuSeconds(service) - cpuBefore;
        threads.ForEach(thread => thread.Join());
        return _broken is null ? Result(seconds, cpu) : throw _broken;
    }

    /// <inheritdoc/>
    public void Dispose() => _clients.ForEach(client => client.Dispose());

    private static ILoadClient Connect(LoadSpec spec, string disk) => Parse(spec.Address) switch
    {
        string path => new RingLoadClient(path, disk, spec.Depth, spec.BlockBytes),
        EndPoint endpoint => new NbdLoadClient(endpoint, disk, spec.Depth, spec.BlockBytes),
        _ => throw new LoadException($"'{spec.Address}' is no address"),
    };

    private static Process? ProcessOf(int? pid)
    {
        try
        {
            return pid is { } known ? Process.GetProcessById(known) : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // Of another user's process it may not be known.
    private static double? CpuSeconds(Process? service)
    {
        try
        {
            service?.Refresh();
            return service?.TotalProcessorTime.TotalSeconds;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private void Run(LoadGuest guest, CancellationTokenSource stop)
    {
        try
        {
            guest.Run(stop.Token);
        }
        catch (LoadException e)
        {
            _ = Interlocked.CompareExchange(ref _broken, e, null);
            stop.Cancel();
        }
    }

    private LoadResult Result(double seconds, double? cpu)
    {
        const int flush = (int)LoadOp.Flush;
        Dictionary<string, LoadFigures> operations = [];
        foreach (LoadOp op in Enum.GetValues<LoadOp>())
        {
            LoadFigures figures = LoadFigures.Of(_guests.Select(guest => guest.Latencies[(int)op]), seconds, op == LoadOp.Flush ? 0 : _spec.BlockBytes);
            if (figures.Requests > 0)
                operations[op.ToString().ToLowerInvariant()] = figures;
        }

        long all = operations.Values.Sum(figures => figures.Requests);
        return new LoadResult(
            _spec,
            seconds,
            _guests.Sum(guest => guest.Errors),
            LoadFigures.Of(_guests.SelectMany(guest => guest.Latencies[..flush]), seconds, _spec.BlockBytes),
            operations,
            [.. _guests.Select(guest => new LoadGuestFigures(guest.Disk, LoadFigures.Of(guest.Latencies[..flush], seconds, _spec.BlockBytes)))],
            cpu,
            all > 0 ? cpu * 1e6 / all : null);
    }
}
