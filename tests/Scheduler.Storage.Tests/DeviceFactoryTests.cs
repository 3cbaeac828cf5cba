using Scheduler.Storage.Uring;

namespace Scheduler.Storage.Tests;

public sealed class DeviceFactoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(DeviceKind.File, IoMethod.Threads, typeof(FileDevice))]
    [InlineData(DeviceKind.File, IoMethod.IoUring, typeof(UringDevice))]
    [InlineData(DeviceKind.Memory, IoMethod.Auto, typeof(MemoryDevice))]
    [InlineData(DeviceKind.Null, IoMethod.Auto, typeof(NullDevice))]
    [InlineData(DeviceKind.Faulty, IoMethod.Auto, typeof(FaultyDevice))]
    public void Each_kind_is_opened(DeviceKind kind, IoMethod io, Type type)
    {
        using IBlockDevice device = DeviceFactory.Open(Options() with { Device = kind, Io = io });

        Assert.IsType(type, device);
        Assert.Equal(1 << 20, device.Info.Size);
    }

    [Fact]
    public void Bad_options_are_refused_and_leave_the_volume_free()
    {
        VolumeOptions[] bad =
        [
            Options() with { Device = (DeviceKind)9 },
            Options() with { Device = DeviceKind.Memory, Size = 0 },
            Options() with { Device = DeviceKind.Null, Size = 100 },
            Options() with { Workers = -1 },
            Options() with { Device = DeviceKind.Faulty, Faulty = new FaultyOptions { Inner = DeviceKind.Faulty } },
            Options() with { Device = DeviceKind.Faulty, Faulty = new FaultyOptions { Parallel = 0 } },
        ];
        Assert.All(bad, options => Assert.Throws<VolumeOpenException>(() => DeviceFactory.Open(options)));

        DeviceFactory.Open(Options()).Dispose();
    }

    private VolumeOptions Options() =>
        new() { Path = _directory.File("volume"), Size = 1 << 20, Cache = CacheMode.Buffered };
}
