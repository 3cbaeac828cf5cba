using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>One flush domain of a running volume: its file or block device, and its marker.</summary>
/// <param name="Path">As configured; empty for a device that has none.</param>
/// <param name="Device">The open device.</param>
/// <param name="Marker">Where its faults are marked on this machine; null: nowhere, it keeps nothing over a restart.</param>
/// <param name="Marked">The fault that was marked there when it was opened, or null.</param>
internal sealed record VolumeDomain(string Path, IBlockDevice Device, FaultMarker? Marker, Fault? Marked)
{
    /// <summary>Opens all domains of a volume, which locks them: the one of its path, or its physical volumes.</summary>
    /// <param name="settings">The volume.</param>
    /// <param name="dataDirectory">Where faults of block devices are marked.</param>
    /// <param name="fallback">Told why io_uring can't be used, where it was to be used if possible.</param>
    /// <param name="epoch">Of the volume's owner in a cluster; 0: it is this process's. A file that earlier owners had is never made: it is
    /// on storage that this node does not reach now, and in its place an empty one would be served.</param>
    /// <exception cref="VolumeOpenException">One can't be opened; none is left open.</exception>
    /// <returns>The domains, in the order of the configuration.</returns>
    public static IReadOnlyList<VolumeDomain> OpenAll(VolumeSettings settings, string dataDirectory, Action<string> fallback, long epoch = 0)
    {
        if (epoch > 1 && !settings.IsGroup && settings.Path.Length > 0 && !System.IO.Path.Exists(settings.Path))
        {
            throw new VolumeOpenException(
                settings.Path,
                "it does not exist, and the volume has had an owner before",
                $"see that this node reaches its storage; only if nothing was ever written to the volume, make it: truncate -s {settings.Size} PATH");
        }

        List<VolumeDomain> domains = [];
        try
        {
            foreach (string path in settings.Paths)
                domains.Add(Open(settings, path, dataDirectory, fallback, mayMakeDirectory: epoch == 0));
            return domains;
        }
        catch (Exception exception)
        {
            foreach (VolumeDomain domain in domains)
                domain.Device.Dispose();
            if (exception is VolumeOpenException { Error: Errno.EBUSY } && settings.IsGroup && GroupDisks.WhyRefused(settings) is { } reason)
                throw reason;
            throw;
        }
    }

    /// <summary>What the core is told of it.</summary>
    /// <param name="fault">The fault that fences it, or null.</param>
    /// <returns>The core's word for it.</returns>
    public DomainSpec Spec(Fault? fault)
    {
        DeviceInfo info = Device.Info;

        // A marker that can't be understood is a fault too; its errno is unknown then.
        int error = fault is null ? 0 : Math.Max(1, fault.Error);
        return new DomainSpec(info.Size, info.VolatileCache, info.DurableWrites, info.SupportsDsync, error);
    }

    private static VolumeDomain Open(VolumeSettings settings, string path, string dataDirectory, Action<string> fallback, bool mayMakeDirectory)
    {
        VolumeOptions options = new()
        {
            Path = path,
            Size = settings.Size,
            Preallocate = settings.Preallocate,
            Cache = settings.Cache,
            Io = settings.Io,

            // Past the page cache each operation waits for the device, so the depth needs as many threads, newcomers too (Q6).
            Workers = settings.Cache == CacheMode.Direct ? settings.Depth + VolumeSpec.NewcomersOf(settings.Policy, settings.Depth) : 0,
            Device = settings.Device,
            Faulty = settings.Faulty,
            MarkerDirectory = dataDirectory,
        };

        // A physical volume is never made: what is not there is a mistake.
        if (settings.IsGroup && !System.IO.Path.Exists(path))
            throw new VolumeOpenException(path, "it does not exist", "name the physical volumes of one group");
        if (mayMakeDirectory && !settings.IsGroup && path.Length > 0 && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } directory)
            _ = Directory.CreateDirectory(directory);
        IBlockDevice device = DeviceFactory.Open(options, fallback);
        try
        {
            FaultMarker? marker = FaultMarker.For(options);
            return new VolumeDomain(path, device, marker, marker?.Read());
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
