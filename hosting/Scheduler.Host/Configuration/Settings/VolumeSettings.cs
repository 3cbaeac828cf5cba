using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Host.Configuration;

/// <summary>A volume: shared storage that one scheduler owns.</summary>
public sealed record VolumeSettings
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// File or block device, relative to the working directory unless absolute; no other volume has the same. Empty for
    /// <see cref="DeviceKind.Memory"/> and <see cref="DeviceKind.Null"/>, and for a volume group.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>In a cluster: the role of the nodes that reach it; null: all do.</summary>
    public string? Role { get; init; }

    /// <summary>Physical volumes of a volume group, as paths like <see cref="Path"/>; empty if it is none.</summary>
    public IReadOnlyList<string> PhysicalVolumes { get; init; } = [];

    /// <summary>It is an LVM2 volume group.</summary>
    public bool IsGroup => PhysicalVolumes.Count > 0;

    /// <summary>Where its data are: the physical volumes of a group, or its one path.</summary>
    public IReadOnlyList<string> Paths => IsGroup ? PhysicalVolumes : [Path];

    /// <summary>This host's LVM2 system id; null: it has none.</summary>
    public string? SystemId { get; init; }

    /// <summary>Bytes: a multiple of 4096, 4096 to 4 PiB. 0 for a volume group: all that its physical volumes have.</summary>
    public required long Size { get; init; }

    /// <summary>Allocate a new file's space at once.</summary>
    public required bool Preallocate { get; init; }

    /// <summary>Use of the page cache.</summary>
    public required CacheMode Cache { get; init; }

    /// <summary>How requests reach the file.</summary>
    public required IoMethod Io { get; init; }

    /// <summary>Most operations in flight on the device; 1 to 1,024.</summary>
    public required int Depth { get; init; }

    /// <summary>Longest mean time that operations may queue inside the device; 0 to 10 s, 0: the depth is fixed.</summary>
    public required TimeSpan LatencyTarget { get; init; }

    /// <summary>Which request goes to the device next.</summary>
    public required PolicyKind Policy { get; init; }

    /// <summary>What lies behind the volume.</summary>
    public required DeviceKind Device { get; init; }

    /// <summary>
    /// Device time of requests: a profile, or first guesses that are corrected while running
    /// (<see cref="CostModel.Learn"/>).
    /// </summary>
    public required CostModel Cost { get; init; }

    /// <summary>
    /// How a <see cref="DeviceKind.Faulty"/> device behaves, without meaning for others: times 0 to 10 s, 1 to 1,024
    /// units.
    /// </summary>
    public required FaultyOptions Faulty { get; init; }
}
