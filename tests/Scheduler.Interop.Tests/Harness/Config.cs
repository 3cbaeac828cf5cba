using System.Text;
using Scheduler.Interop.Tests.Lvm;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>Pieces of configuration. What lies on which volume is that of <see cref="Matrix"/>.</summary>
internal static class Config
{
    /// <summary>A capped disk: 4000 operations a second, and a flush takes one of its four places for 2 ms.</summary>
    public const string Slow =
        "device = faulty, depth = 4, faulty { service-time = 1ms, parallel = 4, flush-time = 2ms }";

    /// <summary>One volume with disks d0, d1, ... side by side, each of a guest g0, g1, ... of its own.</summary>
    /// <param name="directory">Where the service is started.</param>
    /// <param name="volumeKeys">Keys of the volume beside its path and size.</param>
    /// <param name="disks">How many.</param>
    /// <param name="diskMib">Size of each, in MiB; even.</param>
    /// <param name="weights">Weights of the guests; 100 unless given.</param>
    /// <param name="path">The volume's file or block device.</param>
    public static string OneVolume(
        TemporaryDirectory directory, string volumeKeys, int disks = 2, int diskMib = 64, int[]? weights = null, string path = "data/vol0.img")
    {
        StringBuilder text = new();
        text.AppendLine($"volumes {{ vol0 {{ {Volume(directory, path, disks, diskMib)}, {volumeKeys}{Matrix.Keys} }} }}");
        text.AppendLine("guests {");
        for (int i = 0; i < disks; i++)
            text.AppendLine($"  g{i} {{ weight = {weights?[i] ?? 100} }}");
        text.AppendLine("}");
        text.AppendLine("disks {");
        for (int i = 0; i < disks; i++)
            text.AppendLine($"  d{i} {{ volume = vol0, guest = g{i}, {Disk(i, diskMib)} }}");
        text.AppendLine("}");
        return text.ToString();
    }

    /// <summary>Keys that say what a volume lies on. A group is made there, if there is none yet.</summary>
    /// <param name="directory">Where the service is started.</param>
    /// <param name="path">The volume's file or block device.</param>
    /// <param name="disks">How many disks are to lie on it.</param>
    /// <param name="diskMib">Size of each, in MiB; even.</param>
    public static string Volume(TemporaryDirectory directory, string path, int disks, int diskMib)
    {
        if (!Matrix.IsLvm)
            return $"path = \"{path}\", size = {disks * diskMib}MiB";
        HalvedVolumes.Make(directory, directory.File(path), disks, diskMib);
        return $"lvm = [\"{path}\"]";
    }

    /// <summary>Keys that say where on its volume a disk is.</summary>
    /// <param name="disk">Which one.</param>
    /// <param name="diskMib">Size of each, in MiB.</param>
    public static string Disk(int disk, int diskMib) =>
        Matrix.IsLvm ? $"lv = d{disk}" : $"offset = {disk * diskMib}MiB, size = {diskMib}MiB";

    /// <summary>Bytes that the file or block device of a volume needs.</summary>
    public static long VolumeBytes(int disks, int diskMib) =>
        ((long)disks * diskMib << 20) + (Matrix.IsLvm ? HalvedVolumes.OverheadBytes : 0);

    /// <summary>Where in the volume's file a byte of a disk is.</summary>
    /// <param name="disk">Which disk.</param>
    /// <param name="position">The byte on the disk.</param>
    /// <param name="disks">How many disks the volume has.</param>
    /// <param name="diskMib">Size of each, in MiB.</param>
    public static long OffsetOf(int disk, long position = 0, int disks = 2, int diskMib = 64) => Matrix.IsLvm
        ? HalvedVolumes.OffsetOf(disk, position, disks, diskMib)
        : ((long)disk * diskMib << 20) + position;
}
