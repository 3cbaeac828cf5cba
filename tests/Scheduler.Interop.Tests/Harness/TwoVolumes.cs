namespace Scheduler.Interop.Tests.Harness;

/// <summary>A service with a volume to hurt, disks d0 and d1 of 16 MiB, and another one, disk e0, that must not notice.</summary>
internal static class TwoVolumes
{
    public const int DiskMib = 16;

    /// <summary>Bytes that the file or block device of the volume to hurt needs.</summary>
    public static long BadBytes => Harness.Config.VolumeBytes(2, DiskMib);

    /// <param name="directory">Where the service is started.</param>
    /// <param name="path">Path of the volume to hurt.</param>
    /// <param name="io">How the requests of both reach their files.</param>
    /// <param name="keys">Further keys of the volume to hurt.</param>
    public static string Config(TemporaryDirectory directory, string path, string io, string keys) => $$"""
        volumes {
          bad { {{Harness.Config.Volume(directory, path, 2, DiskMib)}}, io = {{io}}, {{keys}}{{Matrix.Keys}} }
          good { path = "data/good.img", size = {{DiskMib}}MiB, io = {{io}}, cache = buffered{{Matrix.Keys}} }
        }
        guests { g0 {}, g1 {}, g2 {} }
        disks {
          d0 { volume = bad, guest = g0, {{Harness.Config.Disk(0, DiskMib)}} }
          d1 { volume = bad, guest = g1, {{Harness.Config.Disk(1, DiskMib)}} }
          e0 { volume = good, guest = g2, offset = 0, size = {{DiskMib}}MiB }
        }
        """;
}
