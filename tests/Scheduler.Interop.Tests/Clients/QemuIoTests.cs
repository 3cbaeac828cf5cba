using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Clients;

public sealed class QemuIoTests
{
    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Qemu_io_writes_flushes_discards_and_zeroes(string io, string cache)
    {
        Requires.Tool("qemu-io");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, $"cache = {cache}, io = {io}"));

        Run(service, "d1", "write -f -P 0x5a 0 256k", "flush", "read -P 0x5a 0 256k");
        Run(service, "d1", "write -z 64k 64k", "read -P 0x5a 0 64k", "read -P 0 64k 64k", "read -P 0x5a 128k 128k");
        Run(service, "d1", "write -z -u -f 128k 64k", "read -P 0 128k 64k");
        Run(service, "d1", "discard 192k 64k", "flush", "read -P 0x5a 0 64k");

        // A pattern that isn't there is noticed.
        ToolResult wrong = Tool.Run("qemu-io", "-f", "raw", "-c", "read -P 0x77 0 64k", service.Uri("d1"));
        Assert.Contains("Pattern verification failed", wrong.Output);

        // All that is also on the volume, where the second disk begins.
        using FileStream volume = File.OpenRead(directory.File("data/vol0.img"));
        byte[] start = new byte[128 << 10];
        volume.Position = Config.OffsetOf(1);
        volume.ReadExactly(start);
        Assert.All(start[..(64 << 10)], value => Assert.Equal(0x5a, value));
        Assert.All(start[(64 << 10)..], value => Assert.Equal(0, value));

        Metrics metrics = service.Metrics();
        Assert.True(metrics.Sum("scheduler_requests_total", "guest=\"g1\"", "op=\"zero\"") >= 2);
        Assert.True(metrics.Sum("scheduler_requests_total", "guest=\"g1\"", "op=\"discard\"") >= 1);
        Assert.True(metrics.Sum("scheduler_flush_requests_total", "guest=\"g1\"") >= 2);
        service.AssertNothingBroke();
    }

    private static void Run(ServiceProcess service, string disk, params string[] commands)
    {
        IEnumerable<string> options = commands.SelectMany(command => new[] { "-c", command });
        ToolResult result = Tool.Run("qemu-io", ["-f", "raw", .. options, service.Uri(disk)]).Succeeded();
        Assert.DoesNotContain("failed", result.Output + result.Error);
    }
}
