using Scheduler.Core;
using Scheduler.Host.CommandLine;
using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.CommandLine;

public sealed class CalibrateCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("calibrate");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task The_profile_of_a_file_loads_in_a_volume_and_in_an_experiment()
    {
        string disk = At("disk.img");
        string profile = At("disk.conf");
        int exit = await RunAsync("calibrate", disk, "--size", "2MiB", "--seconds", "0.2", "--depth", "4", "--cache", "buffered", "--output", profile);
        Assert.True(exit == 0, _error.ToString());
        Assert.False(File.Exists(disk), "the file that it made is still there");
        Assert.Contains("durable write", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("filling 2 MiB", _error.ToString(), StringComparison.Ordinal);

        File.WriteAllText(At("service.conf"), """
            scheduler {
              volumes.v { device = memory, size = 1MiB, cost { include required("disk.conf") } }
              guests.g {}
              disks.d { volume = v, guest = g, size = 1MiB }
            }
            """);
        CostModel costs = SettingsLoader.Load(At("service.conf"), []).Volumes[0].Cost;
        Assert.False(costs.Learn);
        File.WriteAllText(At("experiment.conf"), """
            device { include required("disk.conf") }
            groups.g.workload.kind = random-read
            """);
        ExperimentDevice device = ExperimentLoader.Load(At("experiment.conf")).Device;
        Assert.Equal(
            (costs.Parallel, costs.ReadNs, costs.ReadByteNs, costs.WriteNs, costs.WriteByteNs),
            ((double)device.Channels, device.ReadNs, device.ByteNs, device.WriteNs, device.WriteByteNs!.Value));
        Assert.Equal(
            (costs.FlushNs, costs.FlushByteNs, costs.DiscardNs, costs.DiscardByteNs, costs.DurableWriteNs),
            (device.FlushNs, device.FlushByteNs, device.DiscardNs, device.DiscardByteNs, Math.Max(0, device.DurableWriteNs)));
    }

    [Fact]
    public async Task Data_is_not_overwritten_unasked()
    {
        string disk = At("disk.img");
        byte[] content = new byte[2 << 20];
        content[4097] = 1;
        File.WriteAllBytes(disk, content);
        Assert.Equal(0, await RunAsync("calibrate", disk, "--seconds", "0.1", "--depth", "2", "--cache", "buffered"));
        Assert.Equal(content, File.ReadAllBytes(disk));
        Assert.Contains(
            $"{disk}: only reads were measured: it holds data, at byte 4097; to measure the rest, name an empty file or give --overwrite, which loses what is there.",
            _error.ToString(),
            StringComparison.Ordinal);
        Assert.Contains("# Only reads were measured.", _output.ToString(), StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync("calibrate", disk, "--seconds", "0.1", "--depth", "2", "--cache", "buffered", "--overwrite"));
        Assert.NotEqual(content, File.ReadAllBytes(disk));
        Assert.Contains("\nwrite = ", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_needs_a_size()
    {
        Assert.Equal(CalibrateCommand.ExitFailed, await RunAsync("calibrate", At("none.img")));
        Assert.Equal($"{At("none.img")}: it does not exist; give --size to have a file made, and removed again.\n", _error.ToString());
    }

    [Fact]
    public async Task What_it_has_not_made_it_does_not_remove()
    {
        // There is nothing behind the link, and the link is not its own.
        string link = At("link.img");
        File.CreateSymbolicLink(link, At("unplugged"));
        Assert.Equal(CalibrateCommand.ExitFailed, await RunAsync("calibrate", link, "--size", "2MiB", "--seconds", "0.1"));
        Assert.Equal(At("unplugged"), new FileInfo(link).LinkTarget);
        Assert.Contains(link, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_too_small_is_named()
    {
        string disk = At("disk.img");
        File.WriteAllBytes(disk, new byte[4096]);
        Assert.Equal(CalibrateCommand.ExitFailed, await RunAsync("calibrate", disk, "--cache", "buffered"));
        Assert.EndsWith($"{disk}: the device has 4096 bytes; it takes 1048576 to measure\n", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CalibrateCommand.ExitFailed, await RunAsync("calibrate", ""));
    }

    [Fact]
    public async Task A_directory_is_refused()
    {
        Assert.Equal(CalibrateCommand.ExitFailed, await RunAsync("calibrate", _directory.FullName));
        Assert.Equal($"{_directory.FullName}: it is neither a file nor a block device; name one of these.\n", _error.ToString());
    }

    [Theory]
    [InlineData("--seconds", "0", "--seconds: '0' is not a number from 0.1 to 3600")]
    [InlineData("--depth", "0", "--depth: '0' is not a whole number from 1 to 1024")]
    [InlineData("--size", "1000", "--size: '1000' is not a multiple of 4096 from 1MiB on")]
    public async Task A_bad_option_is_one_line(string option, string value, string problem)
    {
        Assert.Equal(SchedulerCommandLine.ExitUsage, await RunAsync("calibrate", "x", option, value));
        Assert.Equal($"{problem} See scheduler --help.\n", _error.ToString());
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private Task<int> RunAsync(params string[] args) =>
        SchedulerCommandLine.RunAsync(args, _output, _error, (_, _) => Task.FromResult(0), CancellationToken.None);
}
