using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Clients;

public sealed class FioVerifyTests
{
    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Eight_guests_read_back_what_they_wrote(string io, string cache)
    {
        Requires.Tool("fio");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, $"cache = {cache}, io = {io}", disks: 8));
        const string Global = """
            rw=randwrite
            bsrange=4k-64k
            size=64m
            io_size=12m
            iodepth=8
            verify=crc32c
            verify_fatal=1
            """;

        Dictionary<string, FioJob> jobs = Fio.Run(
            directory,
            Global,
            TimeSpan.FromSeconds(60),
            Enumerable.Range(0, 8).Select(i => ($"guest{i}", service.Uri($"d{i}"), i < 4 ? "fsync=1" : "")));

        Assert.All(jobs.Values, job => Assert.True(job.ReadBytes >= 12 << 20, $"verified only {job.ReadBytes} bytes"));
        Assert.True(service.Metrics().Sum("scheduler_flush_requests_total", "guest=\"g0\"") > 100);
        service.AssertNothingBroke();
    }
}
