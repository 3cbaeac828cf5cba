using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>The real service, started for a test with ports of its own.</summary>
internal sealed partial class ServiceProcess : IDisposable
{
    public static readonly TimeSpan StartTimeMax = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(30);

    // Tests that run in the background of a script ignore Ctrl-C, or by nohup SIGHUP, and would hand that down.
    public static readonly IReadOnlyList<string> DefaultSignals = ["env", "--default-signal=INT,HUP"];

    private readonly HttpClient _http;

    private ServiceProcess(TemporaryDirectory directory, IEnumerable<string> arguments, IEnumerable<string>? environment = null, string? program = null)
    {
        string[] command = [.. DefaultSignals.Skip(1), .. environment ?? [], program ?? SchedulerProgram.Path, "serve"];
        Process = new ChildProcess(DefaultSignals[0], [.. command, .. arguments], directory.Path);
        try
        {
            Process.WaitUntil(IsReady, StartTimeMax, "no \"Ready.\"");
            SocketPath = directory.File(SocketAddress().Match(Process.Log).Groups[1].Value);
            Endpoint = IPEndPoint.Parse(TcpAddress().Match(Process.Log).Groups[1].Value);
            AdminUrl = AdminAddress().Match(Process.Log).Groups[1].Value;
            _http = new HttpClient
            {
                BaseAddress = new Uri(AdminUrl),
                Timeout = TimeSpan.FromSeconds(20),
            };
        }
        catch
        {
            Process.Dispose();
            throw;
        }
    }

    public ChildProcess Process { get; }

    /// <summary>Its Unix socket.</summary>
    public string SocketPath { get; }

    /// <summary>Its TCP address.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Its admin address.</summary>
    public string AdminUrl { get; }

    /// <summary>The admin token that is shown.</summary>
    public string? Token
    {
        set => _http.DefaultRequestHeaders.Authorization = value is null ? null : new AuthenticationHeaderValue("Bearer", value);
    }

    /// <summary>Starts it and waits until it serves.</summary>
    /// <param name="directory">Working directory: what the volumes and a later start find again.</param>
    /// <param name="config">What stands in the section <c>scheduler</c>, but for the addresses.</param>
    /// <param name="environment">Variables that are set for it, <c>NAME=value</c> each.</param>
    public static ServiceProcess Start(TemporaryDirectory directory, string config, params string[] environment)
    {
        string file = directory.File("scheduler.conf");
        WriteConfig(file, config);
        return new ServiceProcess(directory, ["--config", file], environment);
    }

    /// <summary>Starts it, and kills it before long: it may be ready by then or not.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="config">As for <see cref="Start"/>.</param>
    /// <param name="after">How long it lives.</param>
    public static void StartAndKill(TemporaryDirectory directory, string config, TimeSpan after)
    {
        string file = directory.File("scheduler.conf");
        WriteConfig(file, config);
        using ChildProcess process = new(SchedulerProgram.Path, ["serve", "--config", file], directory.Path);
        Thread.Sleep(after);
        process.Kill();
    }

    /// <summary>Starts it as a newcomer does, without a configuration; only the ports are free ones.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="program">The program; null: the one under test.</param>
    public static ServiceProcess StartUnconfigured(TemporaryDirectory directory, string? program = null) => new(
        directory,
        [
            "--set", "nbd.listen=[\"tcp://127.0.0.1:0\",\"unix:data/nbd.sock\"]",
            "--set", "admin.listen=\"http://127.0.0.1:0\"",
        ],
        program: program);

    /// <summary>Starts a program with a configuration that lies elsewhere.</summary>
    /// <param name="directory">Working directory.</param>
    /// <param name="program">The program.</param>
    /// <param name="file">The configuration.</param>
    public static ServiceProcess StartProgram(TemporaryDirectory directory, string program, string file) =>
        new(directory, ["--config", file], program: program);

    /// <summary>Writes a configuration file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="config">What stands in the section <c>scheduler</c>, but for the addresses.</param>
    public static void WriteConfig(string file, string config) => File.WriteAllText(file, $$"""
        scheduler {
          data-dir = "data"
          nbd.listen = ["tcp://127.0.0.1:0", "unix:nbd.sock"]
          admin.listen = "http://127.0.0.1:0"
          {{config}}
        }
        """);

    /// <summary>The NBD address of a disk, over TCP.</summary>
    public string Uri(string disk) => $"nbd://{Endpoint}/{disk}";

    /// <summary>The NBD address of a disk, over TCP with TLS.</summary>
    /// <param name="disk">Its name.</param>
    /// <param name="certificates">Directory of the client's certificates.</param>
    public string TlsUri(string disk, string certificates) => $"nbds://{Endpoint}/{disk}?tls-certificates={certificates}";

    /// <summary>The NBD address of a disk, over the Unix socket.</summary>
    public string UnixUri(string disk) => $"nbd+unix:///{disk}?socket={SocketPath}";

    public Metrics Metrics() => new(_http.GetStringAsync("/metrics").Result);

    /// <summary>Status and text of an admin page.</summary>
    public (HttpStatusCode Status, string Text) Get(string path)
    {
        using HttpResponseMessage response = _http.GetAsync(path).Result;
        return (response.StatusCode, response.Content.ReadAsStringAsync().Result);
    }

    /// <summary>Stops it as an operator does, and demands that it ends well.</summary>
    public void Stop()
    {
        Process.Terminate();
        int code = Process.WaitForExit(StopTimeMax);
        Assert.True(code == 0, $"exit code {code}\n{Process.Log}");
    }

    /// <summary>Stops it as an operator does, and demands that it ends in time, with exit code 1: a volume has a fault.</summary>
    public void StopFenced()
    {
        Process.Terminate();
        int code = Process.WaitForExit(StopTimeMax);
        Assert.True(code == 1, $"exit code {code}\n{Process.Log}");
        Assert.DoesNotContain("Unhandled exception", Process.Log);
    }

    /// <summary>Runs the program against the service, as an operator does.</summary>
    /// <param name="arguments">A command that asks a running service, without its address.</param>
    public ToolResult Ask(params string[] arguments) => Tool.Run(SchedulerProgram.Path, [.. arguments, "--admin", AdminUrl]);

    /// <summary>Fails if a volume broke or an exception escaped: a test may pass in spite of it.</summary>
    public void AssertNothingBroke()
    {
        Assert.False(Process.HasExited, Process.Log);
        Assert.DoesNotContain("crit:", Process.Log);
        Assert.DoesNotContain("Unhandled exception", Process.Log);
    }

    public void Dispose()
    {
        _http.Dispose();
        Process.Dispose();
    }

    private bool IsReady() => Process.Log.Contains("Ready.", StringComparison.Ordinal);

    // The welcome lines are for pasting; so they are what is read here.
    [GeneratedRegex(@"nbdinfo '?nbds?://([^/]+)/")]
    private static partial Regex TcpAddress();

    [GeneratedRegex(@"\?socket=([^'\s]+)'")]
    private static partial Regex SocketAddress();

    [GeneratedRegex(@"curl (http://[^/\s]+)")]
    private static partial Regex AdminAddress();
}
