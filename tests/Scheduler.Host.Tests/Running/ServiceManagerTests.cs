using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Host.Running;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Tests.Running;

/// <summary>What systemd is told, over a socket like its own.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };

    public void Dispose()
    {
        _socket.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void States_are_lines(bool isAbstract)
    {
        string path = isAbstract ? $"@{Path.GetFileName(_directory)}" : Path.Combine(_directory, "notify");
        _socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + path[1..] : path));
        ServiceManager manager = Make(("NOTIFY_SOCKET", path));

        manager.Ready("Serves disks: 3");
        Assert.Equal("READY=1\nSTATUS=Serves disks: 3", Receive());

        long before = EventLoop.NowNs / 1000;
        manager.Reloading();
        Match reloading = Regex.Match(Receive(), @"\ARELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=[^\n]+\z");
        Assert.InRange(long.Parse(reloading.Groups[1].ValueSpan, CultureInfo.InvariantCulture), before, EventLoop.NowNs / 1000);

        manager.Alive();
        Assert.Equal("WATCHDOG=1", Receive());
        manager.Stopping();
        Assert.Matches(@"\ASTOPPING=1\nSTATUS=[^\n]+\z", Receive());
    }

    [Fact]
    public void Without_systemd_and_with_a_socket_that_is_gone_the_service_goes_on()
    {
        Make().Ready("x");
        Make(("NOTIFY_SOCKET", "vsock:2:1234")).Ready("x");
        ServiceManager gone = Make(("NOTIFY_SOCKET", Path.Combine(_directory, "gone")));
        gone.Ready("x");
        gone.Alive();
    }

    [Theory]
    [InlineData("30000000", null, true)]
    [InlineData("30000000", "", true)]
    [InlineData("30000000", "1", false)]
    [InlineData("0", null, false)]
    [InlineData("-5", null, false)]
    [InlineData("soon", null, false)]
    [InlineData("18446744073709551615", null, false)]
    [InlineData(null, null, false)]
    public void The_watchdogs_time_is_this_processs(string? time, string? process, bool wanted)
    {
        Assert.Equal(
            wanted ? TimeSpan.FromSeconds(30) : null,
            Make(("NOTIFY_SOCKET", "/x"), ("WATCHDOG_USEC", time), ("WATCHDOG_PID", process)).WatchdogTimeout);
        Assert.Null(Make(("WATCHDOG_USEC", time), ("WATCHDOG_PID", process)).WatchdogTimeout);
    }

    [Fact]
    public void The_unit_waits_for_the_stop_to_end_and_feeds_from_a_watchdog()
    {
        string unit = File.ReadAllText(UnitFile());
        int stop = int.Parse(Regex.Match(unit, @"^TimeoutStopSec=(\d+)s$", RegexOptions.Multiline).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

        // The admin address and the telemetry take up to 40 s on top.
        Assert.True(stop >= Service.StopTimeMax.TotalSeconds + 40, $"TimeoutStopSec={stop}s");
        Assert.Contains("\nType=notify\n", unit);
        Assert.Contains("\nWatchdogSec=", unit);
        Assert.Contains("\nRestartPreventExitStatus=2\n", unit);
    }

    private static string UnitFile([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../hosting/systemd/scheduler.service"));

    private static ServiceManager Make(params (string Name, string? Value)[] environment) =>
        new(name => environment.FirstOrDefault(item => item.Name == name).Value, NullLogger.Instance);

    private string Receive()
    {
        byte[] buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
    }
}
