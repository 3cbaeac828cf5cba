using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>
/// Tells systemd, if it started this process, what the service is doing: datagrams of lines <c>NAME=value</c> to the socket
/// that NOTIFY_SOCKET names, as sd_notify(3) describes them. Without that variable nothing is told.
/// </summary>
internal sealed partial class ServiceManager
{
    // A timer takes no less and no more than that for half of it.
    private const long WatchdogUsMin = 2_000;
    private const long WatchdogUsMax = 86_400_000_000;

    private readonly EndPoint? _socket;
    private readonly ILogger _logger;
    private int _failed;

    /// <summary>Finds out what systemd wants to be told.</summary>
    /// <param name="environment">Gives an environment variable or null.</param>
    /// <param name="logger">Where it is said that systemd can't be told.</param>
    public ServiceManager(Func<string, string?> environment, ILogger logger)
    {
        _logger = logger;

        // A name that begins with '@' is one of the abstract namespace, which has no file.
        _socket = environment("NOTIFY_SOCKET") switch
        {
            ['/', ..] and var path => new UnixDomainSocketEndPoint(path),
            ['@', .. var name] => new UnixDomainSocketEndPoint("\0" + name),
            _ => null,
        };
        WatchdogTimeout = _socket is null ? null : WatchdogOf(environment);
    }

    /// <summary>Longest time between two calls of <see cref="Alive"/>; null: none are wanted.</summary>
    public TimeSpan? WatchdogTimeout { get; }

    /// <summary>The service serves, for the first time or again after <see cref="Reloading"/>.</summary>
    /// <param name="status">What it does, in a line.</param>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={status}");

    /// <summary>The service reads its configuration anew; <see cref="Ready"/> ends that.</summary>
    public void Reloading()
    {
        // By when, on CLOCK_MONOTONIC: systemd tells by it which reload this is.
        long now = EventLoop.NowNs / 1000;
        Tell(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=Reads its configuration anew"));
    }

    /// <summary>The service begins to stop.</summary>
    public void Stopping() => Tell("STOPPING=1\nSTATUS=Answers and flushes what it has accepted");

    /// <summary>The service works.</summary>
    public void Alive() => Tell("WATCHDOG=1");

    private static TimeSpan? WatchdogOf(Func<string, string?> environment)
    {
        // Variables of a service that started this process in turn are not for this process.
        string? process = environment("WATCHDOG_PID");
        bool forThis = string.IsNullOrEmpty(process) || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return forThis && long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long time) && time > 0
            ? TimeSpan.FromMicroseconds(Math.Clamp(time, WatchdogUsMin, WatchdogUsMax))
            : null;
    }

    private void Tell(string state)
    {
        if (_socket is null)
            return;
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = 1000 };
            _ = socket.SendTo(Encoding.UTF8.GetBytes(state), _socket);
        }
        catch (SocketException exception)
        {
            // The guests are served all the same.
            if (Interlocked.Exchange(ref _failed, 1) == 0)
                CannotTell(_logger, _socket, exception.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "systemd can't be told what the service does, at {Socket}: {Reason}")]
    private static partial void CannotTell(ILogger logger, EndPoint socket, string reason);
}
