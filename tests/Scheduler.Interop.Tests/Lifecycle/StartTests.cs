using System.Diagnostics;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Lifecycle;

public sealed class StartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_firstAnswerTimeMax = TimeSpan.FromSeconds(5);

    [SkippableFact]
    public void A_newcomers_first_request_is_answered_within_five_seconds()
    {
        using TemporaryDirectory directory = new();
        Stopwatch time = Stopwatch.StartNew();
        using ServiceProcess service = ServiceProcess.StartUnconfigured(directory);
        using NbdClient client = NbdClient.Open(service, "d3");
        Assert.Equal(new byte[4096], client.CallRead((1UL << 30) - 4096, 4096));
        TimeSpan answered = time.Elapsed;

        output.WriteLine($"answered after {answered.TotalSeconds:F2} s");
        Assert.True(answered < s_firstAnswerTimeMax, $"{answered}");

        // What it serves without a configuration: a sparse volume of 4 GiB, and four disks.
        FileInfo volume = new(directory.File("data/vol0.img"));
        Assert.Equal(4L << 30, volume.Length);
        foreach (string disk in new[] { "d0", "d1", "d2", "d3" })
            Assert.Contains($" {disk} ", service.Process.Log);
    }

    [SkippableTheory]
    [InlineData("volumes.vol0.depth=none", "depth")]
    [InlineData("volumes.vol0.dept=3", "dept")]
    public void A_wrong_setting_is_one_line_and_exit_code_2(string setting, string key)
    {
        using TemporaryDirectory directory = new();
        using ChildProcess process = new(SchedulerProgram.Path, ["serve", "--set", setting], directory.Path);

        Assert.Equal(2, process.WaitForExit(TimeSpan.FromSeconds(20)));

        string line = Assert.Single(process.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(key, line);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [SkippableFact]
    public void A_second_service_on_the_same_volume_does_not_start()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        string config = directory.File("scheduler.conf");
        using ChildProcess second = new(
            SchedulerProgram.Path,
            ["serve", "--config", config, "--set", "nbd.listen=[\"unix:second.sock\"]"],
            directory.Path);

        Assert.Equal(1, second.WaitForExit(TimeSpan.FromSeconds(20)));

        Assert.Contains("in use", second.Log);
        using NbdClient client = NbdClient.Open(service, "d0");
        Assert.Equal(new byte[4096], client.CallRead(0, 4096));
    }
}
