using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>
/// Where <c>vgcfgbackup</c> says that a linear or striped logical volume's bytes are, read line by line and followed chunk by
/// chunk: it shares nothing with the service.
/// </summary>
internal sealed partial class BackupMap(string text)
{
    /// <summary>A logical volume's bytes, gathered from the physical volumes.</summary>
    /// <param name="volume">Name.</param>
    /// <param name="images">The physical volumes, in the order of their names.</param>
    /// <param name="to">A file for them.</param>
    public void Copy(string volume, IReadOnlyList<string> images, string to)
    {
        FileStream[] sources = [.. images.Select(File.OpenRead)];
        using FileStream target = File.Create(to);
        string section = Section(Section(text, "logical_volumes"), volume);
        long extent = Number(text, "extent_size") * 512;
        for (int i = 1; i <= Number(section, "segment_count"); i++)
        {
            string segment = Section(section, $"segment{i}");
            (int Device, long Position)[] legs = [.. Leg().Matches(segment).Select(leg => (int.Parse(leg.Groups[1].ValueSpan, CultureInfo.InvariantCulture), Start(leg)))];
            long length = Number(segment, "extent_count") * extent;
            byte[] chunk = new byte[legs.Length == 1 ? 1 << 20 : Number(segment, "stripe_size") * 512];
            for (int leg = 0; length > 0; leg = (leg + 1) % legs.Length, length -= chunk.Length)
            {
                FileStream source = sources[legs[leg].Device];
                source.Position = legs[leg].Position;
                source.ReadExactly(chunk);
                target.Write(chunk);
                legs[leg].Position += chunk.Length;
            }
        }

        foreach (FileStream source in sources)
            source.Dispose();

        long Start(Match leg)
        {
            string physical = Section(Section(text, "physical_volumes"), $"pv{leg.Groups[1].Value}");
            return (Number(physical, "pe_start") * 512) + (long.Parse(leg.Groups[2].ValueSpan, CultureInfo.InvariantCulture) * extent);
        }
    }

    private static long Number(string section, string key) =>
        long.Parse(Regex.Match(section, $@"^\s*{key} = (\d+)", RegexOptions.Multiline).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static string Section(string within, string name)
    {
        int start = Regex.Match(within, $@"^\s*{name} \{{", RegexOptions.Multiline).Index;
        int end = within.IndexOf('{', start);
        int depth = 0;
        do
        {
            depth += within[end] switch
            {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            end++;
        }
        while (depth > 0);

        return within[start..end];
    }

    [GeneratedRegex("\"pv(\\d+)\", (\\d+)")]
    private static partial Regex Leg();
}
