using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>A group that LVM2's tools change while it is served, and SIGHUP.</summary>
public sealed partial class ChangedGroupTests
{
    private const int Mib = 1 << 20;

    private static readonly byte[] s_data = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 11))];

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_grows_or_comes_is_seen_by_new_connections_while_others_go_on(bool blockDevices)
    {
        Requires.Tool("fio", "nbdinfo");
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("grows", "--size", "16M", "--stripes", "2", "--stripesize", "64k", "vg");
        group.CreateVolume("busy", "--size", "32M", "vg");
        IReadOnlyList<string> physical = blockDevices ? group.Devices : group.Images;
        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(physical, "", "busy", "grows", "later"));
        Assert.Contains("disk later: group vg has no logical volume later", service.Process.Log, StringComparison.Ordinal);

        // Another guest's data is written and verified all the while.
        Task<Dictionary<string, FioJob>> busy = Task.Run(() => Fio.Run(
            directory, "rw=randwrite\nsize=24m\nloops=8\niodepth=8\nfsync=16\nverify=crc32c\nverify_fatal=1", TimeSpan.FromSeconds(120), [("busy", service.Uri("busy"), "")]));
        using NbdClient before = NbdClient.Open(service, "grows");
        Assert.Equal(0u, before.CallWrite(15 * Mib, s_data));

        group.Run("lvextend", "--size", "24M", "vg/grows");
        group.CreateVolume("later", "--size", "4M", "vg");
        Assert.Equal(16 * Mib, SizeOf(service, "grows"));
        Rescan(service, 1);

        Assert.Equal(24 * Mib, SizeOf(service, "grows"));
        Assert.Equal(4 * Mib, SizeOf(service, "later"));
        Assert.Equal(32 * Mib, SizeOf(service, "busy"));
        Assert.Equal(0u, before.CallWrite(14 * Mib, s_data));
        Assert.Equal(NbdClient.ENOSPC, before.CallWrite(16 * Mib, s_data));
        using (NbdClient after = NbdClient.Open(service, "grows"))
        using (NbdClient later = NbdClient.Open(service, "later"))
        {
            Assert.Equal(s_data, after.CallRead(14 * Mib, 4096));
            Assert.Equal(0u, after.CallWrite((24 * Mib) - 4096, s_data, NbdClient.Fua));
            Assert.Equal(0u, later.CallWrite(0, s_data, NbdClient.Fua));
            Assert.Equal(NbdClient.ENOSPC, later.Call(NbdClient.WriteZeroes, 4 * Mib, 4096));
            Assert.Equal(0u, after.Call(NbdClient.Flush));
        }

        Rescan(service, 2);
        Assert.True(busy.Result["busy"].ReadBytes >= 8 * 24 * Mib, $"verified only {busy.Result["busy"].ReadBytes} bytes");
        service.AssertNothingBroke();
        service.Stop();

        // And it is where LVM2 says.
        new BackupMap(group.Backup()).Copy("grows", physical, directory.File("copy"));
        byte[] copy = File.ReadAllBytes(directory.File("copy"));
        Assert.Equal(24 * Mib, copy.Length);
        Assert.All([14 * Mib, 15 * Mib, (24 * Mib) - 4096], at => Assert.Equal(s_data, copy[at..(at + 4096)]));
    }

    [SkippableFact]
    public void A_change_of_what_is_served_is_refused_and_it_goes_on_as_it_was()
    {
        using TemporaryDirectory directory = new();
        using LvmGroup group = new(directory);
        group.CreateVolume("stays", "--size", "8M", "vg");
        group.CreateVolume("goes", "--size", "8M", "vg");
        using ServiceProcess service = ServiceProcess.Start(directory, LvmGroup.Config(group.Images, "", "stays", "goes"));
        using NbdClient client = NbdClient.Open(service, "goes");
        Assert.Equal(0u, client.CallWrite(8 * Mib - 4096, s_data));

        group.Run("lvreduce", "--force", "--size", "4M", "vg/goes");
        Refuse(service, "disk goes would shrink from 8388608 to 4194304 bytes");
        group.Run("lvremove", "vg/goes");
        Refuse(service, "logical volume goes of disk goes is gone");
        group.CreateVolume("goes", "--size", "8M", "vg");
        Refuse(service, "logical volume goes of disk goes is another one now");
        group.Run("vgexport", "vg");
        Refuse(service, "group vg is exported");

        Assert.Equal(s_data, client.CallRead(8 * Mib - 4096, 4096));
        Assert.Equal(0u, client.Call(NbdClient.Flush));
        using NbdClient stays = NbdClient.Open(service, "stays");
        Assert.Equal(0u, stays.CallWrite(0, s_data));
        service.AssertNothingBroke();
    }

    private static void Rescan(ServiceProcess service, int time)
    {
        service.Process.Hangup();
        service.Process.WaitUntil(() => Read().Count(service.Process.Log) >= time, TimeSpan.FromSeconds(30), "the group was not read anew");
    }

    private static void Refuse(ServiceProcess service, string reason)
    {
        service.Process.Hangup();
        service.Process.WaitUntil(
            () => service.Process.Log.Contains($"was read anew, and goes on as it was: ", StringComparison.Ordinal)
                && service.Process.Log.Contains(reason, StringComparison.Ordinal),
            TimeSpan.FromSeconds(30),
            reason);
    }

    private static long SizeOf(ServiceProcess service, string disk) =>
        long.Parse(Tool.Run("nbdinfo", "--size", service.Uri(disk)).Succeeded().Output, CultureInfo.InvariantCulture);

    [GeneratedRegex("Volume vg was read anew: ")]
    private static partial Regex Read();
}
