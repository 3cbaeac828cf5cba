using System.Text;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>Pieces of configuration.</summary>
internal static class Config
{
    /// <summary>A capped disk: 4000 operations a second, and a flush takes one of its four places for 2 ms.</summary>
    public const string Slow =
        "device = faulty, depth = 4, faulty { service-time = 1ms, parallel = 4, flush-time = 2ms }";

    /// <summary>One volume with disks d0, d1, ... side by side, each of a guest g0, g1, ... of its own.</summary>
    /// <param name="volumeKeys">Keys of the volume beside its path and size.</param>
    /// <param name="disks">How many.</param>
    /// <param name="diskMib">Size of each, in MiB.</param>
    /// <param name="weights">Weights of the guests; 100 unless given.</param>
    /// <param name="path">The volume's file.</param>
    public static string OneVolume(
        string volumeKeys, int disks = 2, int diskMib = 64, int[]? weights = null, string path = "data/vol0.img")
    {
        StringBuilder text = new();
        text.AppendLine($"volumes {{ vol0 {{ path = \"{path}\", size = {disks * diskMib}MiB, {volumeKeys} }} }}");
        text.AppendLine("guests {");
        for (int i = 0; i < disks; i++)
            text.AppendLine($"  g{i} {{ weight = {weights?[i] ?? 100} }}");
        text.AppendLine("}");
        text.AppendLine("disks {");
        for (int i = 0; i < disks; i++)
        {
            string place = $"offset = {i * diskMib}MiB, size = {diskMib}MiB";
            text.AppendLine($"  d{i} {{ volume = vol0, guest = g{i}, {place} }}");
        }

        text.AppendLine("}");
        return text.ToString();
    }
}
