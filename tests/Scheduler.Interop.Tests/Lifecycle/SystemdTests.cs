using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Lifecycle;

/// <summary>The service under systemd: what it tells, and that its unit lets it work.</summary>
public sealed class SystemdTests(ITestOutputHelper output)
{
    private const string Alive = "WATCHDOG=1";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [SkippableFact]
    public void It_is_told_of_start_reload_and_stop()
    {
        using TemporaryDirectory directory = new();
        using NotifySocket manager = new(directory.File("notify"));
        string config = Config.OneVolume(directory, "cache = buffered");
        using ServiceProcess service = ServiceProcess.Start(directory, config, manager.Variable);
        manager.WaitFor("READY=1", 1);
        Assert.Equal(["READY=1", "STATUS=Serves disks: 2, volumes: 1"], manager.Lines);

        // The log says nothing of connections from here on, and that the depth takes a restart.
        using NbdClient first = NbdClient.Open(service, "d0");
        service.Process.WaitUntil(() => service.Process.Log.Contains("disk d0: opened", StringComparison.Ordinal), s_patience, "the disk that was opened was not named");
        ServiceProcess.WriteConfig(directory.File("scheduler.conf"), config + "log.levels.nbd = error, volumes.vol0.depth = 7\n");
        service.Process.Hangup();
        manager.WaitFor("READY=1", 2);
        using NbdClient second = NbdClient.Open(service, "d1");
        Assert.Equal(0u, second.CallWrite(0, new byte[4096]));
        Assert.Equal(0u, first.CallWrite(0, new byte[4096]));
        service.Process.WaitUntil(
            () => Regex.IsMatch(service.Process.Log, @"scheduler\.volumes\.vol0\.depth \(\S+scheduler\.conf:\d+\) takes a restart"), s_patience, "the depth was not named");

        // A file with a mistake changes nothing and ends nothing.
        ServiceProcess.WriteConfig(directory.File("scheduler.conf"), config + "log.level = loud\n");
        service.Process.Hangup();
        manager.WaitFor("READY=1", 3);
        service.Process.WaitUntil(() => service.Process.Log.Contains("nothing was changed: "), s_patience, "the mistake was not named");

        service.Stop();
        manager.WaitFor("STOPPING=1", 1);
        string told = string.Join('\n', manager.Lines);
        Assert.Equal(2, Regex.Count(told, @"^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=.+\nREADY=1$", RegexOptions.Multiline));
        Assert.True(told.LastIndexOf("READY=1", StringComparison.Ordinal) < told.IndexOf("STOPPING=1", StringComparison.Ordinal), told);
        Assert.Equal(0, manager.Count(Alive));
        Assert.DoesNotContain("disk d1: opened", service.Process.Log);
    }

    [SkippableFact]
    public void A_volume_whose_loop_hangs_does_not_feed_the_watchdog()
    {
        const int Quiet = 6;
        TimeSpan beat = TimeSpan.FromMilliseconds(250);
        Requires.Tool("strace");
        using TemporaryDirectory directory = new();
        using NotifySocket manager = new(directory.File("notify"));
        using ServiceProcess service = ServiceProcess.Start(
            directory, Config.OneVolume(directory, "cache = buffered"), manager.Variable, $"WATCHDOG_USEC={2 * (long)beat.TotalMicroseconds}");
        manager.WaitFor(Alive, 3);

        // The thread of the loop is held at the door of each wait, for longer than the test looks.
        string thread = ThreadOf(service, "volume-vol0");
        using (ChildProcess strace = new("strace", ["-p", thread, "-e", "trace=epoll_pwait2", "-e", "inject=epoll_pwait2:delay_enter=60000000"], directory.Path))
        {
            strace.WaitUntil(() => strace.HasExited || strace.Log.Contains("attached", StringComparison.Ordinal), s_patience, "no strace");
            Requires.That(!strace.Log.Contains("not permitted", StringComparison.Ordinal), $"tracing is not permitted here: {strace.Log}");
            Thread.Sleep(4 * beat);
            int before = manager.Count(Alive);
            Thread.Sleep(Quiet * beat);
            Assert.False(strace.HasExited, strace.Log);
            Assert.Equal(before, manager.Count(Alive));
        }

        // Let go, it turns again.
        manager.WaitFor(Alive, manager.Count(Alive) + 2);
        service.AssertNothingBroke();
        service.Stop();
    }

    [SkippableTheory]
    [MemberData(nameof(Matrix.Ios), MemberType = typeof(Matrix))]
    public void The_units_filter_allows_the_system_calls_that_it_makes(string io)
    {
        Matrix.OnlySlice("a new file's space is allocated too");
        Requires.Tool("strace", "systemd-analyze");
        Requires.Io(io);
        HashSet<string> allowed = AllowedByUnit();
        Assert.Contains("io_uring_enter", allowed);
        Assert.DoesNotContain("reboot", allowed);
        Assert.DoesNotContain("keyctl", allowed);

        using TemporaryDirectory directory = new();
        string config = directory.File("scheduler.conf");
        ServiceProcess.WriteConfig(config, Config.OneVolume(directory, $"cache = direct, io = {io}, preallocate = true"));
        string trace = directory.File("trace");
        using ChildProcess traced = new("strace", ["-f", "-q", "-o", trace, .. ServiceProcess.DefaultSignals, SchedulerProgram.Path, "serve", "--config", config], directory.Path);
        traced.WaitUntil(() => traced.HasExited || traced.Log.Contains("Ready.", StringComparison.Ordinal), TimeSpan.FromSeconds(60), "no \"Ready.\"");
        Requires.That(!traced.Log.Contains("not permitted", StringComparison.Ordinal), $"tracing is not permitted here: {traced.Log}");
        string nbd = Regex.Match(traced.Log, @"nbdinfo (nbd://\S+)").Groups[1].Value;
        string admin = Regex.Match(traced.Log, @"curl (http://\S+)").Groups[1].Value;
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", "write -f 0 64k", "-c", "read 0 64k", "-c", "discard 0 64k", "-c", "write -z 0 64k", "-c", "flush", nbd).Succeeded();
        using (HttpClient http = new())
            Assert.NotEmpty(http.GetStringAsync(admin).Result);

        // strace ends with what it runs.
        string service = File.ReadLines(trace).First().Split(' ')[0];
        _ = Tool.Run("kill", "-HUP", service).Succeeded();
        traced.WaitUntil(() => traced.Log.Contains("nothing has changed", StringComparison.Ordinal), s_patience, "it was not read anew");
        _ = Tool.Run("kill", "-TERM", service).Succeeded();
        Assert.Equal(0, traced.WaitForExit(TimeSpan.FromSeconds(60)));

        HashSet<string> made = [.. File.ReadLines(trace).Select(line => Regex.Match(line, @"^\d+ +([a-z0-9_]+)\(")).Where(match => match.Success).Select(match => match.Groups[1].Value)];
        output.WriteLine($"{made.Count} system calls: {string.Join(' ', made.Order(StringComparer.Ordinal))}");
        Assert.Contains(io == "threads" ? "pwritev2" : "io_uring_enter", made);
        Assert.Empty(made.Except(allowed));
    }

    [SkippableFact]
    public void The_unit_is_one_that_systemd_takes()
    {
        Requires.Tool("systemd-analyze");
        using TemporaryDirectory directory = new();
        string unit = directory.File("scheduler.service");
        File.WriteAllText(unit, File.ReadAllText(Shipped("scheduler.service")).Replace("/opt/scheduler/scheduler", SchedulerProgram.Path, StringComparison.Ordinal));
        string dropIn = directory.File("scheduler.service.d");
        _ = Directory.CreateDirectory(dropIn);
        File.Copy(Shipped("scheduler.service.d/block-devices.conf"), Path.Combine(dropIn, "block-devices.conf"));
        ToolResult verified = Tool.Run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit).Succeeded();
        Assert.Equal("", verified.Error + verified.Output);

        ToolResult check = Tool.Run(SchedulerProgram.Path, "config", "check", "--config", Shipped("scheduler.conf")).Succeeded();
        Assert.Contains("unix:/run/scheduler/nbd.sock", check.Output);
    }

    private static string Shipped(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../hosting/systemd", name));

    // The lines of the unit, each a list of groups and calls; one that begins with '~' takes away.
    private static HashSet<string> AllowedByUnit()
    {
        HashSet<string> allowed = Calls("@default");
        foreach (string line in File.ReadLines(Shipped("scheduler.service")).Where(line => line.StartsWith("SystemCallFilter=", StringComparison.Ordinal)))
        {
            string list = line["SystemCallFilter=".Length..];
            foreach (string name in list.TrimStart('~').Split(' '))
            {
                if (list[0] == '~')
                    allowed.ExceptWith(Calls(name));
                else
                    allowed.UnionWith(Calls(name));
            }
        }

        return allowed;
    }

    private static HashSet<string> Calls(string name)
    {
        if (name[0] != '@')
            return [name];
        HashSet<string> calls = [];
        foreach (string line in Tool.Run("systemd-analyze", "syscall-filter", name).Succeeded().Output.Split('\n').Skip(1).Select(line => line.Trim()))
        {
            if (line.Length > 0 && line[0] != '#')
                calls.UnionWith(Calls(line));
        }

        return calls;
    }

    private static string ThreadOf(ServiceProcess service, string name) => Path.GetFileName(
        Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{service.Process.Id}/task"))
            .Single(thread => File.ReadAllText(Path.Combine(thread, "comm")).Trim() == name));
}
