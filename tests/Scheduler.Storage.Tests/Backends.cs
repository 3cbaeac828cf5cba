namespace Scheduler.Storage.Tests;

public abstract class FileDeviceSpecification(CacheMode cache) : DeviceSpecification
{
    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryDirectory()).File("volume"),
        Size = Size,
        Cache = cache,
    });
}

public sealed class BufferedFileSpecification() : FileDeviceSpecification(CacheMode.Buffered);

public sealed class DirectFileSpecification() : FileDeviceSpecification(CacheMode.Direct);

public sealed class DsyncFileSpecification() : FileDeviceSpecification(CacheMode.Dsync);

public sealed class OneWorkerFileSpecification : DeviceSpecification
{
    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryDirectory()).File("volume"),
        Size = Size,
        Cache = CacheMode.Buffered,
        Workers = 1,
    });
}

public sealed class TmpfsFileSpecification : DeviceSpecification
{
    protected override bool FastZeroWorks => false;

    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryFileSystem(2 * Size)).File("volume"),
        Size = Size,
        Cache = CacheMode.Buffered,
    });
}

public abstract class LoopDeviceSpecification(CacheMode cache) : DeviceSpecification
{
    protected override bool DiscardReadsZeroes => false;

    protected override bool FastZeroWorks => false;

    protected override IBlockDevice Open() =>
        DeviceFactory.Open(new VolumeOptions { Path = Own(new LoopDevice(Size)).Path, Cache = cache });
}

public sealed class DirectLoopDeviceSpecification() : LoopDeviceSpecification(CacheMode.Direct);

public sealed class BufferedLoopDeviceSpecification() : LoopDeviceSpecification(CacheMode.Buffered);

public sealed class MemoryDeviceSpecification : DeviceSpecification
{
    protected override IBlockDevice Open() => new MemoryDevice(Size);
}

public sealed class NullDeviceSpecification : DeviceSpecification
{
    protected override bool Remembers => false;

    protected override IBlockDevice Open() => new NullDevice(Size);
}

public sealed class FaultyMemorySpecification : DeviceSpecification
{
    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Size = Size,
        Device = DeviceKind.Faulty,
        Faulty = new FaultyOptions
        {
            Inner = DeviceKind.Memory,
            ServiceTime = TimeSpan.FromMicroseconds(20),
            FlushTime = TimeSpan.FromMicroseconds(200),
            Parallel = 4,
        },
    });
}

public sealed class FaultyFileSpecification : DeviceSpecification
{
    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryDirectory()).File("volume"),
        Size = Size,
        Cache = CacheMode.Buffered,
        Device = DeviceKind.Faulty,
        Faulty = new FaultyOptions { Parallel = 8 },
    });
}
