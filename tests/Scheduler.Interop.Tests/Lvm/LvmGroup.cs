using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Lvm;

namespace Scheduler.Interop.Tests.Lvm;

/// <summary>
/// A volume group <c>vg</c> that LVM2's own tools make, on loop devices over image files. The service is given the images, or
/// the loop devices.
/// </summary>
internal sealed class LvmGroup : LvmCommands, IDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly List<LoopDevice> _loops = [];

    /// <param name="directory">Where the images lie, as pv0.img and so on.</param>
    /// <param name="devices">How many physical volumes.</param>
    /// <param name="mib">Size of each.</param>
    public LvmGroup(TemporaryDirectory directory, int devices = 2, int mib = 128)
    {
        Requires.Tool("lvm");
        Requires.That(Environment.IsPrivilegedProcess, "LVM2's tools need root");
        _directory = directory;
        try
        {
            for (int i = 0; i < devices; i++)
            {
                string file = directory.File($"pv{i}.img");
                using (FileStream stream = File.Create(file))
                    stream.SetLength((long)mib << 20);
                _loops.Add(new LoopDevice(file));
            }

            See(Devices);
            Run("pvcreate", Devices);
            Group(["--physicalextentsize", "1M", "vg", .. Devices]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The loop devices.</summary>
    public string[] Devices => [.. _loops.Select(loop => loop.Path)];

    protected override string Home => _directory.File("lvm");

    /// <summary>The image files below them.</summary>
    public string[] Images => [.. Enumerable.Range(0, _loops.Count).Select(i => _directory.File($"pv{i}.img"))];

    /// <summary>Configuration of a service with the group as volume <c>vg</c>.</summary>
    /// <param name="physical">Its physical volumes.</param>
    /// <param name="keys">Further keys of the volume.</param>
    /// <param name="volumes">Logical volumes: each is a disk of its own name, and of a guest of its own.</param>
    public static string Config(IEnumerable<string> physical, string keys, params string[] volumes) => $$"""
        volumes.vg { lvm = [{{string.Join(", ", physical.Select(path => $"\"{path}\""))}}], {{keys}} }
        guests { {{string.Join(", ", volumes.Select(volume => $"g-{volume} {{}}"))}} }
        disks { {{string.Join(", ", volumes.Select(volume => $"{volume} {{ volume = vg, guest = g-{volume}, lv = {volume} }}"))}} }
        """;

    public void Dispose()
    {
        foreach (LoopDevice loop in _loops)
            loop.Dispose();
    }

    protected override string RunEnv(string[] arguments) => Tool.Run("env", arguments).Succeeded().Output;
}
