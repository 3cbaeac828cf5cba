using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>What the disk was asked, by its own log, at the moment that a reply arrives.</summary>
public sealed class ReplyAfterDiskTests
{
    private const int DiskMib = 16;
    private const int BlockBytes = 4096;

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void A_forced_write_right_after_a_clean_flush_is_on_the_disk_before_its_reply(string io, string cache)
    {
        using TemporaryDirectory directory = new();
        using VolatileDisk disk = PowerOn(directory);
        using ServiceProcess service = Start(directory, disk, io, cache);
        using NbdClient client = NbdClient.Open(service, "d1");

        // Often enough that both of the ways to carry it out are tried.
        for (uint i = 0; i < 100; i++)
        {
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            long position = disk.Log.Position;

            Assert.Equal(0u, client.CallWrite(i * BlockBytes, Block(i), NbdClient.Fua));
            List<DiskEvent> events = disk.Log.Since(position);

            long offset = OffsetOf(i);
            int begin = events.FindIndex(e =>
                e.Kind == DiskEventKind.WriteBegins && e.Offset == offset && e.Count == BlockBytes);
            Assert.True(begin >= 0, $"write {i} has not reached the disk");
            int end = events.FindIndex(e => e.Kind == DiskEventKind.WriteEnds && e.Request == events[begin].Request);
            Assert.True(end > begin, $"write {i} has not ended on the disk");
            Assert.True(DiskLog.HasFlushAfter(events, end), $"write {i} was answered without a flush");
        }

        disk.CutPower();
        using FileStream raw = File.OpenRead(disk.RawPath);
        byte[] found = new byte[BlockBytes];
        for (uint i = 0; i < 100; i++)
        {
            raw.Position = OffsetOf(i);
            raw.ReadExactly(found);
            Assert.Equal(Block(i), found);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void The_first_flush_after_a_restart_reaches_the_disk(string io, string cache)
    {
        using TemporaryDirectory directory = new();
        using VolatileDisk disk = PowerOn(directory);
        using (ServiceProcess service = Start(directory, disk, io, cache))
        using (NbdClient client = NbdClient.Open(service, "d1"))
        {
            Assert.Equal(0u, client.CallWrite(0, Block(1)));

            // The service dies with the write acknowledged and not flushed. The disk and the kernel live on.
            service.Process.Kill();
        }

        long start = disk.Log.Position;
        using (ServiceProcess service = Start(directory, disk, io, cache))
        using (NbdClient client = NbdClient.Open(service, "d1"))
        {
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            bool flushed = DiskLog.HasFlushAfter(disk.Log.Since(start), -1);
            Assert.True(flushed, "the first flush was answered without one of the disk");

            // The second has nothing to flush, and the disk is left alone (F4).
            long position = disk.Log.Position;
            Assert.Equal(0u, client.Call(NbdClient.Flush));
            Assert.DoesNotContain(disk.Log.Since(position), e => e.Kind == DiskEventKind.FlushBegins);
        }

        disk.CutPower();
        using FileStream raw = File.OpenRead(disk.RawPath);
        raw.Position = OffsetOf(0);
        byte[] found = new byte[BlockBytes];
        raw.ReadExactly(found);
        Assert.Equal(Block(1), found);
    }

    // Where on the platter a block of d1 is.
    private static long OffsetOf(uint block) => Config.OffsetOf(1, block * BlockBytes, diskMib: DiskMib);

    private static VolatileDisk PowerOn(TemporaryDirectory directory)
    {
        VolatileDisk disk = new(directory, Config.VolumeBytes(2, DiskMib));
        try
        {
            disk.PowerOn();
            return disk;
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    private static ServiceProcess Start(TemporaryDirectory directory, VolatileDisk disk, string io, string cache)
    {
        Requires.Io(io);
        return ServiceProcess.Start(directory, Config.OneVolume(directory, $"cache = {cache}, io = {io}", diskMib: DiskMib, path: disk.VolumePath));
    }

    private static byte[] Block(uint number)
    {
        byte[] data = new byte[BlockBytes];
        new Random((int)number + 1).NextBytes(data);
        return data;
    }
}
