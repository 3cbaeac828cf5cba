using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Where each disk's sectors are, by the volume's own description; which disks there are now, and how large.</summary>
internal sealed class DiskMap
{
    private readonly (int Domain, int Sector)[][] _places;
    private readonly Dictionary<(int Domain, int Sector), int> _disks = [];
    private readonly int[] _extents;
    private readonly bool[] _served;

    public DiskMap(VolumeSpec spec, IReadOnlyList<SectorMedia> media)
    {
        Spec = spec;
        Media = media;
        _places = [.. spec.Disks.Select(disk => disk.Extents.SelectMany(Places).ToArray())];
        _extents = [.. spec.Disks.Select(disk => disk.Extents.Count)];
        _served = [.. spec.Disks.Select(_ => true)];
        for (int disk = 0; disk < _places.Length; disk++)
        {
            foreach ((int Domain, int Sector) place in _places[disk])
                _disks[place] = disk;
        }
    }

    /// <summary>The volume with its guests as they are now, and all its disks as large as they ever are.</summary>
    public VolumeSpec Spec { get; private set; }

    public IReadOnlyList<SectorMedia> Media { get; }

    /// <summary>Sectors of a disk when it is as large as it ever is.</summary>
    public int Sectors(int disk) => _places[disk].Length;

    /// <summary>Sectors of a disk as large as it is now.</summary>
    public int SectorsNow(int disk) => (int)(Spec.Disks[disk].Extents.Take(_extents[disk]).Sum(extent => extent.Length) / SectorMedia.SectorBytes);

    public int Domain(int disk, int sector) => _places[disk][sector].Domain;

    public ulong Newest(int disk, int sector) => Media[_places[disk][sector].Domain].Newest(_places[disk][sector].Sector);

    public ulong Durable(int disk, int sector) => Media[_places[disk][sector].Domain].Durable(_places[disk][sector].Sector);

    public bool MayLeave(int disk, int sector, ulong stamp) => Media[_places[disk][sector].Domain].MayLeave(_places[disk][sector].Sector, stamp);

    /// <summary>Whether a disk is on a domain when it is as large as it ever is.</summary>
    public bool IsOn(int disk, int domain) => Array.Exists(_places[disk], place => place.Domain == domain);

    /// <summary>The domains that a disk is on now, a bit each.</summary>
    public ulong DomainsNow(int disk) => Spec.Disks[disk].Extents.Take(_extents[disk])
        .SelectMany(extent => extent.Runs()).Aggregate(0UL, (domains, run) => domains | (1UL << run.Domain));

    /// <summary>The disk that has a sector of a device; -1 for none.</summary>
    public int DiskAt(int domain, int sector) => _disks.GetValueOrDefault((domain, sector), -1);

    /// <summary>Whether there is a disk now.</summary>
    public bool IsServed(int disk) => _served[disk];

    /// <summary>How many extents a disk has now.</summary>
    public int Extents(int disk) => _extents[disk];

    /// <summary>A disk with some of its extents.</summary>
    public DiskSpec Disk(int disk, int extents) => Spec.Disks[disk] with { Extents = [.. Spec.Disks[disk].Extents.Take(extents)] };

    /// <summary>A disk is there from now on, with so many extents.</summary>
    public void Serve(int disk, int extents)
    {
        _served[disk] = true;
        _extents[disk] = extents;
    }

    /// <summary>A disk is not there from now on.</summary>
    public void Remove(int disk) => _served[disk] = false;

    /// <summary>A guest is another from now on.</summary>
    public void Change(int guest, GuestSpec spec) =>
        Spec = Spec with { Guests = [.. Spec.Guests.Select((other, i) => i == guest ? spec : other)] };

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
