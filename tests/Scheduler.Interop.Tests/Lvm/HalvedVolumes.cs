using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Lvm;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>
/// A volume group that LVM2's own tools make on one file or block device, for tests that do not care what their disks lie on. Its
/// logical volumes d0, d1, ... are in two halves each: first come all the first halves, then all the second ones. As there is one
/// physical volume there is one flush domain, as on a slice.
/// </summary>
internal sealed class HalvedVolumes : LvmCommands
{
    /// <summary>What the device needs beside its disks: metadata before the first extent, and what does not fill one.</summary>
    public const long OverheadBytes = 2 << 20;

    private const long FirstExtent = 1 << 20;
    private readonly TemporaryDirectory _directory;

    private HalvedVolumes(TemporaryDirectory directory) => _directory = directory;

    protected override string Home => _directory.File("lvm");

    /// <summary>Makes the group, unless there is one.</summary>
    /// <param name="directory">For the configuration of the tools.</param>
    /// <param name="path">The block device; or a file, which is made if it is not there.</param>
    /// <param name="disks">How many logical volumes.</param>
    /// <param name="diskMib">Size of each, in MiB; even.</param>
    public static void Make(TemporaryDirectory directory, string path, int disks, int diskMib)
    {
        Requires.Tool("lvm");
        Requires.That(Environment.IsPrivilegedProcess, "LVM2's tools need root");
        if (HasLabel(path))
            return;
        HalvedVolumes group = new(directory);
        if (path.StartsWith("/dev/", StringComparison.Ordinal))
        {
            group.MakeOn(path, disks, diskMib);
            return;
        }

        MakeFile(path, Config.VolumeBytes(disks, diskMib));
        using (LoopDevice loop = new(path))
            group.MakeOn(loop.Path, disks, diskMib);

        // The disk below may forget what was not flushed.
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Where on the device a byte of a logical volume is.</summary>
    public static long OffsetOf(int disk, long position, int disks, int diskMib)
    {
        long half = (long)diskMib << 19;
        return position < half
            ? FirstExtent + (disk * half) + position
            : FirstExtent + ((disks + disk) * half) + position - half;
    }

    protected override string RunEnv(string[] arguments) => Tool.Run("env", arguments).Succeeded().Output;

    private static bool HasLabel(string path)
    {
        if (!File.Exists(path))
            return false;
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] start = new byte[1024];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan(512).StartsWith("LABELONE"u8);
    }

    private static void MakeFile(string path, long bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (File.Exists(path))
            return;
        using FileStream file = File.Create(path);
        file.SetLength(bytes);
    }

    private void MakeOn(string device, int disks, int diskMib)
    {
        int half = diskMib / 2;
        See(device);
        Run("pvcreate", "--dataalignment", $"{FirstExtent}b", device);
        Group("--physicalextentsize", "1m", "vg", device);
        for (int i = 0; i < disks; i++)
            CreateVolume($"d{i}", "--extents", $"{half}", "vg", Extents(i));
        for (int i = 0; i < disks; i++)
            Run("lvextend", "--extents", $"+{half}", $"vg/d{i}", Extents(disks + i));

        string Extents(int place) => $"{device}:{place * half}-{((place + 1) * half) - 1}";
    }
}
