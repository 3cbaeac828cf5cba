using System.Globalization;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>LVM2's own tools on loop devices of their own.</summary>
internal sealed class LvmTools : LvmCommands, IDisposable
{
    public const long DeviceSize = 64 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly List<LoopDevice> _devices = [];

    public LvmTools(int devices)
    {
        try
        {
            Requires.Tool("lvm", "losetup");
            Requires.That(Environment.IsPrivilegedProcess, "LVM2's tools need root");
            for (int i = 0; i < devices; i++)
                _devices.Add(new LoopDevice(DeviceSize));
            Paths = [.. _devices.Select(device => device.Path)];
            See(Paths);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The loop devices.</summary>
    public string[] Paths { get; } = [];

    protected override string Home => _directory.Path;

    /// <summary>Makes physical volumes of all devices, and a group <c>vg</c> of them.</summary>
    public void CreateGroup(params string[] arguments)
    {
        Run("pvcreate", Paths);
        Group([.. arguments, "vg", .. Paths]);
    }

    /// <summary>What <c>lvs</c> says of each segment of the visible logical volumes, one array of fields each.</summary>
    public IEnumerable<string[]> Segments(string fields) =>
        Run("lvs", "--noheadings", "--nosuffix", "--units", "b", "--separator", ";", "--segments", "--options", fields, "vg")
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(';'));

    /// <summary>A copy of a device as a file; its data is left out.</summary>
    public string Image(int device, string suffix = "")
    {
        string path = _directory.File(string.Create(CultureInfo.InvariantCulture, $"image{device}{suffix}"));
        byte[] metadata = new byte[2 << 20];
        byte[] end = new byte[2 << 20];
        using FileStream from = File.OpenRead(Paths[device]);
        from.ReadExactly(metadata);
        from.Position = DeviceSize - end.Length;
        from.ReadExactly(end);
        using FileStream to = File.Create(path);
        to.Write(metadata);
        to.Position = DeviceSize - end.Length;
        to.Write(end);
        return path;
    }

    public void Dispose()
    {
        foreach (LoopDevice device in _devices)
            device.Dispose();
        _directory.Dispose();
    }

    protected override string RunEnv(string[] arguments)
    {
        (int status, string output, string error) = Command.Run("env", arguments);
        Assert.True(status == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }
}
