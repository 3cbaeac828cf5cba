using System.Net;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>
/// Writes that the kernel has taken into its page cache and can't bring to the device: a block device over a sparse file,
/// on a file system that is full. The kernel says so once, at the next sync, and forgets them; the sync after that succeeds.
/// </summary>
public sealed class LostWritesTests
{
    private const int PieceBytes = 1 << 20;
    private const int Pieces = 12;

    [SkippableTheory]
    [MemberData(nameof(Matrix.Ios), MemberType = typeof(Matrix))]
    public void Lost_writes_fence_the_domain_until_an_operator_clears_it(string io)
    {
        Matrix.OnlyCache("buffered", "it is the page cache that loses them");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using SmallFileSystem place = new(directory, 8);
        using LoopDevice loop = new(MakeDisk(place));
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, loop.Path, io, "cache = buffered"));
        using Bystander bystander = new(service);
        using NbdClient victim = NbdClient.Open(service, "d0");
        using NbdClient neighbour = NbdClient.Open(service, "d1");

        // Both disks are clean; then the one writes more than there is room for.
        Assert.Equal(0u, neighbour.CallWrite(0, Piece(1)));
        Assert.Equal(0u, neighbour.Call(NbdClient.Flush));
        Assert.Equal(0u, victim.Call(NbdClient.Flush));
        WriteAll(victim);
        Assert.NotEqual(0u, victim.Call(NbdClient.Flush));
        Fenced.Assert(service, victim);
        Fenced.Assert(service, neighbour);
        Assert.Single(Directory.GetFiles(directory.File("data"), "*.fault"));
        AssertListed(service);

        // Cleared with its cause still there, it is fenced again. Who had lost nothing stays connected.
        Clear(service);
        Assert.True(victim.IsClosedWithin(TimeSpan.FromSeconds(10)), "the guest whose writes were lost goes on");
        Assert.Equal(Piece(1), neighbour.CallRead(0, PieceBytes));
        using (NbdClient again = NbdClient.Open(service, "d0"))
        {
            WriteAll(again);
            Assert.NotEqual(0u, again.Call(NbdClient.Flush));
            Fenced.Assert(service, again);
        }

        // With its cause mended it lasts.
        place.Grow(64);
        Clear(service);
        Assert.Empty(Directory.GetFiles(directory.File("data"), "*.fault"));
        Fenced.AssertNot(service);
        using (NbdClient again = NbdClient.Open(service, "d0"))
        using (NbdClient other = NbdClient.Open(service, "d1"))
        {
            WriteAll(again);
            Assert.Equal(0u, again.Call(NbdClient.Flush));
            Assert.Equal(0u, again.CallWrite(0, Piece(7), NbdClient.Fua));
            Assert.Equal(Piece(7), again.CallRead(0, PieceBytes));
            Assert.Equal(0u, other.CallWrite(0, Piece(8)));
            Assert.Equal(0u, other.Call(NbdClient.Flush));
        }

        bystander.StopWell(lateMs: 5000);
        Fenced.AssertNot(service);
        service.Stop();
    }

    [SkippableTheory]
    [MemberData(nameof(Matrix.Ios), MemberType = typeof(Matrix))]
    public void Past_the_page_cache_nothing_is_lost_and_nothing_fenced(string io)
    {
        Matrix.OnlyCache("direct", "it is about what passes the page cache by");
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using SmallFileSystem place = new(directory, 8);
        using LoopDevice loop = new(MakeDisk(place));
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, loop.Path, io, "cache = direct"));
        using NbdClient client = NbdClient.Open(service, "d0");
        uint[] errors = [.. Enumerable.Range(0, Pieces).Select(i => client.CallWrite((ulong)i * PieceBytes, Piece(i)))];

        // What the device says is what the guest hears.
        Assert.Equal(0u, errors[0]);
        Assert.Contains(errors[^1], (uint[])[NbdClient.ENOSPC, NbdClient.EIO]);
        Assert.Equal(Piece(0), client.CallRead(0, PieceBytes));
        Assert.Equal(0u, client.Call(NbdClient.Flush));
        Fenced.AssertNot(service);
        service.Stop();
    }

    private static string MakeDisk(SmallFileSystem place)
    {
        string file = Path.Combine(place.Path, "disk.img");
        using FileStream sparse = File.Create(file);
        sparse.SetLength(TwoVolumes.BadBytes);
        return file;
    }

    private static void WriteAll(NbdClient client)
    {
        for (int i = 0; i < Pieces; i++)
            Assert.Equal(0u, client.CallWrite((ulong)i * PieceBytes, Piece(i)));
    }

    private static void AssertListed(ServiceProcess service)
    {
        string list = service.Ask("fault", "list").Succeeded().Output;
        Assert.Matches(@"\bbad +0 +\d+ ", list);
        Assert.DoesNotContain("good", list);
        Assert.Equal(1, service.Ask("fault", "clear", "good").Status);
    }

    private static void Clear(ServiceProcess service)
    {
        string before = service.Process.Log;
        service.Ask("fault", "clear", "bad").Succeeded();
        Assert.Equal("no faults", service.Ask("fault", "list").Succeeded().Output);
        Assert.Equal(HttpStatusCode.OK, service.Get("/readyz").Status);
        service.Process.WaitUntil(
            () => service.Process.Log[before.Length..].Contains("the fault of domain 0", StringComparison.Ordinal), Tool.OrdinaryLimit, "no word of it in the log");
        Assert.Matches(@"\d{4}-\d\d-\d\dT\S+Z .*Volume bad: the fault of domain 0 \(errno \d+, since \S+\) was cleared by local", service.Process.Log[before.Length..]);
    }

    private static byte[] Piece(int number)
    {
        byte[] data = new byte[PieceBytes];
        Array.Fill(data, (byte)(number + 1));
        return data;
    }
}
