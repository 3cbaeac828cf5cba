using Scheduler.Storage.Uring;

namespace Scheduler.Storage;

/// <summary>The one place where options become a device.</summary>
public static class DeviceFactory
{
    /// <summary>Opens the device of one flush domain.</summary>
    /// <param name="options">What and how.</param>
    /// <param name="fallback">Told why io_uring can't be used, where <see cref="IoMethod.Auto"/> falls back to threads.</param>
    /// <returns>The device; the caller disposes it.</returns>
    /// <exception cref="VolumeOpenException">It cannot be opened as asked.</exception>
    public static IBlockDevice Open(VolumeOptions options, Action<string>? fallback = null) =>
        Open(options, options.Device, fallback);

    private static IBlockDevice Open(VolumeOptions options, DeviceKind kind, Action<string>? fallback) => kind switch
    {
        DeviceKind.File when options.Workers < 0 => throw new VolumeOpenException(
            options.Path, $"{options.Workers} workers are no number of threads", "give 0 or more"),
        DeviceKind.File => OpenFile(options, fallback),
        DeviceKind.Memory => new MemoryDevice(SizeOf(options)),
        DeviceKind.Null => new NullDevice(SizeOf(options)),
        DeviceKind.Faulty when options.Faulty.Inner != DeviceKind.Faulty => OpenFaulty(options, fallback),
        _ => throw new VolumeOpenException(
            options.Path, $"device {kind} cannot be opened", "choose file, memory, null, or faulty over one of these"),
    };

    private static IBlockDevice OpenFile(VolumeOptions options, Action<string>? fallback)
    {
        FileVolume volume = FileVolume.Open(options);
        if (options.Io == IoMethod.Threads)
            return new FileDevice(volume, options.Workers);
        UringDevice? device = UringDevice.TryOpen(volume, out string refusal, options.Workers);
        if (device is not null)
            return device;
        if (options.Io == IoMethod.Auto)
        {
            fallback?.Invoke(refusal);
            return new FileDevice(volume, options.Workers);
        }

        volume.Dispose();
        throw new VolumeOpenException(options.Path, $"io_uring can't be used: {refusal}", "allow it, or set io to auto or threads");
    }

    private static FaultyDevice OpenFaulty(VolumeOptions options, Action<string>? fallback)
    {
        IBlockDevice inner = Open(options, options.Faulty.Inner, fallback);
        try
        {
            return new FaultyDevice(inner, options.Faulty);
        }
        catch (ArgumentOutOfRangeException e)
        {
            inner.Dispose();
            throw new VolumeOpenException(
                options.Path, $"{e.ParamName} {e.ActualValue} of the faulty device is out of range", "give a larger value");
        }
    }

    private static long SizeOf(VolumeOptions options) =>
        options.Size > 0 && options.Size % 4096 == 0
            ? options.Size
            : throw new VolumeOpenException(
                options.Path, $"size {options.Size} is not a positive multiple of 4096", "give one");
}
