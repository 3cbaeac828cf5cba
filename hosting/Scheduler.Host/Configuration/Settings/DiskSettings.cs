using Scheduler.Core;

namespace Scheduler.Host.Configuration;

/// <summary>A disk: a run of a volume's bytes that belongs to one guest and overlaps no other disk.</summary>
public sealed record DiskSettings
{
    /// <summary>Its name, which is the NBD export name.</summary>
    public required string Name { get; init; }

    /// <summary>The volume that it lies on.</summary>
    public required VolumeSettings Volume { get; init; }

    /// <summary>Who owns it.</summary>
    public required GuestSettings Guest { get; init; }

    /// <summary>The logical volume that it is, on a volume group; null on another volume.</summary>
    public string? LogicalVolume { get; init; }

    /// <summary>First byte on the volume, a multiple of 4096; 0 for a logical volume.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes, a positive multiple of 4096; 0 for a logical volume, which has the size that its group says.</summary>
    public required long Size { get; init; }

    /// <summary>How barriers are carried out.</summary>
    public required OrderedMode Ordered { get; init; }
}
