using Scheduler.Storage.Lvm.Disk;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>A path that was given, and is a physical volume.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Size">Bytes of the device.</param>
/// <param name="Label">Its label.</param>
/// <param name="Holders">What of the kernel sits on it.</param>
internal sealed record FoundPhysicalVolume(
    string Path, long Size, PhysicalVolumeLabel Label, IReadOnlyList<string> Holders);
