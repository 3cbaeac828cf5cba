namespace Scheduler.Storage.Lvm;

/// <summary>A volume group, as its newest metadata has it.</summary>
public sealed class VolumeGroup
{
    internal VolumeGroup()
    {
    }

    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Its identity.</summary>
    public required string Uuid { get; init; }

    /// <summary>Grows with each change of the group.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>Bytes of an extent.</summary>
    public required long ExtentSize { get; init; }

    /// <summary>LVM2's status flags, such as <c>WRITE</c>.</summary>
    public required IReadOnlyList<string> Status { get; init; }

    /// <summary>The host that owns the group; empty if any may use it.</summary>
    public required string SystemId { get; init; }

    /// <summary>The lock manager of a group that hosts share (<c>sanlock</c>, <c>dlm</c>); empty if it is not shared.</summary>
    public required string LockType { get; init; }

    /// <summary>Its physical volumes, in the order of the metadata; some may be missing.</summary>
    public required IReadOnlyList<PhysicalVolume> PhysicalVolumes { get; init; }

    /// <summary>Its logical volumes, in the order of the metadata, hidden ones too.</summary>
    public required IReadOnlyList<LogicalVolume> LogicalVolumes { get; init; }

    /// <summary>Why nothing of it is served; null if it is not the group that is in the way.</summary>
    public required LvmRefusal? Refusal { get; init; }

    /// <summary>What an operator should know though it was no obstacle, such as a damaged copy of the metadata. One line each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>A logical volume that can be served.</summary>
    /// <param name="name">Name.</param>
    /// <returns>The logical volume, which has no <see cref="LogicalVolume.Refusal"/>.</returns>
    /// <exception cref="VolumeOpenException">There is none of this name, or it is not served.</exception>
    public LogicalVolume Require(string name)
    {
        LogicalVolume volume = LogicalVolumes.FirstOrDefault(volume => volume.Name == name)
            ?? throw new VolumeOpenException($"{Name}/{name}", "the group has no such logical volume", "see scheduler lvm show");
        return volume.Refusal == null
            ? volume
            : throw new VolumeOpenException($"{Name}/{name}", volume.Refusal.Problem, volume.Refusal.Remedy);
    }
}
