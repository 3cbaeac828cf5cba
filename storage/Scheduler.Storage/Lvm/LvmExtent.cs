namespace Scheduler.Storage.Lvm;

/// <summary>A run of a logical volume's bytes that lie together.</summary>
/// <param name="DiskOffset">First byte of the logical volume; a multiple of 4096.</param>
/// <param name="PhysicalVolume">Index in <see cref="VolumeGroup.PhysicalVolumes"/>.</param>
/// <param name="DeviceOffset">First byte on the physical volume; a multiple of 4096.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct LvmExtent(long DiskOffset, int PhysicalVolume, long DeviceOffset, long Length);

/// <summary>Where one stripe of a segment begins.</summary>
/// <param name="PhysicalVolume">Index in <see cref="VolumeGroup.PhysicalVolumes"/>.</param>
/// <param name="DeviceOffset">First byte on the physical volume; a multiple of 4096.</param>
public readonly record struct LvmStripe(int PhysicalVolume, long DeviceOffset);
