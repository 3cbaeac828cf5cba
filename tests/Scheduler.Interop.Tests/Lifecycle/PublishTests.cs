using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Lifecycle;

/// <summary>What <c>dotnet publish</c> gives, away from the repository.</summary>
public sealed partial class PublishTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    [SkippableFact]
    public void What_is_published_runs_in_a_bare_directory()
    {
        Skip.If(SchedulerProgram.Path.Length > 0 && SchedulerProgram.IsAnother, "another program is tested");
        Assert.True(File.Exists(SchedulerProgram.Path), SchedulerProgram.Path);
        using TemporaryDirectory published = new();

        // What is built is published, for these tests run while nothing may be built.
        _ = Tool.Run(TimeSpan.FromMinutes(5), "dotnet", "publish", Project(), "-c", Configuration, "--no-build", "-o", published.Path, "--nologo", "-m:1", "-nodeReuse:false").Succeeded();
        string program = published.File("scheduler");
        Assert.True(File.Exists(published.File("hocon/single.conf")));
        Assert.True(File.Exists(published.File("hocon/experiments/flush-storm.conf")));
        Assert.False(File.Exists(published.File("web.config")));

        // As a newcomer: an empty directory, no configuration.
        using (TemporaryDirectory empty = new())
        using (ServiceProcess service = ServiceProcess.StartUnconfigured(empty, program))
        {
            using NbdClient client = NbdClient.Open(service, "d3");
            Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));

            // The runtime's own pipes go where temporary files go, which for a test is here.
            Assert.Equal(["data"], Directory.GetFileSystemEntries(empty.Path).Select(entry => Path.GetFileName(entry)).Where(name => !RuntimePipe().IsMatch(name)));
            Assert.Equal(4L << 30, new FileInfo(empty.File("data/vol0.img")).Length);
            service.Stop();
        }

        // As a service: the configuration is elsewhere, relative paths start where it is started.
        using (TemporaryDirectory etc = new())
        using (TemporaryDirectory state = new())
        {
            string config = etc.File("scheduler.conf");
            ServiceProcess.WriteConfig(config, Config.OneVolume(state, "cache = buffered"));
            using ServiceProcess service = ServiceProcess.StartProgram(state, program, config);
            using NbdClient client = NbdClient.Open(service, "d0");
            Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
            Assert.True(File.Exists(state.File("data/vol0.img")));
            service.Stop();
            Assert.Equal(["scheduler.conf"], Directory.GetFileSystemEntries(etc.Path).Select(Path.GetFileName));
        }

        // The experiments come with it.
        ToolResult experiments = Tool.Run(program, "experiment", "list").Succeeded();
        Assert.Contains("flush-storm", experiments.Output);
    }

    [GeneratedRegex("^(dotnet-diagnostic|clr-debug-pipe)-")]
    private static partial Regex RuntimePipe();

    private static string Project([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../hosting/Scheduler.Host/Scheduler.Host.csproj"));
}
