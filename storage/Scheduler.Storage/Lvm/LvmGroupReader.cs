using Scheduler.Storage.Lvm.Disk;
using Scheduler.Storage.Lvm.Import;

namespace Scheduler.Storage.Lvm;

/// <summary>
/// Reads a volume group's metadata from its physical volumes, without changing anything: block devices, or image files.
/// </summary>
public static class LvmGroupReader
{
    /// <summary>Reads a group.</summary>
    /// <param name="paths">Physical volumes of one group. Those left out count as missing.</param>
    /// <param name="options">What the group is judged by.</param>
    /// <returns>The group, as the newest copy of its metadata has it.</returns>
    /// <exception cref="VolumeOpenException">
    /// A path cannot be read, is no physical volume or is one of another group; no copy of the metadata can be trusted; or two
    /// that can contradict each other.
    /// </exception>
    public static VolumeGroup Read(IEnumerable<string> paths, LvmReadOptions? options = null)
    {
        options ??= new LvmReadOptions();
        MetadataCopies copies = new();
        List<FoundPhysicalVolume> found = [];
        foreach (string path in paths)
        {
            using PhysicalVolumeFile file = PhysicalVolumeFile.Open(path);
            PhysicalVolumeLabel label = PhysicalVolumeLabel.Read(file);
            if (found.Find(other => other.Label.Uuid == label.Uuid) is FoundPhysicalVolume twin)
            {
                throw new VolumeOpenException(
                    file.Path, $"it is the same physical volume as {twin.Path}, or a copy of it", "leave one of them out");
            }

            for (int i = 0; i < label.MetadataAreas.Count; i++)
                copies.Add(file.Path, i + 1, MetadataArea.Read(file, label.MetadataAreas[i]));
            found.Add(new FoundPhysicalVolume(file.Path, file.Size, label, KernelHolders.Of(file, options.SysfsPath)));
        }

        if (found.Count == 0)
            throw new VolumeOpenException("(none)", "no physical volume is given", "name all those of one group");
        return GroupImport.Import(copies.Newest(found[0].Path), found, options, copies.Warnings);
    }
}
