using System.Globalization;
using Scheduler.Storage.Lvm;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>
/// What the text of <c>vgcfgbackup</c> says of extents, read line by line and mapped chunk by chunk: slow and simple, to
/// compare with.
/// </summary>
internal sealed class BackupText
{
    private readonly Dictionary<string, string> _values = [];

    public BackupText(string text)
    {
        Stack<string> path = new();
        string? array = null;
        foreach (string line in text.Split('\n').Select(line => line.Split('#')[0].Trim()))
        {
            if (array != null)
            {
                _values[array] += line.TrimEnd(']');
                array = line.EndsWith(']') ? null : array;
            }
            else if (line.EndsWith('{'))
            {
                path.Push(line[..^1].Trim());
            }
            else if (line == "}")
            {
                path.Pop();
            }
            else if (line.Split('=', 2) is [string key, string value])
            {
                string name = string.Join('/', path.Reverse().Skip(1).Append(key.Trim()));
                _values[name] = value.Trim().Trim('"');
                array = value.Trim() == "[" ? name : null;
            }
        }
    }

    public long Number(string name) => long.Parse(_values[name], CultureInfo.InvariantCulture);

    public string Text(string name) => _values[name];

    /// <summary>The extents of a linear or striped logical volume; the index of a physical volume is that in its name.</summary>
    public IEnumerable<LvmExtent> Extents(string volume)
    {
        long extent = Number("extent_size") * 512;
        for (int i = 1; i <= Number($"logical_volumes/{volume}/segment_count"); i++)
        {
            string segment = $"logical_volumes/{volume}/segment{i}/";
            string[] areas = _values[segment + "stripes"].Trim('[').Split(',', StringSplitOptions.TrimEntries);
            long offset = Number(segment + "start_extent") * extent;
            long length = Number(segment + "extent_count") * extent;
            int stripes = areas.Length / 2;
            long chunk = stripes == 1 ? length : Number(segment + "stripe_size") * 512;
            for (long done = 0; done < length; done += chunk)
            {
                int stripe = (int)(done / chunk % stripes);
                string physical = areas[2 * stripe].Trim('"');
                long first = long.Parse(areas[(2 * stripe) + 1], CultureInfo.InvariantCulture);
                long start = (Number($"physical_volumes/{physical}/pe_start") * 512) + (first * extent);
                yield return new LvmExtent(
                    offset + done,
                    int.Parse(physical[2..], CultureInfo.InvariantCulture),
                    start + (done / (chunk * stripes) * chunk),
                    chunk);
            }
        }
    }
}
