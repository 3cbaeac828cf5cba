namespace Scheduler.Storage.Tests;

/// <summary>What every <see cref="IBlockDevice"/> keeps to. A backend's subclass opens it and says where it differs.</summary>
public abstract partial class DeviceSpecification : IDisposable
{
    protected const long Size = 64 << 20;
    private const int Step = 4096;

    private readonly List<IDisposable> _owned = [];

    /// <summary>Whether written data can be read again.</summary>
    protected virtual bool Remembers => true;

    /// <summary>Whether a discarded range is sure to read as zeroes.</summary>
    protected virtual bool DiscardReadsZeroes => true;

    /// <summary>Whether zeroing without data is sure to work, and with <see cref="DeviceFlags.NoHole"/> too.</summary>
    protected virtual bool FastZeroWorks => true;

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        _owned.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens a fresh device of <see cref="Size"/> bytes, all zero.</summary>
    protected abstract IBlockDevice Open();

    /// <summary>Disposes something after the test, in reverse order.</summary>
    protected T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    private DeviceDriver Start() => Own(new DeviceDriver(Open()));

    private NativeBuffer Buffer(long length) => Own(new NativeBuffer(length));

    private void AssertReads(DeviceDriver driver, long offset, ReadOnlySpan<byte> expected)
    {
        using NativeBuffer buffer = new NativeBuffer(expected.Length).FillRandom(99);
        Assert.Equal(0, driver.Run(DeviceOp.Read, offset, expected.Length, buffer.Address));
        if (Remembers)
            Assert.True(expected.SequenceEqual(buffer.Bytes), $"bytes at {offset} differ");
        else
            Assert.False(buffer.Bytes.ContainsAnyExcept((byte)0));
    }

    private void AssertZeroes(DeviceDriver driver, long offset, long length)
    {
        using NativeBuffer buffer = new NativeBuffer(length).FillRandom(98);
        Assert.Equal(0, driver.Run(DeviceOp.Read, offset, length, buffer.Address));
        Assert.False(buffer.Bytes.ContainsAnyExcept((byte)0));
    }
}
