using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Host.Configuration;

/// <summary>Checks one volume.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class VolumeRules(SettingsReader reader)
{
    /// <summary>Longer times are typing errors.</summary>
    private static readonly TimeSpan _deviceTimeMax = TimeSpan.FromSeconds(10);

    public VolumeSettings Check(string key, string name, VolumeEntry entry)
    {
        // The reference has a default, so a value is only missing where null was written, and `device = null` names a
        // device.
        int mistakes = reader.MistakeCount;
        DeviceKind device = entry.Device is null
            ? DeviceKind.Null
            : reader.Choice<DeviceKind>(At("device"), entry.Device);
        IReadOnlyList<string> physical = PhysicalVolumes(key, device, entry);
        bool isGroup = entry.Lvm.Count > 0;

        // What is not known may need none.
        bool hasPath = !isGroup && device is not (DeviceKind.Memory or DeviceKind.Null) && reader.MistakeCount == mistakes;
        return new VolumeSettings
        {
            Name = name,
            Path = hasPath ? reader.FilePath(At("path"), entry.Path) : "",
            Role = entry.Role,
            PhysicalVolumes = physical,
            SystemId = entry.LvmSystemId,
            Size = isGroup ? 0 : reader.Size(At("size"), entry.Size, SettingsReader.BlockBytes, CatalogLimits.SizeMax, SettingsReader.BlockBytes),
            Preallocate = reader.Flag(At("preallocate"), entry.Preallocate),
            Cache = reader.Choice<CacheMode>(At("cache"), entry.Cache),

            // The kernel's own spelling is as good.
            Io = reader.Choice<IoMethod>(At("io"), entry.Io == "io_uring" ? "io-uring" : entry.Io),
            Depth = reader.Count(At("depth"), entry.Depth, 1, CatalogLimits.DepthMax),
            LatencyTarget = reader.Duration(At("latency-target"), entry.LatencyTarget, TimeSpan.Zero, CatalogLimits.LatencyTargetMax),
            Policy = reader.Choice<PolicyKind>(At("policy"), entry.Policy),
            Device = device,
            Cost = new CostRules(reader, At("cost")).Check(entry.Cost),
            Faulty = Faulty(At("faulty"), entry.Faulty),
        };

        string At(string member) => SettingsReader.Key(key, member);
    }

    private IReadOnlyList<string> PhysicalVolumes(string key, DeviceKind device, VolumeEntry entry)
    {
        string lvm = SettingsReader.Key(key, "lvm");
        if (entry.Lvm.Count == 0)
        {
            if (entry.LvmSystemId is not null)
                reader.Wrong(SettingsReader.Key(key, "lvm-system-id"), "is only for a volume group; give its physical volumes in lvm");
            return [];
        }

        if (entry.Path is not null)
            reader.Wrong(SettingsReader.Key(key, "path"), "does not go with lvm, which names the physical volumes");
        if (entry.Size is not null)
            reader.Wrong(SettingsReader.Key(key, "size"), "does not go with lvm: a volume group has the size that it has");
        if (device is not (DeviceKind.File or DeviceKind.Faulty))
            reader.Wrong(SettingsReader.Key(key, "device"), "a volume group lies on files or block devices; write file or faulty");
        if (entry.Lvm.Count > VolumeSpec.DomainsMax)
            reader.Wrong(lvm, $"has {entry.Lvm.Count} physical volumes; at most {VolumeSpec.DomainsMax} can be served");
        List<string> paths = [.. reader.ItemsOf(lvm).Zip(entry.Lvm, reader.FilePath).Where(path => path.Length > 0)];
        string? twice = paths.GroupBy(Path.GetFullPath).FirstOrDefault(same => same.Count() > 1)?.Key;
        return twice is null ? paths : reader.Wrong(lvm, $"names {twice} twice", paths);
    }

    private FaultyOptions Faulty(string key, FaultyEntry entry) => new()
    {
        ServiceTime = reader.Duration(
            SettingsReader.Key(key, "service-time"), entry.ServiceTime, TimeSpan.Zero, _deviceTimeMax),
        Parallel = reader.Count(SettingsReader.Key(key, "parallel"), entry.Parallel, 1, 1024),
        FlushTime = reader.Duration(
            SettingsReader.Key(key, "flush-time"), entry.FlushTime, TimeSpan.Zero, _deviceTimeMax),
        Mode = reader.Choice<FaultMode>(SettingsReader.Key(key, "error"), entry.Error),
    };
}
