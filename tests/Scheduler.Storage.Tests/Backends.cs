using Scheduler.Storage.Uring;

namespace Scheduler.Storage.Tests;

public abstract class FileDeviceSpecification(IoMethod io, CacheMode cache, int workers = 0) : DeviceSpecification
{
    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryDirectory()).File("volume"),
        Size = Size,
        Cache = cache,
        Io = io,
        Workers = workers,
    });
}

public sealed class BufferedFileSpecification() : FileDeviceSpecification(IoMethod.Threads, CacheMode.Buffered);

public sealed class DirectFileSpecification() : FileDeviceSpecification(IoMethod.Threads, CacheMode.Direct);

public sealed class DsyncFileSpecification() : FileDeviceSpecification(IoMethod.Threads, CacheMode.Dsync);

public sealed class OneWorkerFileSpecification() : FileDeviceSpecification(IoMethod.Threads, CacheMode.Buffered, workers: 1);

public sealed class UringBufferedFileSpecification() : FileDeviceSpecification(IoMethod.IoUring, CacheMode.Buffered);

public sealed class UringDirectFileSpecification() : FileDeviceSpecification(IoMethod.IoUring, CacheMode.Direct);

public sealed class UringDsyncFileSpecification() : FileDeviceSpecification(IoMethod.IoUring, CacheMode.Dsync);

/// <summary>Every batch takes several system calls, and its completions overflow their queue.</summary>
public sealed class UringSmallQueuesSpecification : DeviceSpecification
{
    protected override IBlockDevice Open()
    {
        VolumeOptions options = new() { Path = Own(new TemporaryDirectory()).File("volume"), Size = Size };
        return UringDevice.TryOpen(FileVolume.Open(options), out _, entries: 4)!;
    }
}

public abstract class TmpfsFileSpecification(IoMethod io) : DeviceSpecification
{
    protected override bool FastZeroWorks => false;

    protected override IBlockDevice Open() => DeviceFactory.Open(new VolumeOptions
    {
        Path = Own(new TemporaryFileSystem(2 * Size)).File("volume"),
        Size = Size,
        Cache = CacheMode.Buffered,
        Io = io,
    });
}

public sealed class ThreadsTmpfsFileSpecification() : TmpfsFileSpecification(IoMethod.Threads);

public sealed class UringTmpfsFileSpecification() : TmpfsFileSpecification(IoMethod.IoUring);

public abstract class LoopDeviceSpecification(IoMethod io, CacheMode cache) : DeviceSpecification
{
    protected override bool DiscardReadsZeroes => false;

    protected override bool FastZeroWorks => false;

    protected override IBlockDevice Open() =>
        DeviceFactory.Open(new VolumeOptions { Path = Own(new LoopDevice(Size)).Path, Cache = cache, Io = io });
}

public sealed class DirectLoopDeviceSpecification() : LoopDeviceSpecification(IoMethod.Threads, CacheMode.Direct);

public sealed class BufferedLoopDeviceSpecification() : LoopDeviceSpecification(IoMethod.Threads, CacheMode.Buffered);

public sealed class UringDirectLoopDeviceSpecification() : LoopDeviceSpecification(IoMethod.IoUring, CacheMode.Direct);

public sealed class UringBufferedLoopDeviceSpecification() : LoopDeviceSpecification(IoMethod.IoUring, CacheMode.Buffered);

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
