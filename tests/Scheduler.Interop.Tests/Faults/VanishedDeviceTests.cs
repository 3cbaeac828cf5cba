using Scheduler.Interop.Tests.Durability;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>A device that goes away while it is in use.</summary>
public sealed class VanishedDeviceTests
{
    private const int Rounds = 8;
    private const double LateMs = 5000;

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void What_its_guests_ask_fails_once_each_and_the_other_volume_goes_on(string io, string cache)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using VolatileDisk disk = new(directory, TwoVolumes.BadBytes);
        disk.PowerOn();
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, disk.VolumePath, io, $"cache = {cache}"));
        using Bystander bystander = new(service);
        using NbdClient client = NbdClient.Open(service, "d0");
        Assert.Equal(0u, client.Call(NbdClient.Flush));

        // Without it a flush would have nothing to do, and be right to succeed.
        Assert.Equal(0u, client.CallWrite(0, new byte[4096]));

        disk.CutPower();
        Burst burst = Burst.Send(client, Rounds, 1 << 20);
        burst.TakeAnswers();

        // Nothing of that was read or written, and trims of what is not there may be left out.
        ushort[] must = [NbdClient.Write, NbdClient.Read, NbdClient.Flush];
        foreach (ushort command in must)
            Assert.All(burst.Errors[command], error => Assert.Equal(NbdClient.EIO, error));
        Fenced.Assert(service, client);
        Assert.True(File.Exists(disk.VolumePath + ".fault"), "the fault is not recorded");
        bystander.StopWell(LateMs);
        service.StopFenced();
    }

    // The file behind a block device shrinks to nothing. What is written makes it grow again; what was there is gone.
    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Reads_beyond_what_is_left_of_a_block_device_fail_and_fence_nothing(string io, string cache)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        string file = directory.File("disk.img");
        using (FileStream whole = File.Create(file))
            whole.SetLength(TwoVolumes.BadBytes);
        using LoopDevice loop = new(file);
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, loop.Path, io, $"cache = {cache}"));
        AssertReadsFailWhenCut(service, file);
    }

    [SkippableTheory]
    [MemberData(nameof(Matrix.IoAndCache), MemberType = typeof(Matrix))]
    public void Reads_beyond_what_is_left_of_a_file_fail_and_fence_nothing(string io, string cache)
    {
        Requires.Io(io);
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, TwoVolumes.Config(directory, "data/bad.img", io, $"cache = {cache}"));
        AssertReadsFailWhenCut(service, directory.File("data/bad.img"));
    }

    private static void AssertReadsFailWhenCut(ServiceProcess service, string file)
    {
        using Bystander bystander = new(service);
        using NbdClient client = NbdClient.Open(service, "d0");
        byte[] data = new byte[4096];
        Array.Fill(data, (byte)0x5c);
        Assert.Equal(0u, client.CallWrite(0, data));
        Assert.Equal(0u, client.Call(NbdClient.Flush));

        Cut(file);
        Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Read, 8 << 20, 4096));
        Assert.Equal(NbdClient.EIO, client.Call(NbdClient.Read, 4 << 20, 1 << 20));

        // It grows again.
        Assert.Equal(0u, client.CallWrite(0, data));
        Assert.Equal(0u, client.Call(NbdClient.Flush));
        Assert.Equal(data, client.CallRead(0, 4096));
        Fenced.AssertNot(service);
        bystander.StopWell(LateMs);
        service.Stop();
    }

    private static void Cut(string file)
    {
        using FileStream opened = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        opened.SetLength(0);
    }
}
