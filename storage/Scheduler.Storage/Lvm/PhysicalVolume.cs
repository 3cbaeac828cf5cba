namespace Scheduler.Storage.Lvm;

/// <summary>A physical volume of a group: a device or an image file that holds its data.</summary>
public sealed record PhysicalVolume
{
    /// <summary>Its name within the group's metadata, such as <c>pv0</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its identity.</summary>
    public required string Uuid { get; init; }

    /// <summary>Full path that it was found under; null if it is none of the paths that were given.</summary>
    public required string? Path { get; init; }

    /// <summary>The path under which LVM2 last saw it, without a promise; empty if it does not say.</summary>
    public required string DeviceHint { get; init; }

    /// <summary>Bytes of the device that was found; 0 if none was.</summary>
    public required long Size { get; init; }

    /// <summary>First byte of its extents.</summary>
    public required long DataOffset { get; init; }

    /// <summary>Number of its extents.</summary>
    public required long ExtentCount { get; init; }

    /// <summary>LVM2 marked it as missing: it was away during a change of the group, and what it holds may be old.</summary>
    public required bool MarkedMissing { get; init; }

    /// <summary>Neither found nor, if found, to be trusted.</summary>
    public bool IsMissing => Path == null || MarkedMissing;
}
