using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Console;
using Scheduler.Actors;
using Scheduler.Host.Api;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Storage.Journal;

namespace Scheduler.Host;

/// <summary>Runs the service.</summary>
public static class ServiceRunner
{
    /// <summary>Exit code when the service could not start, or a volume did not stop cleanly.</summary>
    public const int ExitFailed = 1;

    /// <summary>Runs until cancelled.</summary>
    /// <param name="source">Where the configuration is.</param>
    /// <param name="cancellation">Asks for a clean stop.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="HoconException">The configuration is wrong.</exception>
    public static Task<int> RunAsync(SettingsSource source, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        return RunAsync(source, LocalEngine.Create, cancellation);
    }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="source">Where the configuration is.</param>
    /// <param name="engine">Makes what runs the actors.</param>
    /// <param name="cancellation">Asks for a clean stop.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="HoconException">The configuration is wrong.</exception>
    internal static async Task<int> RunAsync(SettingsSource source, Func<EngineSetup, IServiceEngine> engine, CancellationToken cancellation)
    {
        LoadedSettings loaded = source.LoadWithKeys();
        ServiceSettings settings = loaded.Settings;
        LogLevels levels = new(settings.Log);
        _ = Directory.CreateDirectory(settings.DataDirectory);
        using ILoggerFactory loggers = LoggerFactory.Create(ConfigureLogging);
        ServiceManager manager = new(Environment.GetEnvironmentVariable, loggers.CreateLogger<ServiceManager>());
        using Observability observability = new(settings.Telemetry, Math.Max(2000, 2 * settings.Disks.Count * VolumeStatus.OpNames.Count), settings.Cluster?.Node);
        try
        {
            await using Service service = await Service.StartAsync(settings, observability.Volumes, loggers, engine);
            using ServiceFigures figures = new(service);
            WebApplication admin = await AdminServer.StartAsync(settings, new AdminTarget(service, service.Catalog, figures), observability.Prometheus, ConfigureLogging);
            await using (admin)
            {
                ConfigurationReload reload = new(source, loaded, levels, loggers.CreateLogger<ConfigurationReload>())
                {
                    ChangeGuest = service.Catalog.DeclareAsync,
                };
                using Reloader reloader = new(reload, service, manager);

                // Before "Ready.": who waits for that may send the signal at once.
                using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
                {
                    signal.Cancel = true;
                    _ = reloader.ReloadAsync();
                });
                using Watchdog? watchdog = manager.WatchdogTimeout is { } timeout
                    ? new Watchdog(timeout / 2, () => [.. service.Volumes.Select(volume => volume.Loop)], manager.Alive)
                    : null;
                WriteWelcome(service, settings.Nbd.Tls is { Required: true }, MetricsCommand(settings.AdminListen, AdminServer.UrlOf(admin)));
                manager.Ready(service.Summary());
                Task asked = Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
                bool ended = await Task.WhenAny(asked, service.Ended) != asked;
                if (ended)
                    await Console.Error.WriteLineAsync($"scheduler: {await service.Ended}");
                manager.Stopping();
                bool clean = await service.StopAsync();
                await admin.StopAsync(CancellationToken.None);
                return clean && !ended ? 0 : ExitFailed;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException or InvalidOperationException
            or JournalUnavailableException or JournalDamagedException or StartRefusedException)
        {
            string of = settings.Cluster is { } cluster ? $"node {cluster.Node} can't serve {string.Join(", ", settings.Volumes.Select(volume => $"volume {volume.Name}"))}: " : "";
            await Console.Error.WriteLineAsync($"scheduler: {of}{exception.Message.ReplaceLineEndings(" ")}");
            return ExitFailed;
        }

        void ConfigureLogging(ILoggingBuilder logging)
        {
            _ = logging.AddFilter((category, level) => levels.IsEnabled(category, level))

                // A failure to start is told below, in one line.
                .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
                .AddSimpleConsole(console =>
                {
                    console.SingleLine = true;
                    console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                    console.UseUtcTimestamp = true;
                });

            // Whoever does not read the log must not stop a volume's loop.
            _ = logging.Services.Configure<ConsoleLoggerOptions>(console => console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
        }
    }

    // What to connect to, ready to paste.
    private static void WriteWelcome(Service service, bool tlsRequired, string metricsCommand)
    {
        Console.WriteLine("Scheduler serves:");
        IReadOnlyList<PlacedDisk> disks = service.Disks;
        foreach (PlacedDisk placed in disks)
        {
            DiskSettings disk = placed.Settings;
            string text = $"  {disk.Name,-12} {ByteSize.Format(placed.Size),8}  volume {disk.Volume.Name}, guest {disk.Guest.Name}";
            Console.WriteLine(text);
        }

        // Of a volume group there may be none yet.
        string name = disks.Count > 0 ? disks[0].Settings.Name : "";
        Console.WriteLine("Connect with:");
        foreach (EndPoint endpoint in service.NbdEndpoints)
            Console.WriteLine($"  nbdinfo {UriOf(endpoint, name, tlsRequired)}");

        // qemu takes TLS from options, not from an address.
        if (!tlsRequired)
            Console.WriteLine($"  qemu-img info {UriOf(service.NbdEndpoints[0], name, tlsRequired)}");
        if (service.RingsPath is { } rings)
            Console.WriteLine($"  scheduler load blkif:{rings} --disk {name}");
        Console.WriteLine($"  {metricsCommand}");
        Console.WriteLine("Ready. Ctrl-C stops.");
    }

    /// <summary>What shows the metrics, to be pasted into a shell.</summary>
    /// <param name="admin">The admin address, as configured.</param>
    /// <param name="url">Its URL, with the port that it has.</param>
    /// <returns>A command.</returns>
    internal static string MetricsCommand(ListenEndpoint admin, string url) =>
        admin is UnixListenEndpoint unix ? $"curl --unix-socket '{unix.Path}' http://localhost/metrics" : $"curl {url}/metrics";

    private static string UriOf(EndPoint endpoint, string disk, bool tlsRequired) => endpoint switch
    {
        IPEndPoint tcp when tlsRequired => $"'nbds://{tcp}/{disk}?tls-certificates=DIRECTORY'",
        IPEndPoint tcp => $"nbd://{tcp}/{disk}",
        _ => $"'nbd+unix:///{disk}?socket={endpoint}'",
    };
}
