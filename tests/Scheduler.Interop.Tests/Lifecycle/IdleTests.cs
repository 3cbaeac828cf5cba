using System.Globalization;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Lifecycle;

/// <summary>A service that has nothing to do does nothing: what its threads ask of the kernel, by strace.</summary>
public sealed class IdleTests(ITestOutputHelper output)
{
    private const string WatchSeconds = "3";

    [SkippableFact]
    public void An_idle_service_with_TLS_makes_no_system_calls()
    {
        Requires.Tool("strace");
        using TlsPlace place = new();
        using ServiceProcess service = place.Start("nbd.handshake-timeout = 1s");
        using NbdClient client = NbdClient.OpenTls(service, "d0", place.Web);
        UseEverything(client);
        Thread.Sleep(TimeSpan.FromSeconds(3));

        Dictionary<string, int> calls = WatchUntilIdle(service, place.Directory);
        Assert.Contains(".NET Sockets", calls.Keys);
        Assert.All(
            calls.Where(pair => IsOwn(pair) || pair.Key == ".NET Sockets"),
            pair => Assert.True(pair.Value == 0, $"{pair.Key} made {pair.Value} system calls"));
        Assert.DoesNotContain(calls.Keys, name => name.Contains("File Watch", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void An_idle_service_makes_no_system_calls(string io, string cache)
    {
        Requires.Tool("strace");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        string config = Config.OneVolume(directory, $"cache = {cache}, io = {io}") + "nbd.handshake-timeout = 1s\n";
        using ServiceProcess service = ServiceProcess.Start(directory, config);
        using NbdClient client = NbdClient.Open(service, "d0");
        UseEverything(client);

        // Timers that were set on the way run out.
        Thread.Sleep(TimeSpan.FromSeconds(3));

        Dictionary<string, int> calls = WatchUntilIdle(service, directory);
        Assert.Contains("volume-vol0", calls.Keys);
        Assert.Contains("nbd-accept", calls.Keys);
        if (cache == "buffered")
            Assert.Contains("volume-flush", calls.Keys);
        Assert.All(calls.Where(IsOwn), pair => Assert.True(pair.Value == 0, $"{pair.Key} made {pair.Value} system calls"));

        // The runtime and the web server have threads of their own, and a beat a second.
        Assert.DoesNotContain(calls.Keys, name => name.Contains("File Watch", StringComparison.Ordinal));

        // What is watched for is seen where it is there.
        using CancellationTokenSource done = new();
        Task reader = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
                _ = client.CallRead(0, 4096);
        });
        Dictionary<string, int> busy = Watch(service, directory);
        done.Cancel();
        reader.GetAwaiter().GetResult();
        Assert.True(busy["volume-vol0"] > 100, $"a busy volume made {busy["volume-vol0"]} system calls");
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void A_watchdog_wakes_an_idle_service_once_a_beat()
    {
        const int CallsPerBeatMax = 4;
        Requires.Tool("strace");
        using TemporaryDirectory directory = new();
        using NotifySocket manager = new(directory.File("notify"));
        using ServiceProcess service = ServiceProcess.Start(
            directory, Config.OneVolume(directory, "cache = buffered"), manager.Variable, "WATCHDOG_USEC=3000000");
        Thread.Sleep(TimeSpan.FromSeconds(3));

        int before = manager.Count("WATCHDOG=1");
        Dictionary<string, int> calls = Watch(service, directory);
        int beats = manager.Count("WATCHDOG=1") - before;

        output.WriteLine($"{beats} beats, {calls["volume-vol0"]} system calls of the loop");
        Assert.True(beats > 0, "no beats");
        Assert.InRange(calls["volume-vol0"], 1, (beats + 1) * CallsPerBeatMax);
        Assert.All(
            calls.Where(pair => IsOwn(pair) && pair.Key != "volume-vol0"),
            pair => Assert.True(pair.Value == 0, $"{pair.Key} made {pair.Value} system calls"));
    }

    private static bool IsOwn(KeyValuePair<string, int> thread) =>
        thread.Key.StartsWith("volume-", StringComparison.Ordinal) || thread.Key.StartsWith("nbd-", StringComparison.Ordinal);

    private static void UseEverything(NbdClient client)
    {
        byte[] data = new byte[4096];
        for (uint i = 0; i < 64; i++)
        {
            Assert.Equal(0u, client.CallWrite(i * 4096, data, i % 2 == 0 ? NbdClient.Fua : (ushort)0));
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            _ = client.CallRead(i * 4096, 4096);
        }

        Assert.Equal(0u, client.Call(NbdClient.WriteZeroes, 0, 4096));
        Assert.Equal(0u, client.Call(NbdClient.Trim, 0, 4096));
    }

    // What a busy machine has put off may still come: of some periods one has to be idle. What has a beat is never idle.
    private Dictionary<string, int> WatchUntilIdle(ServiceProcess service, TemporaryDirectory directory)
    {
        const int Periods = 3;
        for (int period = 1; ; period++)
        {
            Dictionary<string, int> calls = Watch(service, directory);
            output.WriteLine(string.Join(", ", calls.Select(pair => $"{pair.Key}: {pair.Value}")));
            if (period == Periods || calls.Where(IsOwn).All(pair => pair.Value == 0))
                return calls;
        }
    }

    // System calls by the name of the thread, over some seconds, of the threads that there are at its start.
    private static Dictionary<string, int> Watch(ServiceProcess service, TemporaryDirectory directory)
    {
        string process = service.Process.Id.ToString(CultureInfo.InvariantCulture);
        string file = directory.File("strace");
        string[] threads = Directory.GetDirectories($"/proc/{process}/task");
        ToolResult strace = Tool.Run("timeout", "--signal=INT", WatchSeconds, "strace", "-f", "-q", "-p", process, "-o", file);
        Requires.That(!strace.Error.Contains("not permitted", StringComparison.Ordinal), $"tracing is not permitted here: {strace.Error}");
        Assert.True(strace.Status == 124, strace.ToString());

        // The first line of a thread is the call that it was in.
        Dictionary<string, int> lines = File.ReadLines(file).CountBy(line => line.Split(' ')[0]).ToDictionary();
        Dictionary<string, int> calls = [];
        foreach (string thread in threads.Where(Directory.Exists))
        {
            string name = File.ReadAllText(Path.Combine(thread, "comm")).Trim();
            Assert.True(lines.TryGetValue(Path.GetFileName(thread), out int count) || !name.StartsWith("volume-", StringComparison.Ordinal), $"{name} was not watched");
            calls[name] = calls.GetValueOrDefault(name) + Math.Max(0, count - 1);
        }

        return calls;
    }
}
