namespace Scheduler.Simulation;

/// <summary>A completed write in the volatile cache, shared by its sectors.</summary>
internal sealed class VolatileWrite
{
    /// <summary>When its owner took its completion, in the media's count; a flush that begins later covers it.</summary>
    public long CompletedAt { get; set; } = long.MaxValue;
}

/// <summary>
/// What is on one device, and outlives the machine: for each sector the stamp of the write that is durable, and of those in
/// the volatile cache, in order.
/// </summary>
internal sealed class SectorMedia(int sectors)
{
    /// <summary>What the device writes whole.</summary>
    public const int SectorBytes = 512;

    private readonly ulong[] _durable = new ulong[sectors];
    private readonly List<(ulong Stamp, VolatileWrite Write)>?[] _volatile = new List<(ulong, VolatileWrite)>?[sectors];
    private readonly List<int> _dirty = [];

    /// <summary>Completions taken so far.</summary>
    public long Completions { get; private set; }

    /// <summary>Sectors with something in the volatile cache.</summary>
    public int DirtySectors => _dirty.Count;

    /// <summary>What a read gets.</summary>
    public ulong Newest(int sector) => _volatile[sector] is { Count: > 0 } versions ? versions[^1].Stamp : _durable[sector];

    /// <summary>What the worst power cut leaves.</summary>
    public ulong Durable(int sector) => _durable[sector];

    /// <summary>Whether a power cut could leave a value.</summary>
    public bool MayLeave(int sector, ulong stamp) =>
        _durable[sector] == stamp || (_volatile[sector]?.Exists(version => version.Stamp == stamp) ?? false);

    public void Write(int sector, ulong stamp, VolatileWrite write)
    {
        List<(ulong, VolatileWrite)> versions = _volatile[sector] ??= [];
        if (versions.Count == 0)
            _dirty.Add(sector);
        versions.Add((stamp, write));
    }

    public void WriteDurable(int sector, ulong stamp)
    {
        _durable[sector] = stamp;
        if (_volatile[sector] is not { Count: > 0 } versions)
            return;
        versions.Clear();
        _ = _dirty.Remove(sector);
    }

    /// <summary>Puts a value on the disk, behind the cache.</summary>
    public void WriteBack(int sector, ulong stamp) => _durable[sector] = stamp;

    public void Complete(VolatileWrite write) => write.CompletedAt = ++Completions;

    /// <summary>Makes durable what had completed by then, and nothing else.</summary>
    public void Flush(long completedBy, Func<ulong, bool>? covers = null)
    {
        int kept = 0;
        for (int i = 0; i < _dirty.Count; i++)
        {
            int sector = _dirty[i];
            List<(ulong Stamp, VolatileWrite Write)> versions = _volatile[sector]!;
            int last = versions.FindLastIndex(version => version.Write.CompletedAt <= completedBy && (covers?.Invoke(version.Stamp) ?? true));
            if (last >= 0)
            {
                _durable[sector] = versions[last].Stamp;
                versions.RemoveRange(0, last + 1);
            }

            if (versions.Count > 0)
                _dirty[kept++] = sector;
        }

        _dirty.RemoveRange(kept, _dirty.Count - kept);
    }

    /// <summary>The cache is gone, and nothing of it was written.</summary>
    /// <returns>The newest of what was in it.</returns>
    public List<(int Sector, ulong Stamp)> DropCache()
    {
        List<(int, ulong)> dropped = [.. _dirty.Select(sector => (sector, _volatile[sector]![^1].Stamp))];
        foreach (int sector in _dirty)
            _volatile[sector]!.Clear();
        _dirty.Clear();
        return dropped;
    }

    /// <summary>The cache is gone: each sector holds what was durable, or any version that was in the cache.</summary>
    public void LoseCache(Random random)
    {
        int survive = random.Next(4);
        foreach (int sector in _dirty)
        {
            List<(ulong Stamp, VolatileWrite Write)> versions = _volatile[sector]!;
            int last = survive switch
            {
                0 => -1,
                1 => versions.Count - 1,
                _ => random.Next(-1, versions.Count),
            };
            if (last >= 0)
                _durable[sector] = versions[last].Stamp;
            versions.Clear();
        }

        _dirty.Clear();
    }
}
