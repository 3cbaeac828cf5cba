using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>A device that fails one kind of operation: who is told, what is fenced, and who does not notice (F6, S3).</summary>
public sealed class DeviceErrorTests
{
    private const int Rounds = 12;
    private const double LateMs = 5000;

    [SkippableTheory]
    [MemberData(nameof(Matrix.Corners), MemberType = typeof(Matrix))]
    public void Failed_reads_fail_alone(string io, string cache) => RunBurst("read", io, cache, (service, client, errors) =>
    {
        Assert.All(errors[NbdClient.Read], error => Assert.Equal(NbdClient.EIO, error));
        Assert.All(errors.Where(group => group.Key != NbdClient.Read).SelectMany(group => group), error => Assert.Equal(0u, error));
        Fenced.AssertNot(service);
        service.Stop();
    });

    [SkippableTheory]
    [MemberData(nameof(Matrix.Corners), MemberType = typeof(Matrix))]
    public void Failed_writes_fail_alone(string io, string cache) => RunBurst("write", io, cache, (service, client, errors) =>
    {
        ushort[] writes = [NbdClient.Write, NbdClient.WriteZeroes, NbdClient.Trim];
        Assert.All(writes.SelectMany(command => errors[command]), error => Assert.Equal(NbdClient.EIO, error));
        Assert.All(errors[NbdClient.Read], error => Assert.Equal(0u, error));
        Assert.All(errors[NbdClient.Flush], error => Assert.Equal(0u, error));
        Fenced.AssertNot(service);
        service.Stop();
    });

    [SkippableTheory]
    [MemberData(nameof(Matrix.Corners), MemberType = typeof(Matrix))]
    public void A_failed_flush_fences_its_domain_and_no_other(string io, string cache) => RunBurst("flush", io, cache, (service, client, errors) =>
    {
        // Nothing was ever flushed: no flush may have found its disk clean.
        Assert.All(errors[NbdClient.Flush], error => Assert.Equal(NbdClient.EIO, error));
        Assert.All(errors[NbdClient.Read], error => Assert.Equal(0u, error));
        Fenced.Assert(service, client);
        using NbdClient neighbour = NbdClient.Open(service, "d1");
        Fenced.Assert(service, neighbour);
        _ = neighbour.CallRead(0, 4096);
        service.StopFenced();
    });

    [SkippableTheory]
    [MemberData(nameof(Matrix.Corners), MemberType = typeof(Matrix))]
    public void A_failed_durable_write_fences_its_domain_and_no_other(string io, string cache) => RunBurst("dsync", io, cache, (service, client, errors) =>
    {
        // Some may have gone by flush, which works here; one that did not fails.
        uint last = 0;
        for (uint i = 0; i < 200 && last == 0; i++)
        {
            Assert.Contains(client.Call(NbdClient.Flush), (uint[])[0, NbdClient.EIO]);
            last = client.CallWrite(i * 4096, new byte[4096], NbdClient.Fua);
        }

        Assert.Equal(NbdClient.EIO, last);
        Assert.All(errors[NbdClient.Read], error => Assert.Equal(0u, error));
        Fenced.Assert(service, client);
        service.StopFenced();
    });

    private static void RunBurst(string error, string io, string cache, Action<ServiceProcess, NbdClient, ILookup<ushort, uint>> check)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        string keys = $"device = faulty, cache = {cache}, faulty {{ parallel = 8, error = {error} }}";
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, "data/bad.img", io, keys));
        using Bystander bystander = new(service);
        using NbdClient client = NbdClient.Open(service, "d0");

        // A write that is to be durable and fails is a failed sync too: nobody can tell how far it came.
        Burst burst = Burst.Send(client, Rounds, forced: error != "write");
        burst.TakeAnswers();

        bystander.StopWell(LateMs);
        check(service, client, burst.Errors);
    }
}
