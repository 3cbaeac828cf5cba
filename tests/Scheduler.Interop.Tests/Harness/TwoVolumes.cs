namespace Scheduler.Interop.Tests.Harness;

/// <summary>A service with a volume to hurt, disks d0 and d1 of 16 MiB, and another one, disk e0, that must not notice.</summary>
internal static class TwoVolumes
{
    public const int DiskMib = 16;

    /// <param name="path">Path of the volume to hurt.</param>
    /// <param name="io">How the requests of both reach their files.</param>
    /// <param name="keys">Further keys of the volume to hurt.</param>
    public static string Config(string path, string io, string keys) => $$"""
        volumes {
          bad { path = "{{path}}", size = {{2 * DiskMib}}MiB, io = {{io}}, {{keys}} }
          good { path = "data/good.img", size = {{DiskMib}}MiB, io = {{io}}, cache = buffered }
        }
        guests { g0 {}, g1 {}, g2 {} }
        disks {
          d0 { volume = bad, guest = g0, offset = 0, size = {{DiskMib}}MiB }
          d1 { volume = bad, guest = g1, offset = {{DiskMib}}MiB, size = {{DiskMib}}MiB }
          e0 { volume = good, guest = g2, offset = 0, size = {{DiskMib}}MiB }
        }
        """;
}
