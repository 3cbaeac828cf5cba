namespace Scheduler.Storage;

/// <summary>The one place where options become a device.</summary>
public static class DeviceFactory
{
    /// <summary>Opens the device of one flush domain.</summary>
    /// <param name="options">What and how.</param>
    /// <returns>The device; the caller disposes it.</returns>
    /// <exception cref="VolumeOpenException">It cannot be opened as asked.</exception>
    public static IBlockDevice Open(VolumeOptions options) => Open(options, options.Device);

    private static IBlockDevice Open(VolumeOptions options, DeviceKind kind) => kind switch
    {
        DeviceKind.File when options.Workers < 0 => throw new VolumeOpenException(
            options.Path, $"{options.Workers} workers are no number of threads", "give 0 or more"),
        DeviceKind.File => new FileDevice(FileVolume.Open(options), options.Workers),
        DeviceKind.Memory => new MemoryDevice(SizeOf(options)),
        DeviceKind.Null => new NullDevice(SizeOf(options)),
        DeviceKind.Faulty when options.Faulty.Inner != DeviceKind.Faulty => OpenFaulty(options),
        _ => throw new VolumeOpenException(
            options.Path, $"device {kind} cannot be opened", "choose file, memory, null, or faulty over one of these"),
    };

    private static FaultyDevice OpenFaulty(VolumeOptions options)
    {
        IBlockDevice inner = Open(options, options.Faulty.Inner);
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
