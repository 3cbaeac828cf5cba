using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Where each disk's sectors are, by the volume's own description.</summary>
internal sealed class DiskMap
{
    private readonly (int Domain, int Sector)[][] _places;

    public DiskMap(VolumeSpec spec, IReadOnlyList<SectorMedia> media)
    {
        Spec = spec;
        Media = media;
        _places = [.. spec.Disks.Select(disk => disk.Extents.SelectMany(Places).ToArray())];
    }

    public VolumeSpec Spec { get; }

    public IReadOnlyList<SectorMedia> Media { get; }

    public int Sectors(int disk) => _places[disk].Length;

    public int Domain(int disk, int sector) => _places[disk][sector].Domain;

    public ulong Newest(int disk, int sector) => Media[_places[disk][sector].Domain].Newest(_places[disk][sector].Sector);

    public ulong Durable(int disk, int sector) => Media[_places[disk][sector].Domain].Durable(_places[disk][sector].Sector);

    public bool MayLeave(int disk, int sector, ulong stamp) => Media[_places[disk][sector].Domain].MayLeave(_places[disk][sector].Sector, stamp);

    public bool IsOn(int disk, int domain) => Array.Exists(_places[disk], place => place.Domain == domain);

    // Chunk by chunk, leg by leg: not by the arithmetic that is checked.
    private static IEnumerable<(int Domain, int Sector)> Places(Extent extent)
    {
        (int Domain, int Sector)[] next = [.. extent.Runs().Select(run => (run.Domain, (int)(run.DeviceOffset / SectorMedia.SectorBytes)))];
        int chunk = (int)((extent.Stripes?.ChunkLength ?? extent.Length) / SectorMedia.SectorBytes);
        int sectors = (int)(extent.Length / SectorMedia.SectorBytes);
        for (int leg = 0; sectors > 0; leg = (leg + 1) % next.Length)
        {
            for (int i = 0; i < chunk; i++, sectors--)
                yield return (next[leg].Domain, next[leg].Sector++);
        }
    }
}
