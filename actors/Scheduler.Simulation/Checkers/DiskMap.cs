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

    public bool IsOn(int disk, int domain) => Spec.Disks[disk].Extents.Any(extent => extent.Domain == domain);

    private static IEnumerable<(int Domain, int Sector)> Places(Extent extent) =>
        from i in Enumerable.Range(0, (int)(extent.Length / SectorMedia.SectorBytes))
        select (extent.Domain, (int)(extent.DeviceOffset / SectorMedia.SectorBytes) + i);
}
